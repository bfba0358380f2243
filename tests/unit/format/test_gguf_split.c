/* Models in several files: they are the same model as the whole file, and parts that do
 * not fit each other are refused with the part and the key. */
#include "support.h"

#include <dirent.h>
#include <sys/stat.h>

#include "reason/reason.h"

enum { N_TOKENS = 5, MOST = 64 };

static size_t count_handles(void) {
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        n++;
    if (folder)
        (void)closedir(folder);
    return n;
}

/* The model's logits for a few tokens; opening it leaves no handle and no memory. */
static reason_status run(const char *path, reason_load load, float *logits) {
    static const int32_t tokens[N_TOKENS] = {1, 200, 3, 270, 5};
    counted_heap heap;
    reason_model_options options;
    reason_model *model = NULL;
    reason_session *session = NULL;
    size_t n_handles = count_handles();
    heap_begin(&heap, 0, false);
    assert_int_equal(reason_model_options_init(&options, sizeof options), REASON_OK);
    options.load = load;
    reason_status status = reason_model_open(path, &options, &model);
    assert_int_equal(model != NULL, status == REASON_OK);
    assert_int_equal(count_handles(), n_handles);
    assert_true(heap.peak <= (size_t)20 << 20);
    if (status == REASON_OK) {
        assert_int_equal(reason_session_new(model, NULL, &session), REASON_OK);
        status = reason_session_logits(session, tokens, N_TOKENS, logits);
    }
    reason_session_free(session);
    reason_model_free(model);
    heap_end();
    assert_int_equal(heap.alive, 0);
    return status;
}

/* The words must be in the sentence, and the file it is about at its start. */
static void check_parts(split_model *s, size_t opened, size_t named, reason_status wanted,
                        const char *const *words) {
    float logits[N_TOKENS * TINY_N_TOKENS];
    split_save(s);
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++) {
        reason_status status = run(split_path(s, opened), (reason_load)load, logits);
        if (status != wanted)
            fail_msg("%s instead of %s: %s", rsn_status_name(status),
                     rsn_status_name(wanted), rsn_last_error());
        const char *path = split_path(s, named);
        if (status != REASON_OK && strncmp(rsn_last_error(), path, strlen(path)) != 0)
            fail_msg("%s is not at the start of: %s", path, rsn_last_error());
        check_said(words);
    }
}

#define PARTS(s, opened, named, status, ...) \
    check_parts(s, opened, named, status, (const char *const[]){__VA_ARGS__, NULL})

static void make_three(tiny_model *m, split_model *s) {
    tiny_model_make("qwen3", NULL, m);
    const size_t n_tensors[] = {3, m->n_tensors - 10, 7};
    split_make(m, n_tensors, 3, s);
}

static void forget(tiny_model *m, split_model *s) {
    split_free(s);
    tiny_model_free(m);
}

/* --- sound ones --------------------------------------------------------------------- */

static void check_same(const tiny_model *m, const size_t *n_tensors, size_t n_parts) {
    static float whole[N_TOKENS * TINY_N_TOKENS], parts[N_TOKENS * TINY_N_TOKENS];
    split_model s;
    char *path = gguf_save(&m->file);
    assert_int_equal(run(path, REASON_LOAD_MAP, whole), REASON_OK);
    gguf_remove(path);
    split_make(m, n_tensors, n_parts, &s);
    split_save(&s);
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++) {
        memset(parts, 0, sizeof parts);
        if (run(split_path(&s, 0), (reason_load)load, parts) != REASON_OK)
            fail_msg("%s", rsn_last_error());
        assert_memory_equal(whole, parts, sizeof whole);
    }
    split_free(&s);
}

