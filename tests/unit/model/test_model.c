/* Opening models: what is refused as a whole, mapped and copied files, files that are
 * none, cancelling, failing allocations, and damage to any byte of the header. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static const char TEMPLATE[] = "{% for m in messages %}{{ m.content }}{% endfor %}{{ "
                               "'<think>\\n\\n</think>\\n\\n' }}";

/* --- architecture ------------------------------------------------------------------- */

static void test_model_model__opens(void **state) {
    (void)state;
    static const char *const archs[] = {"llama", "qwen2", "qwen3", "gemma2", "gemma3",
                                        "phi3", "glm4", "smollm3", "granite", "olmo2"};
    for (size_t i = 0; i < COUNT(archs); i++) {
        tiny_options o = {.chat_template = TEMPLATE, .n_ctx = 77};
        char *path = build_tiny_model(archs[i], &o);
        reason_model *model;
        const char *text;
        int64_t n = 0;
        check_ok(reason_model_open(path, NULL, &model));
        check_ok(reason_model_get_text(model, "architecture", &text, NULL));
        assert_string_equal(text, archs[i]);
        check_ok(reason_model_get_text(model, "path", &text, NULL));
        assert_string_equal(text, path);
        check_ok(reason_model_get_text(model, "chat_template", &text, NULL));
        assert_string_equal(text, TEMPLATE);
        check_ok(reason_model_get_int(model, "context_length", &n));
        assert_int_equal(n, 77);
        run_token(model);
        reason_model_free(model);
        gguf_remove(path);
    }
}

static void test_model_model__architecture(void **state) {
    (void)state;
    static const char *const names[] = {"gemma4", "Llama", "llama2",
                                        "llam",   "",      "llama "};
    for (size_t i = 0; i < COUNT(names); i++) {
        tiny_model m;
        const tiny_options o = {.n_layers = 1, .no_tokenizer = true};
        tiny_model_make(names[i], &o, &m);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, names[i], "llama", "qwen2", "qwen3");
        tiny_model_free(&m);
    }
    tiny_model m;
    tiny_model_make("llama", NULL, &m);
    m.file.data[gguf_find_value(&m.file, "general.architecture") - 5] = '!';
    REFUSED(&m.file, REASON_ERR_FORMAT, "general.architecture", "missing");
    tiny_model_free(&m);
}

static void test_model_model__architecture_type(void **state) {
    (void)state;
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_u32(&b, "general.architecture", 1);
    REFUSED(&b, REASON_ERR_FORMAT, "general.architecture", "a string");
    gguf_free(&b);
}

/* More tokens than rows of the embedding; more rows than tokens is padding. */
static void test_model_model__vocabulary_size(void **state) {
    (void)state;
    tiny_model m;
    tiny_options o = {.n_vocab = TINY_N_TOKENS - 1};
    tiny_model_make("qwen2", &o, &m);
    REFUSED(&m.file, REASON_ERR_FORMAT, "tokenizer.ggml.tokens", number(TINY_N_TOKENS),
            number(TINY_N_TOKENS - 1));
    tiny_model_free(&m);
    o.n_vocab = TINY_N_TOKENS + 47;
    tiny_model_make("qwen2", &o, &m);
    check_opens(&m.file);
    gguf_set_number(&m.file, gguf_find_value(&m.file, "qwen2.vocab_size"),
                    TINY_N_TOKENS + 46, 4);
    REFUSED(&m.file, REASON_ERR_FORMAT, "token_embd.weight", number(TINY_N_TOKENS + 46));
    tiny_model_free(&m);
    o.n_vocab = 0;
    tiny_model_make("qwen2", &o, &m);
    m.file.data[gguf_find_value(&m.file, "qwen2.vocab_size") - 5] = '!';
    check_opens(&m.file); /* the tokens say how many rows there are */
    tiny_model_free(&m);
}

/* Scaled RoPE would change every logit. */
static void test_model_model__rope_scaling(void **state) {
    (void)state;
    tiny_model m;
    gguf_bytes pair = {0};
    const tiny_options o = {.pairs = &pair, .n_pairs = 1};
    gguf_put_string(&pair, "qwen3.rope.scaling.type", "dynamic");
    tiny_model_make("qwen3", &o, &m);
    REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "qwen3.rope.scaling.type", "dynamic");
    gguf_free(&pair);
    tiny_model_free(&m);
}

static void test_model_model__vocabulary_alone(void **state) {
    (void)state;
    const tiny_options o = {.no_weights = true};
    char *path = build_tiny_model("anything", &o); /* its network is not asked for */
    reason_model *model;
    reason_session *session = NULL;
    int64_t has_weights = 1;
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_model_get_int(model, "has_weights", &has_weights));
    assert_int_equal(has_weights, 0);
    assert_int_equal(reason_session_new(model, NULL, &session), REASON_ERR_MISMATCH);
    assert_non_null(strstr(reason_last_error(), path));
    assert_null(session);
    reason_model_free(model);
    gguf_remove(path);
}

/* --- how the file is held ----------------------------------------------------------- */

enum { N_TOKENS = 5 };

static void compute(reason_model *model, float *logits) {
    static const int32_t tokens[N_TOKENS] = {1, 200, 3, 270, 5};
    reason_session *session;
    check_ok(reason_session_new(model, NULL, &session));
    check_ok(reason_session_logits(session, tokens, N_TOKENS, logits));
    reason_session_free(session);
}

/* Mapped and copied are the same numbers, at every alignment of the data in the file. */
static void test_model_model__map_and_copy(void **state) {
    (void)state;
    static const uint32_t types[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    static float mapped[N_TOKENS * TINY_N_TOKENS], copied[N_TOKENS * TINY_N_TOKENS];
    for (size_t i = 0; i < COUNT(types); i++) {
        const tiny_options o = {
            .type = types[i], .alignment = i % 2 ? 8 : 0, .rope_factors = true};
        char *path = build_tiny_model("llama", &o);
        reason_model *model;
        check_ok(open_as(path, REASON_LOAD_MAP, &model));
        assert_true(model->blobs[0].mapped);
        compute(model, mapped);
        reason_model_free(model);
        check_ok(open_as(path, REASON_LOAD_COPY, &model));
        assert_false(model->blobs[0].mapped);
        compute(model, copied);
        assert_memory_equal(mapped, copied, sizeof mapped);
        gguf_remove(path);
        reason_model_free(model);
    }
}

/* A copied model does not care what becomes of the file. */
static void test_model_model__copy_outlives(void **state) {
    (void)state;
    static float before[N_TOKENS * TINY_N_TOKENS], after[N_TOKENS * TINY_N_TOKENS];
    const tiny_options o = {
        .type = GGML_Q8_0, .vector_type = GGML_F16, .chat_template = TEMPLATE};
    char *path = build_tiny_model("qwen3", &o);
    reason_model *model;
    check_ok(open_as(path, REASON_LOAD_COPY, &model));
    compute(model, before);
    assert_int_equal(truncate(path, 0), 0);
    compute(model, after);
    assert_memory_equal(before, after, sizeof before);
    gguf_remove(path);
    compute(model, after);
    assert_memory_equal(before, after, sizeof before);
    const char *text;
    check_ok(reason_model_get_text(model, "tokenizer.ggml.pre", &text, NULL));
    assert_string_equal(text, "qwen2");
    reason_model_free(model);
}

/* All but tensor data is copied while opening, so a mapped file's header may change. */
static void test_model_model__header_copied(void **state) {
    (void)state;
    static float before[N_TOKENS * TINY_N_TOKENS], after[N_TOKENS * TINY_N_TOKENS];
    tiny_model m;
    reason_model *model;
    uint8_t ones[512];
    tiny_model_make("qwen2", NULL, &m);
    char *path = gguf_save(&m.file);
    check_ok(open_as(path, REASON_LOAD_MAP, &model));
    compute(model, before);
    int fd = open(path, O_WRONLY);
    memset(ones, 0xFF, sizeof ones);
    for (size_t at = 0; at + sizeof ones <= m.tensors[0].at; at += sizeof ones)
        assert_int_equal(pwrite(fd, ones, sizeof ones, (off_t)at), sizeof ones);
    assert_int_equal(close(fd), 0);
    compute(model, after);
    assert_memory_equal(before, after, sizeof before);
    assert_string_equal(reason_model_key(model, 0), "general.architecture");
    reason_model_free(model);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* Sessions keep the model. */
static void test_model_model__counted(void **state) {
    (void)state;
    char *path = build_tiny_model("llama", NULL);
    counted_heap heap;
    reason_model *model;
    reason_session *session;
    const int32_t token = 3;
    heap_begin(&heap, 0, false);
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_session_new(model, NULL, &session));
    reason_model_free(model);
    gguf_remove(path);
    check_ok(reason_session_logits(session, &token, 1, NULL));
    reason_session_free(session);
    heap_end();
    assert_int_equal(heap.alive, 0);
}

/* --- files that are none ------------------------------------------------------------ */

static void check_io(const char *path, const char *word) {
    reason_model *model = (reason_model *)(void *)&path;
    assert_int_equal(reason_model_open(path, NULL, &model), REASON_ERR_IO);
    assert_null(model);
    check_said((const char *const[]){path, word, NULL});
}

static void test_model_model__not_files(void **state) {
    (void)state;
    tiny_model m;
    tiny_model_make("llama", NULL, &m);
    char *path = gguf_save(&m.file), inside[4096];
    check_io("/dev/null", "a device");
    (void)snprintf(inside, sizeof inside, "%s/below", path);
    check_io(inside, "Not a directory");
    assert_int_equal(unlink(path), 0);
    check_io(path, "No such file");
    check_io("", "");
    assert_int_equal(mkdir(path, 0700), 0);
    check_io(path, "config.json: cannot be opened");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* without a writer; opening must not wait */
    check_io(path, "a pipe");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, path), 0);
    check_io(path, "links");
    gguf_remove(path);
    tiny_model_free(&m);
}