static void test_format_gguf_split__same_logits(void **state) {
    (void)state;
    static const char *const archs[] = {"llama", "qwen2", "qwen3"};
    static const uint32_t alignments[] = {0, 64, 8};
    for (size_t i = 0; i < COUNT(archs); i++) {
        tiny_model m;
        const tiny_options o = {.alignment = alignments[i],
                                .type = i == 1 ? GGML_Q8_0 : GGML_F16,
                                .head_dim = 32,
                                .version = i == 2 ? 2 : 3};
        tiny_model_make(archs[i], &o, &m);
        const size_t n = m.n_tensors;
        const size_t thirds[] = {n / 3, n / 3, n - 2 * (n / 3)};
        const size_t metadata_first[] = {0, n / 2, n - n / 2};
        const size_t hole[] = {5, 0, n - 5};
        const size_t last_empty[] = {n - 1, 1, 0};
        const size_t all_in_last[] = {0, 0, 0, 0, n};
        check_same(&m, thirds, 3);
        check_same(&m, metadata_first, 3);
        check_same(&m, hole, 3);
        check_same(&m, last_empty, 3);
        check_same(&m, all_in_last, 5);
        size_t each[MOST];
        for (size_t t = 0; t < n; t++)
            each[t] = 1;
        check_same(&m, each, n);
        tiny_model_free(&m);
    }
}

/* What the plan says of parts and places. */
static void test_format_gguf_split__plan(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    rsn_gguf g;
    rsn_gguf_files files;
    make_three(&m, &s);
    split_save(&s);
    assert_int_equal(rsn_gguf_open_all(split_path(&s, 0), false, NULL, NULL, &g, &files),
                     REASON_OK);
    assert_int_equal(g.n_parts, 3);
    assert_int_equal(files.n, 3);
    assert_int_equal(g.n_tensors, m.n_tensors);
    assert_string_equal(g.path, split_path(&s, 0));
    uint64_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(g.parts[i].path, split_path(&s, i));
        assert_int_equal(g.parts[i].data_end, s.parts[i].n);
        assert_int_equal(files.list[i].size, s.parts[i].n);
        sum += s.parts[i].n - g.parts[i].data_start;
    }
    assert_int_equal(rsn_gguf_data_bytes(&g), sum);
    for (size_t i = 0; i < m.n_tensors; i++) {
        const rsn_gguf_tensor *t = rsn_gguf_find_tensor(&g, m.tensors[i].name);
        assert_ptr_equal(t, &g.tensors[i]);
        assert_int_equal(t->part, i < 3 ? 0 : i < m.n_tensors - 7 ? 1 : 2);
        assert_memory_equal(s.parts[t->part].data + t->offset,
                            m.file.data + m.tensors[i].at, t->n_bytes);
    }
    rsn_gguf_free(&g);
    rsn_gguf_files_close(&files);
    assert_null(files.list);
    forget(&m, &s);
}

/* The keys may be of any integer type. */
static void test_format_gguf_split__key_types(void **state) {
    (void)state;
    static const uint32_t types[] = {GGUF_U8,  GGUF_I8,  GGUF_U16, GGUF_I16,
                                     GGUF_U32, GGUF_I32, GGUF_U64, GGUF_I64};
    static const char *const keys[] = {"split.no", "split.count", "split.tensors.count"};
    static const size_t widths[] = {2, 2, 4}, bytes[] = {1, 1, 2, 2, 4, 4, 8, 8};
    for (size_t i = 0; i < COUNT(types); i++) {
        tiny_model m;
        split_model s;
        make_three(&m, &s);
        for (size_t p = 0; p < 3; p++)
            for (size_t k = 0; k < COUNT(keys); k++) {
                gguf_bytes *b = &s.parts[p];
                const uint8_t zeros[8] = {0};
                size_t at = gguf_find_value(b, keys[k]);
                uint8_t value = b->data[at]; /* all are below 128 */
                gguf_set_number(b, at - 4, types[i], 4);
                gguf_cut(b, at, widths[k]);
                gguf_insert(b, at, zeros, bytes[i]);
                b->data[at] = value;
            }
        /* Data has moved: enough of it is there, and what it holds does not matter. */
        for (size_t p = 0; p < 3; p++)
            gguf_put_zeros(&s.parts[p], 64);
        PARTS(&s, 0, 0, REASON_OK, "");
        forget(&m, &s);
    }
}

/* A whole file may carry the keys: tools that join parts leave them. */
static void test_format_gguf_split__whole(void **state) {
    (void)state;
    for (uint64_t count = 0; count < 2; count++) {
        tiny_model m;
        gguf_bytes pairs = {0};
        gguf_put_key(&pairs, "split.count", GGUF_U16);
        gguf_put_number(&pairs, count, 2);
        gguf_put_key(&pairs, "split.no", GGUF_U16);
        gguf_put_number(&pairs, 0, 2);
        const tiny_options o = {.pairs = &pairs, .n_pairs = 2};
        tiny_model_make("llama", &o, &m);
        float logits[N_TOKENS * TINY_N_TOKENS];
        char *path = gguf_save(&m.file);
        assert_int_equal(run(path, REASON_LOAD_MAP, logits), REASON_OK);
        gguf_remove(path);
        gguf_free(&pairs);
        tiny_model_free(&m);
    }
}

/* --- which file is opened ----------------------------------------------------------- */

static void test_format_gguf_split__not_the_first(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    PARTS(&s, 1, 1, REASON_ERR_INVALID_ARG, "part 2 of 3", "tiny-00001-of-00003.gguf");
    PARTS(&s, 2, 2, REASON_ERR_INVALID_ARG, "part 3 of 3", "tiny-00001-of-00003.gguf");
    forget(&m, &s);
}

/* Names that do not say which part this is, or say another one. */
static void test_format_gguf_split__names(void **state) {
    (void)state;
    static const struct {
        const char *name, *word;
    } wrong[] = {
        {"tiny.gguf", "-00001-of-00003.gguf"},
        {"x", "-00001-of-00003.gguf"},
        {"tiny-00001-of-00003.GGUF", "-00001-of-00003.gguf"},
        {"tiny-00001-of-00003.gguf.part", "-00001-of-00003.gguf"},
        {"tiny-0001-of-00003.gguf", "-00001-of-00003.gguf"},
        {"tiny-00001-of-0003.gguf", "-00001-of-00003.gguf"},
        {"tiny-000001-of-000003.gguf", "-00001-of-00003.gguf"},
        {"tiny-0000a-of-00003.gguf", "-00001-of-00003.gguf"},
        {"tiny-00001_of_00003.gguf", "-00001-of-00003.gguf"},
        {"tiny-00001-of-00004.gguf", "split.count is 3"},
        {"tiny-00002-of-00003.gguf", "split.no is 0"},
        {"tiny-00000-of-00003.gguf", "split.no is 0"},
        {"-00002-of-00003.gguf", "split.no is 0"},
    };
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    split_save(&s);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        float logits[N_TOKENS * TINY_N_TOKENS];
        char path[128], first[128];
        (void)snprintf(first, sizeof first, "%s", split_path(&s, 0));
        (void)snprintf(path, sizeof path, "%s/%s", s.folder, wrong[i].name);
        assert_int_equal(rename(first, path), 0);
        assert_int_equal(run(path, REASON_LOAD_MAP, logits), REASON_ERR_FORMAT);
        check_said((const char *const[]){path, wrong[i].word, NULL});
        assert_int_equal(rename(path, first), 0);
        split_save(&s);
    }
    forget(&m, &s);
}

/* Other names that fit, and one that is a link: parts are looked for beside the link. */
static void test_format_gguf_split__other_names(void **state) {
    (void)state;
    static const char *const stems[] = {"", "a", "b-00001-of-00003.gguf", "%s%n", "-"};
    tiny_model m;
    split_model s;
    float logits[N_TOKENS * TINY_N_TOKENS];
    make_three(&m, &s);
    split_save(&s);
    for (size_t i = 0; i < COUNT(stems); i++) {
        char path[3][160];
        for (size_t p = 0; p < 3; p++) {
            (void)snprintf(path[p], sizeof path[p], "%s/%s-%05zu-of-00003.gguf", s.folder,
                           stems[i], p + 1);
            assert_int_equal(symlink(split_path(&s, p), path[p]), 0);
        }
        if (run(path[0], REASON_LOAD_MAP, logits) != REASON_OK)
            fail_msg("%s", rsn_last_error());
        for (size_t p = 0; p < 3; p++)
            assert_int_equal(unlink(path[p]), 0);
    }
    forget(&m, &s);
}