static void test_model_model__unreadable(void **state) {
    (void)state;
    char *path = build_tiny_model("llama", NULL);
    const uid_t user = geteuid();
    assert_int_equal(chmod(path, 0), 0);
    if (user == 0) /* who may read everything becomes somebody for a moment */
        assert_int_equal(seteuid(65534), 0);
    reason_model *model = NULL;
    reason_status status = reason_model_open(path, NULL, &model);
    if (user == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, REASON_ERR_IO);
    assert_null(model);
    check_said((const char *const[]){path, "Permission denied", NULL});
    gguf_remove(path);
}

/* --- stopping and failing ----------------------------------------------------------- */

typedef struct watcher {
    int n_calls, stop_at;
    uint64_t last;
} watcher;

static int watch(void *user, const char *what, uint64_t done, uint64_t total) {
    watcher *w = user;
    assert_non_null(what);
    assert_true(done <= total && done >= w->last);
    w->last = done;
    return ++w->n_calls == w->stop_at;
}

static void test_model_model__cancelled(void **state) {
    (void)state;
    char *path = build_tiny_model("qwen3", NULL);
    reason_model_options options;
    counted_heap heap;
    int n_calls = 1000;
    check_ok(reason_model_options_init(&options, sizeof options));
    options.progress = watch;
    for (int stop_at = 0; stop_at <= n_calls; stop_at++) {
        watcher w = {.stop_at = stop_at};
        reason_model *model = (reason_model *)(void *)&w;
        options.progress_user = &w;
        heap_begin(&heap, 0, false);
        reason_status status = reason_model_open(path, &options, &model);
        assert_int_equal(status, stop_at ? REASON_ERR_CANCELLED : REASON_OK);
        assert_int_equal(model != NULL, stop_at == 0);
        reason_model_free(model);
        heap_end();
        assert_int_equal(heap.alive, 0);
        n_calls = stop_at ? n_calls : w.n_calls;
    }
    assert_in_range(n_calls, 2, 100);
    reason_cancel_token *token;
    reason_model *model = NULL;
    check_ok(reason_cancel_token_new(&token));
    reason_cancel_token_set(token);
    options.progress = NULL;
    options.cancel = token;
    assert_int_equal(reason_model_open(path, &options, &model), REASON_ERR_CANCELLED);
    assert_null(model);
    reason_cancel_token_reset(token);
    check_ok(reason_model_open(path, &options, &model));
    reason_model_free(model);
    reason_cancel_token_free(token);
    gguf_remove(path);
}