static void test_format_gguf_split__missing(void **state) {
    (void)state;
    for (size_t lost = 1; lost < 3; lost++) {
        tiny_model m;
        split_model s;
        float logits[N_TOKENS * TINY_N_TOKENS];
        make_three(&m, &s);
        split_save(&s);
        assert_int_equal(unlink(split_path(&s, lost)), 0);
        assert_int_equal(run(split_path(&s, 0), REASON_LOAD_MAP, logits), REASON_ERR_IO);
        check_said((const char *const[]){split_path(&s, lost), "No such file", NULL});
        assert_int_equal(mkdir(split_path(&s, lost), 0700), 0);
        assert_int_equal(run(split_path(&s, 0), REASON_LOAD_MAP, logits), REASON_ERR_IO);
        check_said((const char *const[]){split_path(&s, lost), "a folder", NULL});
        assert_int_equal(rmdir(split_path(&s, lost)), 0);
        forget(&m, &s);
    }
}

/* --- contradictions ----------------------------------------------------------------- */

static void test_format_gguf_split__numbers(void **state) {
    (void)state;
    static const struct {
        const char *key;
        size_t part, width;
        uint64_t value;
        reason_status status;
        const char *word;
    } wrong[] = {
        {"split.no", 0, 2, 3, REASON_ERR_FORMAT, "split.no is 3"},
        {"split.no", 0, 2, 65535, REASON_ERR_FORMAT, "split.no is 65535"},
        {"split.no", 1, 2, 0, REASON_ERR_FORMAT, "split.no is 0, 1 expected"},
        {"split.no", 1, 2, 2, REASON_ERR_FORMAT, "split.no is 2, 1 expected"},
        {"split.no", 2, 2, 1, REASON_ERR_FORMAT, "split.no is 1, 2 expected"},
        {"split.count", 0, 2, 2, REASON_ERR_FORMAT, "split.count is 2"},
        {"split.count", 0, 2, 4, REASON_ERR_FORMAT, "split.count is 4"},
        {"split.count", 0, 2, 65535, REASON_ERR_FORMAT, "split.count is 65535"},
        {"split.count", 1, 2, 4, REASON_ERR_FORMAT, "split.count is 4, 3 expected"},
        {"split.count", 2, 2, 0, REASON_ERR_FORMAT, "split.count is 0, 3 expected"},
        {"split.tensors.count", 0, 4, 65537, REASON_ERR_LIMIT, "65536"},
        {"split.tensors.count", 0, 4, INT32_MAX, REASON_ERR_LIMIT, "65536"},
        {"split.tensors.count", 0, 4, UINT32_MAX, REASON_ERR_FORMAT, "-1"},
        {"split.tensors.count", 0, 4, 0, REASON_ERR_FORMAT, "split.tensors.count is 0"},
        {"split.tensors.count", 0, 4, 2, REASON_ERR_FORMAT, "split.tensors.count is 2"},
        {"split.tensors.count", 1, 4, 9, REASON_ERR_FORMAT, "split.tensors.count is 9"},
    };
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        gguf_bytes *b = &s.parts[wrong[i].part];
        size_t at = gguf_find_value(b, wrong[i].key);
        uint8_t right[4];
        memcpy(right, b->data + at, wrong[i].width);
        gguf_set_number(b, at, wrong[i].value, wrong[i].width);
        PARTS(&s, 0, wrong[i].part, wrong[i].status, wrong[i].key, wrong[i].word);
        memcpy(b->data + at, right, wrong[i].width);
    }
    PARTS(&s, 0, 0, REASON_OK, "");
    forget(&m, &s);
}

/* All parts claim the same wrong sum. */
static void test_format_gguf_split__sum(void **state) {
    (void)state;
    for (int more = -1; more <= 1; more += 2) {
        tiny_model m;
        split_model s;
        make_three(&m, &s);
        for (size_t p = 0; p < 3; p++)
            gguf_set_number(&s.parts[p],
                            gguf_find_value(&s.parts[p], "split.tensors.count"),
                            m.n_tensors + (size_t)more, 4);
        PARTS(&s, 0, more < 0 ? 2 : 0, REASON_ERR_FORMAT, "split.tensors.count",
              number(m.n_tensors), number(m.n_tensors + (size_t)more));
        forget(&m, &s);
    }
}

static void test_format_gguf_split__keys_missing(void **state) {
    (void)state;
    static const char *const keys[] = {"split.no", "split.count", "split.tensors.count"};
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    for (size_t p = 0; p < 3; p++)
        for (size_t k = 0; k < COUNT(keys); k++) {
            gguf_bytes *b = &s.parts[p];
            size_t at = gguf_find_value(b, keys[k]) - 5;
            if (p == 0 && k == 1)
                continue; /* without split.count the file is none of many */
            b->data[at]++;
            PARTS(&s, 0, p, REASON_ERR_FORMAT, keys[k], "missing");
            b->data[at]--;
            if (k < 2)
                continue; /* no other type is as wide as u16 */
            gguf_set_number(b, at + 1, GGUF_F32, 4);
            PARTS(&s, 0, p, REASON_ERR_FORMAT, keys[k], "an integer");
            gguf_set_number(b, at + 1, GGUF_I32, 4);
        }
    forget(&m, &s);
}

static void test_format_gguf_split__same_tensor(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    const char *name = m.tensors[m.n_tensors - 1].name; /* output.weight, in part 3 */
    assert_string_equal(name, "output.weight");
    size_t at = gguf_find_tensor(&s.parts[1], "blk.0.ffn_up.weight");
    gguf_cut(&s.parts[1], at - 27, 27);
    gguf_bytes text = {0};
    gguf_put_text(&text, name);
    gguf_insert(&s.parts[1], at - 27, text.data, text.n);
    gguf_put_zeros(&s.parts[1], 64);
    PARTS(&s, 0, 0, REASON_ERR_FORMAT, "\"output.weight\"", "-00002-of-00003",
          "-00003-of-00003");
    gguf_free(&text);
    forget(&m, &s);
}

/* Another architecture is refused, the same one is no harm. */
static void test_format_gguf_split__architecture(void **state) {
    (void)state;
    static const char *const archs[] = {"llama", "qwen3"};
    for (size_t i = 0; i < 2; i++) {
        tiny_model m;
        split_model s;
        gguf_bytes pair = {0};
        make_three(&m, &s);
        gguf_put_string(&pair, "general.architecture", archs[i]);
        gguf_insert(&s.parts[2], 24, pair.data, pair.n);
        gguf_set_number(&s.parts[2], 16, 4, 8);
        gguf_put_zeros(&s.parts[2], 64);
        PARTS(&s, 0, 2, i == 0 ? REASON_ERR_FORMAT : REASON_OK,
              i == 0 ? "general.architecture" : "", i == 0 ? "llama" : "",
              i == 0 ? "qwen3" : "");
        gguf_free(&pair);
        forget(&m, &s);
    }
}

/* Each part has its own alignment. */
static void test_format_gguf_split__alignment(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    gguf_bytes pair = {0};
    make_three(&m, &s);
    gguf_put_u32(&pair, "general.alignment", 24);
    gguf_insert(&s.parts[1], 24, pair.data, pair.n);
    gguf_set_number(&s.parts[1], 16, 4, 8);
    PARTS(&s, 0, 1, REASON_ERR_FORMAT, "general.alignment", "24");
    gguf_set_number(&s.parts[1], gguf_find_value(&s.parts[1], "general.alignment"), 4096,
                    4);
    PARTS(&s, 0, 1, REASON_ERR_FORMAT, "alignment 4096");
    gguf_free(&pair);
    forget(&m, &s);
}