/* Cuts the file short when everything but the weights has been read. */
static int shorten(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    return done + 1 == total ? truncate(user, 8000) : 0;
}

static void test_model_model__shrinks(void **state) {
    (void)state;
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++) {
        char *path = build_tiny_model("qwen2", NULL);
        reason_model_options options;
        reason_model *model = (reason_model *)(void *)&options;
        check_ok(reason_model_options_init(&options, sizeof options));
        options.load = (reason_load)load;
        options.progress = shorten;
        options.progress_user = path;
        assert_int_equal(reason_model_open(path, &options, &model), REASON_ERR_IO);
        assert_null(model);
        check_said((const char *const[]){path, "shrank", "8000", NULL});
        gguf_remove(path);
    }
}

/* Opens and computes on the small stack that a host may give a thread. */
static void *open_on_thread(void *path) {
    const int32_t tokens[3] = {1, 2, 3};
    reason_model *model = NULL;
    reason_session *session = NULL;
    bool ok = reason_model_open(path, NULL, &model) == REASON_OK &&
              reason_session_new(model, NULL, &session) == REASON_OK &&
              reason_session_logits(session, tokens, 3, NULL) == REASON_OK;
    reason_session_free(session);
    reason_model_free(model);
    return ok ? path : NULL;
}

static void test_model_model__small_stack(void **state) {
    (void)state;
    const tiny_options o = {.type = GGML_Q8_0, .chat_template = TEMPLATE};
    char *path = build_tiny_model("qwen3", &o);
    pthread_t thread;
    pthread_attr_t attr;
    void *done = NULL;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, (size_t)256 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, open_on_thread, path), 0);
    assert_int_equal(pthread_join(thread, &done), 0);
    (void)pthread_attr_destroy(&attr);
    assert_ptr_equal(done, path);
    gguf_remove(path);
}

/* Each allocation of opening fails in turn, alone and with all after it. One that fails
 * alone may be done without. */
static void check_alloc_fails(const char *path, reason_load load, bool sticky) {
    for (size_t fail_at = 1;; fail_at++) {
        counted_heap heap;
        reason_model *model = (reason_model *)(void *)&heap;
        heap_begin(&heap, fail_at, sticky);
        reason_status status = open_as(path, load, &model);
        bool refused = heap.n_calls >= fail_at;
        if (status == REASON_OK)
            assert_true(!refused || !sticky);
        else
            assert_int_equal(status, REASON_ERR_NO_MEMORY);
        assert_int_equal(model != NULL, status == REASON_OK);
        if (status == REASON_OK)
            assert_true(model->vocab && model->arch);
        reason_model_free(model);
        heap_end();
        assert_int_equal(heap.alive, 0);
        if (!refused)
            break;
    }
    reason_model *model;
    check_ok(open_as(path, load, &model));
    run_token(model);
    reason_model_free(model);
}

static void test_model_model__alloc_fails(void **state) {
    (void)state;
    const tiny_options o = {
        .vector_type = GGML_F16, .rope_factors = true, .chat_template = TEMPLATE};
    char *path = build_tiny_model("qwen3", &o);
    for (int load = REASON_LOAD_MAP; load <= REASON_LOAD_COPY; load++)
        for (int sticky = 0; sticky < 2; sticky++)
            check_alloc_fails(path, (reason_load)load, sticky);
    gguf_remove(path);
}

/* --- damage ------------------------------------------------------------------------- */