/* Every part is checked as a file of its own: cut anywhere in its header it is refused
 * under its name. */
static void test_format_gguf_split__damaged_part(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    split_save(&s);
    float logits[N_TOKENS * TINY_N_TOKENS];
    for (size_t p = 1; p < 3; p++)
        for (size_t n = 0; n < s.parts[p].n; n += n < 300 ? 7 : 997) {
            assert_int_equal(truncate(split_path(&s, p), (off_t)n), 0);
            assert_int_equal(run(split_path(&s, 0), REASON_LOAD_MAP, logits),
                             REASON_ERR_FORMAT);
            const char *path = split_path(&s, p);
            assert_int_equal(strncmp(rsn_last_error(), path, strlen(path)), 0);
            split_save(&s);
        }
    forget(&m, &s);
}

/* As many parts as are read, and one more. */
static void test_format_gguf_split__many(void **state) {
    (void)state;
    static split_model s;
    tiny_model m;
    float logits[N_TOKENS * TINY_N_TOKENS];
    size_t n_tensors[SPLIT_MAX_PARTS] = {0};
    tiny_model_make("llama", NULL, &m);
    n_tensors[100] = m.n_tensors;
    split_make(&m, n_tensors, RSN_GGUF_MAX_PARTS, &s);
    split_save(&s);
    if (run(split_path(&s, 0), REASON_LOAD_MAP, logits) != REASON_OK)
        fail_msg("%s", rsn_last_error());
    split_free(&s);
    split_make(&m, n_tensors, RSN_GGUF_MAX_PARTS + 1, &s);
    split_save(&s);
    assert_int_equal(run(split_path(&s, 0), REASON_LOAD_MAP, logits), REASON_ERR_LIMIT);
    check_said((const char *const[]){"split.count", "257", "256", NULL});
    split_free(&s);
    tiny_model_free(&m);
}

/* --- stopping and failing ----------------------------------------------------------- */

typedef struct watcher {
    uint64_t n_calls, stop_at, last, total;
} watcher;

static int watch(void *user, const char *what, uint64_t done, uint64_t total) {
    watcher *w = user;
    assert_string_equal(what, "load");
    assert_true(done <= total && done >= w->last);
    w->last = done;
    w->total = total;
    return ++w->n_calls == w->stop_at;
}

/* Progress counts every part's header and data, and each step can stop the call. */
static void test_format_gguf_split__cancelled(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    split_save(&s);
    reason_model_options options;
    assert_int_equal(reason_model_options_init(&options, sizeof options), REASON_OK);
    options.progress = watch;
    uint64_t n_calls = 1000;
    size_t n_handles = count_handles();
    for (uint64_t stop_at = 0; stop_at <= n_calls; stop_at++) {
        watcher w = {.stop_at = stop_at};
        counted_heap heap;
        reason_model *model = NULL;
        options.progress_user = &w;
        options.load = stop_at % 2 ? REASON_LOAD_COPY : REASON_LOAD_MAP;
        heap_begin(&heap, 0, false);
        assert_int_equal(reason_model_open(split_path(&s, 0), &options, &model),
                         stop_at ? REASON_ERR_CANCELLED : REASON_OK);
        reason_model_free(model);
        heap_end();
        assert_int_equal(heap.alive, 0);
        assert_int_equal(count_handles(), n_handles);
        if (stop_at == 0) {
            n_calls = w.n_calls;
            assert_int_equal(w.total, 7);
            assert_int_equal(w.last, 7);
        }
    }
    assert_int_equal(n_calls, 8);
    forget(&m, &s);
}

static void test_format_gguf_split__alloc_fails(void **state) {
    (void)state;
    tiny_model m;
    split_model s;
    make_three(&m, &s);
    split_save(&s);
    for (int sticky = 0; sticky < 2; sticky++) {
        reason_status status = REASON_ERR_NO_MEMORY;
        for (size_t n = 1; status != REASON_OK; n++) {
            rsn_gguf g;
            rsn_gguf_files files;
            counted_heap heap;
            heap_begin(&heap, n, sticky);
            status = rsn_gguf_open_all(split_path(&s, 0), false, NULL, NULL, &g, &files);
            assert_int_equal(status, heap.n_calls < n ? REASON_OK : REASON_ERR_NO_MEMORY);
            rsn_gguf_free(&g);
            rsn_gguf_files_close(&files);
            heap_end();
            assert_int_equal(heap.alive, 0);
        }
    }
    forget(&m, &s);
}