/* Every byte of the header changed to several values: the model is refused, or it opens
 * and then computes. Bounded memory, leaks and the sentence are try_path()'s. */
static void check_damage(const char *arch, const tiny_options *o, size_t step) {
    tiny_model m;
    size_t n_refused = 0;
    tiny_model_make(arch, o, &m);
    char *path = gguf_save(&m.file);
    int fd = open(path, O_WRONLY);
    for (size_t at = 0; at < m.tensors[0].at; at += step) {
        const uint8_t right = m.file.data[at];
        const uint8_t wrong[] = {(uint8_t)(right ^ 1), (uint8_t)(right ^ 0x80), 0xFF, 0};
        for (size_t i = 0; i < COUNT(wrong); i++) {
            assert_int_equal(pwrite(fd, &wrong[i], 1, (off_t)at), 1);
            reason_status status = try_path(path, m.file.n, REASON_LOAD_MAP);
            n_refused += status != REASON_OK;
            if (status != REASON_OK && status != REASON_ERR_UNSUPPORTED)
                assert_true(status == REASON_ERR_FORMAT || status == REASON_ERR_LIMIT);
        }
        assert_int_equal(pwrite(fd, &right, 1, (off_t)at), 1);
    }
    assert_int_equal(try_path(path, m.file.n, REASON_LOAD_MAP), REASON_OK);
    assert_true(n_refused > m.tensors[0].at / step);
    assert_int_equal(close(fd), 0);
    gguf_remove(path);
    tiny_model_free(&m);
}

static void test_model_model__damaged_sizes(void **state) {
    (void)state;
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .n_ctx = 32,
                            .n_vocab = 8,
                            .no_tokenizer = true,
                            .rope_factors = true};
    check_damage("llama", &o, 1);
}

static void test_model_model__damaged_vocabulary(void **state) {
    (void)state;
    const tiny_options o = {.n_layers = 1,
                            .n_embd = 8,
                            .n_heads = 2,
                            .n_heads_kv = 1,
                            .head_dim = 4,
                            .n_ff = 8,
                            .n_ctx = 32,
                            .tied = true,
                            .chat_template = TEMPLATE};
    check_damage("qwen3", &o, 3);
}

/* The data itself is any bytes: numbers come out, or NaN, but nothing else happens. */
static void test_model_model__damaged_data(void **state) {
    (void)state;
    static const uint32_t types[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    static const uint8_t fills[] = {0x00, 0xFF, 0x7C, 0x80, 0x7F};
    for (size_t i = 0; i < COUNT(types); i++)
        for (size_t j = 0; j < COUNT(fills); j++) {
            tiny_model m;
            const tiny_options o = {
                .type = types[i], .vector_type = types[i], .head_dim = 32};
            tiny_model_make("qwen3", &o, &m);
            memset(m.file.data + m.tensors[0].at, fills[j], m.file.n - m.tensors[0].at);
            check_opens(&m.file);
            tiny_model_free(&m);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_model__opens),
        cmocka_unit_test(test_model_model__architecture),
        cmocka_unit_test(test_model_model__architecture_type),
        cmocka_unit_test(test_model_model__vocabulary_size),
        cmocka_unit_test(test_model_model__rope_scaling),
        cmocka_unit_test(test_model_model__vocabulary_alone),
        cmocka_unit_test(test_model_model__map_and_copy),
        cmocka_unit_test(test_model_model__copy_outlives),
        cmocka_unit_test(test_model_model__header_copied),
        cmocka_unit_test(test_model_model__counted),
        cmocka_unit_test(test_model_model__not_files),
        cmocka_unit_test(test_model_model__unreadable),
        cmocka_unit_test(test_model_model__cancelled),
        cmocka_unit_test(test_model_model__shrinks),
        cmocka_unit_test(test_model_model__small_stack),
        cmocka_unit_test(test_model_model__alloc_fails),
        cmocka_unit_test(test_model_model__damaged_sizes),
        cmocka_unit_test(test_model_model__damaged_vocabulary),
        cmocka_unit_test(test_model_model__damaged_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