/* A copied model does not care what becomes of any part. */
static void test_format_gguf_split__copy_outlives(void **state) {
    (void)state;
    static const int32_t tokens[N_TOKENS] = {1, 200, 3, 270, 5};
    static float whole[N_TOKENS * TINY_N_TOKENS], after[N_TOKENS * TINY_N_TOKENS];
    tiny_model m;
    split_model s;
    reason_model_options options;
    reason_model *model;
    reason_session *session;
    make_three(&m, &s);
    split_save(&s);
    assert_int_equal(run(split_path(&s, 0), REASON_LOAD_MAP, whole), REASON_OK);
    assert_int_equal(reason_model_options_init(&options, sizeof options), REASON_OK);
    options.load = REASON_LOAD_COPY;
    assert_int_equal(reason_model_open(split_path(&s, 0), &options, &model), REASON_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(truncate(split_path(&s, i), (off_t)(100 * i)), 0);
    assert_int_equal(unlink(split_path(&s, 1)), 0);
    assert_int_equal(reason_session_new(model, NULL, &session), REASON_OK);
    assert_int_equal(reason_session_logits(session, tokens, N_TOKENS, after), REASON_OK);
    assert_memory_equal(whole, after, sizeof whole);
    reason_session_free(session);
    reason_model_free(model);
    forget(&m, &s);
}

/* A part that shrinks after its header was read. */
static int shorten(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    return done + 1 == total ? truncate(user, 4000) : 0;
}

static void test_format_gguf_split__shrinks(void **state) {
    (void)state;
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++) {
        tiny_model m;
        split_model s;
        reason_model_options options;
        reason_model *model = NULL;
        char last[128];
        make_three(&m, &s);
        split_save(&s);
        (void)snprintf(last, sizeof last, "%s", split_path(&s, 2));
        assert_int_equal(reason_model_options_init(&options, sizeof options), REASON_OK);
        options.load = (reason_load)load;
        options.progress = shorten;
        options.progress_user = last;
        assert_int_equal(reason_model_open(split_path(&s, 0), &options, &model),
                         REASON_ERR_IO);
        assert_int_equal(strncmp(rsn_last_error(), last, strlen(last)), 0);
        check_said((const char *const[]){"shrank", "4000", NULL});
        forget(&m, &s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf_split__same_logits),
        cmocka_unit_test(test_format_gguf_split__plan),
        cmocka_unit_test(test_format_gguf_split__key_types),
        cmocka_unit_test(test_format_gguf_split__whole),
        cmocka_unit_test(test_format_gguf_split__not_the_first),
        cmocka_unit_test(test_format_gguf_split__names),
        cmocka_unit_test(test_format_gguf_split__other_names),
        cmocka_unit_test(test_format_gguf_split__missing),
        cmocka_unit_test(test_format_gguf_split__numbers),
        cmocka_unit_test(test_format_gguf_split__sum),
        cmocka_unit_test(test_format_gguf_split__keys_missing),
        cmocka_unit_test(test_format_gguf_split__same_tensor),
        cmocka_unit_test(test_format_gguf_split__architecture),
        cmocka_unit_test(test_format_gguf_split__alignment),
        cmocka_unit_test(test_format_gguf_split__damaged_part),
        cmocka_unit_test(test_format_gguf_split__many),
        cmocka_unit_test(test_format_gguf_split__cancelled),
        cmocka_unit_test(test_format_gguf_split__alloc_fails),
        cmocka_unit_test(test_format_gguf_split__copy_outlives),
        cmocka_unit_test(test_format_gguf_split__shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
