/* Reading GGUF headers: what sound files give, and that every kind of broken one is
 * refused with a sentence that names it, in memory bounded by the file and not by what it
 * claims. Tensors' shapes and places are test_gguf_tensors.c's. */
#include "support.h"

#include <pthread.h>

/* --- sound files -------------------------------------------------------------------- */

static void check_seed_plan(const tiny_model *m, const rsn_gguf *g) {
    assert_int_equal(g->version, m->o.version);
    assert_int_equal(g->n_tensors, m->n_tensors);
    assert_int_equal(g->parts[0].data_start, m->tensors[0].at);
    assert_int_equal(g->parts[0].data_end, m->file.n);
    for (size_t i = 0; i < m->n_tensors; i++) {
        const tiny_tensor *wanted = &m->tensors[i];
        const rsn_gguf_tensor *t = rsn_gguf_find_tensor(g, wanted->name);
        assert_ptr_equal(t, &g->tensors[i]);
        assert_string_equal(t->name.data, wanted->name);
        assert_int_equal(t->n_dims, wanted->ne[1] == 1 ? 1 : 2);
        assert_int_equal(t->ne[0], wanted->ne[0]);
        assert_int_equal(t->ne[1], wanted->ne[1]);
        assert_int_equal(t->ne[2], 1);
        assert_int_equal(t->ne[3], 1);
        assert_int_equal(t->type->ggml_id, wanted->type);
        assert_int_equal(t->offset, wanted->at);
        assert_int_equal(
            t->n_bytes,
            gguf_weight_bytes(wanted->type, (size_t)(wanted->ne[0] * wanted->ne[1])));
    }
    assert_null(rsn_gguf_find_tensor(g, "token_embd"));
    assert_null(rsn_gguf_find_tensor(g, "zzz"));
    assert_null(rsn_gguf_find(g, ""));
}

static void test_format_gguf__sound(void **state) {
    (void)state;
    static const char *const archs[] = {"llama", "qwen2", "qwen3"};
    static const uint32_t types[] = {GGML_F32, GGML_F16, GGML_BF16, GGML_Q8_0};
    static const uint32_t alignments[] = {0, 8, 16, 32, 64, 4096, 1 << 20};
    for (size_t i = 0; i < COUNT(alignments); i++) {
        tiny_model m;
        rsn_gguf g;
        counted_heap heap;
        tiny_options o = {.type = types[i % 4],
                          .alignment = alignments[i],
                          .head_dim = 32,
                          .version = i % 2 ? 2 : 3};
        tiny_model_make(archs[i % 3], &o, &m);
        char *path = gguf_save(&m.file);
        assert_int_equal(open_path(path, &g, &heap), REASON_OK);
        assert_string_equal(g.path, path);
        check_seed_plan(&m, &g);
        close_it(&g, &heap);
        gguf_remove(path);
        tiny_model_free(&m);
    }
}

/* Alignment may be any whole number type; bytes behind the last tensor and gaps are no
 * harm. */
static void test_format_gguf__tolerated(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    size_t at = gguf_find_value(&m.file, "general.architecture") - 4 - 28;
    static const struct {
        uint32_t type;
        size_t n_bytes;
    } types[] = {{GGUF_U8, 1},  {GGUF_I8, 1},  {GGUF_U16, 2}, {GGUF_I16, 2},
                 {GGUF_U32, 4}, {GGUF_I32, 4}, {GGUF_U64, 8}, {GGUF_I64, 8}};
    for (size_t i = 0; i < COUNT(types); i++) {
        gguf_bytes pair = {0}, b = {0};
        gguf_put_key(&pair, "general.alignment", types[i].type);
        gguf_put_number(&pair, 8, types[i].n_bytes);
        gguf_put(&b, m.file.data, m.tensors[0].at);
        gguf_insert(&b, at, pair.data, pair.n);
        gguf_set_number(&b, 16, b.data[16] + 1u, 8);
        gguf_put_zeros(&b, 4096); /* where data starts has moved; there is enough of it */
        check_opens(&b);
        gguf_free(&pair);
        gguf_free(&b);
    }
    gguf_put_zeros(&m.file, 12345);
    check_opens(&m.file);
    tiny_model_free(&m);
}

static void test_format_gguf__no_tensors(void **state) {
    (void)state;
    gguf_bytes b = {0};
    rsn_gguf g;
    counted_heap heap;
    gguf_put_header(&b, 3, 0, 0);
    for (int i = 0; i < 2; i++) {
        char *path = gguf_save(&b);
        assert_int_equal(open_path(path, &g, &heap), REASON_OK);
        assert_int_equal(g.n_pairs, 0);
        assert_int_equal(g.n_tensors, 0);
        assert_int_equal(g.parts[0].data_start, 24);
        assert_int_equal(g.parts[0].data_end, 24);
        assert_null(rsn_gguf_find(&g, "general.architecture"));
        assert_null(rsn_gguf_find_tensor(&g, "output.weight"));
        close_it(&g, &heap);
        gguf_remove(path);
        gguf_put_zeros(&b, 100); /* again, with bytes behind that belong to nothing */
    }
    gguf_free(&b);
}

enum { MANY = 30000 };

static size_t make_word(size_t i, char *out) {
    size_t n = i * 7919 % 23;
    for (size_t j = 0; j < n; j++)
        out[j] = (char)('a' + (i + j) % 26);
    if (i == MANY / 2) { /* one that is longer than the reader's buffer */
        n = 100000;
        memset(out, 'x', n);
    }
    out[n] = '\0';
    return n;
}

static void put_large(gguf_bytes *b, char *word) {
    gguf_put_header(b, 3, 0, 3);
    gguf_put_array(b, "words", GGUF_STRING, MANY);
    for (size_t i = 0; i < MANY; i++) {
        (void)make_word(i, word);
        gguf_put_text(b, word);
    }
    gguf_put_array(b, "numbers", GGUF_U32, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        gguf_put_number(b, i * 2654435761u, 4);
    gguf_put_key(b, "end", GGUF_U64);
    gguf_put_number(b, UINT64_C(0x0123456789ABCDEF), 8);
}

/* A header far larger than the reader's buffer, with records across every edge of it. */
static void test_format_gguf__large_header(void **state) {
    (void)state;
    gguf_bytes b = {0};
    rsn_gguf g;
    counted_heap heap;
    char *word = malloc(100001);
    assert_non_null(word);
    put_large(&b, word);
    char *path = gguf_save(&b);
    assert_int_equal(open_path(path, &g, &heap), REASON_OK);
    assert_int_equal(g.n_pairs, 3);
    const rsn_gguf_pair *words = rsn_gguf_find(&g, "words");
    const rsn_gguf_pair *numbers = rsn_gguf_find(&g, "numbers");
    assert_int_equal(words->n, MANY);
    for (size_t i = 0; i < MANY; i++) {
        size_t n = make_word(i, word);
        assert_int_equal(words->as.texts[i].n, n);
        if (n > 0)
            assert_memory_equal(words->as.texts[i].data, word, n);
    }
    assert_int_equal(numbers->n, MANY);
    assert_int_equal((uintptr_t)numbers->as.items % 8, 0);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(((const uint32_t *)numbers->as.items)[i], i * 2654435761u);
    assert_int_equal(rsn_gguf_find(&g, "end")->as.i, INT64_C(0x0123456789ABCDEF));
    close_it(&g, &heap);
    gguf_remove(path);
    gguf_free(&b);
    free(word);
}

/* --- hostile files ------------------------------------------------------------------ */

/* Case 1. The file is cut at every byte; what is left of it is refused. */
static void check_truncations(const gguf_bytes *b, size_t from) {
    rsn_gguf g;
    counted_heap heap;
    char *path = gguf_save(b);
    for (size_t n = b->n; n-- > from;) {
        assert_int_equal(truncate(path, (off_t)n), 0);
        if (open_path(path, &g, &heap) != REASON_ERR_FORMAT)
            fail_msg("%zu bytes: %s", n, rsn_last_error());
        if (!strstr(rsn_last_error(), " left"))
            assert_non_null(strstr(rsn_last_error(), number(n))); /* the size found */
        close_it(&g, &heap);
    }
    gguf_remove(path);
}

static void test_format_gguf__truncated(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 3, 4, 7, 8, 15, 16, 23};
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        gguf_bytes b = {0};
        gguf_put(&b, m.file.data, sizes[i]);
        REFUSED(&b, REASON_ERR_FORMAT, "too short", number(sizes[i]), "offset");
        gguf_free(&b);
    }
    check_truncations(&m.file, 0);
    tiny_model_free(&m);
}

/* The same with a tokenizer's lists, whose strings are walked twice. */
static void test_format_gguf__truncated_lists(void **state) {
    (void)state;
    tiny_model m;
    const tiny_options o = {.no_weights = true};
    tiny_model_make("qwen2", &o, &m);
    check_truncations(&m.file, 0);
    tiny_model_free(&m);
}

static void test_format_gguf__magic(void **state) {
    (void)state;
    static const char magics[][5] = {"GGUf", "FUGG", "GGML", "ggjt", "PK\3\4"};
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(magics); i++) {
        memcpy(m.file.data, magics[i], 4);
        REFUSED(&m.file, REASON_ERR_FORMAT, "not a GGUF file", "47 47 55 46");
    }
    tiny_model_free(&m);
}

/* Case 2. */
static void test_format_gguf__version(void **state) {
    (void)state;
    static const uint32_t numbers[] = {0, 1, 4, 5, 0x7FFFFFFF, 0xFFFFFFFF};
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        gguf_set_number(&m.file, 4, numbers[i], 4);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "version", number(numbers[i]),
                "offset 4", "2 and 3");
    }
    for (uint32_t version = 1; version < 5; version++) {
        gguf_set_number(&m.file, 4, version << 24, 4);
        REFUSED(&m.file, REASON_ERR_UNSUPPORTED, "byte order");
    }
    gguf_set_number(&m.file, 4, 2, 4);
    check_opens(&m.file);
    tiny_model_free(&m);
}

/* Cases 3 and 4. */
static void test_format_gguf__counts(void **state) {
    (void)state;
    static const uint64_t counts[] = {UINT64_C(1) << 61, UINT64_MAX, INT64_MAX,
                                      UINT64_C(1) << 63, UINT32_MAX, 1000};
    static const struct {
        size_t at;
        const char *what, *where;
    } fields[] = {{16, "pair count", "offset 16"}, {8, "tensor count", "offset 8"}};
    tiny_model m;
    make_seed(&m);
    for (size_t f = 0; f < 2; f++) {
        uint64_t right = m.file.data[fields[f].at];
        for (size_t i = 0; i < COUNT(counts); i++) {
            gguf_set_number(&m.file, fields[f].at, counts[i], 8);
            REFUSED(&m.file, REASON_ERR_FORMAT, fields[f].what, fields[f].where,
                    number(counts[i]), "bytes left");
        }
        /* Counts that are possible for the size, but wrong. */
        for (uint64_t wrong = 0; wrong < 60; wrong++) {
            gguf_set_number(&m.file, fields[f].at, wrong, 8);
            reason_status status = try_bytes(&m.file);
            if (wrong > right || (f == 0 && wrong < right))
                assert_int_not_equal(status, REASON_OK);
        }
        gguf_set_number(&m.file, fields[f].at, right, 8);
    }
    check_opens(&m.file);
    tiny_model_free(&m);
}

/* More records than are ever read, in a file that is large enough to have them. */
static void test_format_gguf__too_many(void **state) {
    (void)state;
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 65537);
    gguf_put_zeros(&b, (size_t)4 << 20);
    REFUSED(&b, REASON_ERR_LIMIT, "pair count", "65537", "65536");
    gguf_set_number(&b, 8, 65537, 8);
    gguf_set_number(&b, 16, 0, 8);
    REFUSED(&b, REASON_ERR_LIMIT, "tensor count", "65537", "65536");
    gguf_free(&b);
}

/* As many as are read, as small as they can be: what it takes stays within the stated
 * bound. */
static void test_format_gguf__most_pairs(void **state) {
    (void)state;
    enum { MOST = 65536 };
    gguf_bytes b = {0};
    char key[8];
    gguf_put_header(&b, 3, 0, MOST);
    for (unsigned i = 0; i < MOST; i++) {
        (void)snprintf(key, sizeof key, "%x", MOST - i);
        gguf_put_key(&b, key, GGUF_U8);
        gguf_put_number(&b, i, 1);
    }
    check_opens(&b);
    gguf_set_number(&b, b.n - 6, '2', 1); /* the last key, "1", was there as "2" before */
    REFUSED(&b, REASON_ERR_FORMAT, "\"2\"", "same name");
    gguf_free(&b);
}

/* Case 5, and keys that are no keys. */
static void test_format_gguf__key_length(void **state) {
    (void)state;
    static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 1, INT64_MAX,
                                       UINT64_C(1) << 63, UINT64_C(1) << 32};
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        gguf_set_number(&m.file, 24, lengths[i], 8);
        REFUSED(&m.file, REASON_ERR_FORMAT, "key", "offset 24", number(lengths[i]),
                "bytes left");
    }
    gguf_set_number(&m.file, 24, 0, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, "key", "empty");
    gguf_set_number(&m.file, 24, 20, 8);
    m.file.data[32 + 5] = '\0';
    REFUSED(&m.file, REASON_ERR_FORMAT, "key", "NUL");
    m.file.data[32 + 5] = 'a';
    gguf_put_zeros(&m.file, 1 << 17);
    gguf_set_number(&m.file, 24, 65536, 8);
    REFUSED(&m.file, REASON_ERR_FORMAT, "key", "offset 24", "65536", "65535");
    tiny_model_free(&m);
}

/* Case 6, with the length that just fits beside it. */
static void test_format_gguf__string_length(void **state) {
    (void)state;
    static const uint64_t excess[] = {1, 2, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX - 5};
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_string(&b, "a.key", "value");
    check_opens(&b);
    size_t at = gguf_find_value(&b, "a.key");
    for (size_t i = 0; i < COUNT(excess); i++) {
        gguf_set_number(&b, at, 5 + excess[i], 8);
        REFUSED(&b, REASON_ERR_FORMAT, "\"a.key\"", number(at), number(5 + excess[i]),
                "5 bytes left");
    }
    gguf_free(&b);
}

/* Case 7: lengths whose product with the item's size wraps, or is one too many. */
static void test_format_gguf__array_length(void **state) {
    (void)state;
    static const uint64_t lengths[] = {UINT64_C(1) << 61,       UINT64_C(1) << 62,
                                       UINT64_C(1) << 63,       UINT64_MAX,
                                       (UINT64_C(1) << 61) + 1, 65};
    static const struct {
        uint32_t type;
        size_t size;
    } items[] = {{GGUF_U64, 8}, {GGUF_I64, 8},  {GGUF_F64, 8},
                 {GGUF_U32, 4}, {GGUF_F32, 4},  {GGUF_U16, 2},
                 {GGUF_U8, 1},  {GGUF_BOOL, 1}, {GGUF_STRING, 8}};
    for (size_t j = 0; j < COUNT(items); j++) {
        gguf_bytes b = {0};
        gguf_put_header(&b, 3, 0, 1);
        gguf_put_array(&b, "list", items[j].type, 64);
        gguf_put_zeros(&b, 64 * items[j].size);
        check_opens(&b);
        size_t at = gguf_find_value(&b, "list");
        for (size_t i = 0; i < COUNT(lengths); i++) {
            gguf_set_number(&b, at + 4, lengths[i], 8);
            REFUSED(&b, REASON_ERR_FORMAT, "\"list\"", number(at), number(lengths[i]),
                    number(64 * items[j].size));
        }
        gguf_free(&b);
    }
}

static void test_format_gguf__array_strings(void **state) {
    (void)state;
    static const uint64_t lengths[] = {9, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63};
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_array(&b, "list", GGUF_STRING, 3);
    size_t first = b.n;
    for (int i = 0; i < 3; i++)
        gguf_put_text(&b, "12345678");
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (size_t at = first; at < b.n; at += 16) {
            gguf_set_number(&b, at, lengths[i], 8);
            REFUSED(&b, REASON_ERR_FORMAT, "\"list\"");
            gguf_set_number(&b, at, 8, 8);
        }
    check_opens(&b);
    gguf_free(&b);
}

/* Case 8 runs on the small stack that hosts may give a thread. */
static void *open_nested(void *result) {
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_array(&b, "deep", GGUF_ARRAY, 1);
    for (int depth = 1; depth < 10000; depth++) {
        gguf_put_number(&b, GGUF_ARRAY, 4);
        gguf_put_number(&b, 1, 8);
    }
    rsn_gguf g;
    rsn_file file;
    char *path = gguf_save(&b);
    reason_status *status = result;
    *status = rsn_file_open(path, &file);
    if (*status == REASON_OK) {
        *status = rsn_gguf_open(&file, path, false, &g);
        rsn_gguf_free(&g);
        rsn_file_close(&file);
    }
    bool named = strstr(rsn_last_error(), "\"deep\"") &&
                 strstr(rsn_last_error(), "arrays in arrays");
    gguf_remove(path);
    gguf_free(&b);
    return named ? result : NULL;
}

static void test_format_gguf__nested_arrays(void **state) {
    (void)state;
    pthread_t thread;
    pthread_attr_t attr;
    void *named = NULL;
    reason_status status = REASON_OK;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, (size_t)256 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, open_nested, &status), 0);
    assert_int_equal(pthread_join(thread, &named), 0);
    (void)pthread_attr_destroy(&attr);
    assert_int_equal(status, REASON_ERR_FORMAT);
    assert_non_null(named);
}

static void test_format_gguf__value_types(void **state) {
    (void)state;
    static const uint32_t types[] = {13, 14, 255, 0x80000000, 0xFFFFFFFF};
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 2);
    gguf_put_u32(&b, "first", 1);
    gguf_put_array(&b, "list", GGUF_U32, 1);
    gguf_put_number(&b, 1, 4);
    size_t first = gguf_find_value(&b, "first") - 4, list = gguf_find_value(&b, "list");
    for (size_t i = 0; i < COUNT(types); i++) {
        gguf_set_number(&b, first, types[i], 4);
        REFUSED(&b, REASON_ERR_FORMAT, "\"first\"", number(types[i]), number(first),
                "0 to 12");
        gguf_set_number(&b, first, GGUF_U32, 4);
        gguf_set_number(&b, list, types[i], 4);
        REFUSED(&b, REASON_ERR_FORMAT, "\"list\"", number(types[i]), number(list));
        gguf_set_number(&b, list, GGUF_U32, 4);
    }
    check_opens(&b);
    gguf_free(&b);
}

static void test_format_gguf__values(void **state) {
    (void)state;
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 2);
    gguf_put_bool(&b, "flag", true);
    gguf_put_key(&b, "large", GGUF_U64);
    gguf_put_number(&b, INT64_MAX, 8);
    check_opens(&b);
    size_t flag = gguf_find_value(&b, "flag"), large = gguf_find_value(&b, "large");
    gguf_set_number(&b, flag, 2, 1);
    REFUSED(&b, REASON_ERR_FORMAT, "\"flag\"", number(flag), "0 or 1");
    gguf_set_number(&b, flag, 0, 1);
    gguf_set_number(&b, large, UINT64_C(1) << 63, 8);
    REFUSED(&b, REASON_ERR_FORMAT, "\"large\"", number(large), number(UINT64_C(1) << 63));
    gguf_free(&b);
}

/* Names from files are quoted: no control characters reach the sentence. */
static void test_format_gguf__quoted(void **state) {
    (void)state;
    gguf_bytes b = {0};
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_key(&b, "\x1b[31m\n\xff%s%n", 99);
    REFUSED(&b, REASON_ERR_FORMAT, "\"\\x1b[31m\\x0a\\xff%s%n\"", "99");
    gguf_free(&b);
}

/* Every byte of the header, changed to several values: refused or read, never worse. Peak
 * memory, leaks and the file's name in the sentence are checked by open_path(). */
static void test_format_gguf__corrupted(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    rsn_gguf g;
    counted_heap heap;
    size_t n_refused = 0;
    char *path = gguf_save(&m.file);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    setbuf(file, NULL);
    for (size_t at = 0; at < m.tensors[0].at; at++) {
        const uint8_t right = m.file.data[at];
        const uint8_t wrong[] = {(uint8_t)(right ^ 1),
                                 (uint8_t)(right ^ 0x80),
                                 (uint8_t)(right + 1),
                                 (uint8_t)(right - 1),
                                 0xFF,
                                 0};
        for (size_t i = 0; i <= COUNT(wrong); i++) {
            assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
            assert_int_not_equal(fputc(i < COUNT(wrong) ? wrong[i] : right, file), EOF);
            reason_status status = open_path(path, &g, &heap);
            close_it(&g, &heap);
            n_refused += status != REASON_OK;
            assert_true(status == REASON_OK || status == REASON_ERR_FORMAT ||
                        status == REASON_ERR_UNSUPPORTED);
            if (i == COUNT(wrong))
                assert_int_equal(status, REASON_OK);
        }
    }
    assert_true(n_refused > m.tensors[0].at); /* the checks do bite */
    assert_int_equal(fclose(file), 0);
    gguf_remove(path);
    tiny_model_free(&m);
}

/* --- files that are none ------------------------------------------------------------ */

static void test_format_gguf__alloc_fails(void **state) {
    (void)state;
    tiny_model m;
    tiny_model_make("qwen3", NULL, &m);
    char *path = gguf_save(&m.file);
    for (int sticky = 0; sticky < 2; sticky++) {
        reason_status status = REASON_ERR_NO_MEMORY;
        for (size_t n = 1; status != REASON_OK; n++) {
            rsn_gguf g;
            rsn_file file;
            counted_heap heap;
            assert_int_equal(rsn_file_open(path, &file), REASON_OK);
            heap_begin(&heap, n, sticky);
            status = rsn_gguf_open(&file, path, false, &g);
            assert_int_equal(status, heap.n_calls < n ? REASON_OK : REASON_ERR_NO_MEMORY);
            rsn_gguf_free(&g);
            heap_end();
            assert_int_equal(heap.alive, 0);
            rsn_file_close(&file);
        }
    }
    gguf_remove(path);
    tiny_model_free(&m);
}

/* The file shrinks between opening and reading: an IO error, with the name. */
static void test_format_gguf__shrinks(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    for (size_t n = 0; n < m.tensors[0].at; n += 97) {
        rsn_gguf g;
        rsn_file file;
        char *path = gguf_save(&m.file);
        assert_int_equal(rsn_file_open(path, &file), REASON_OK);
        assert_int_equal(truncate(path, (off_t)n), 0);
        assert_int_equal(rsn_gguf_open(&file, path, false, &g), REASON_ERR_IO);
        assert_non_null(strstr(rsn_last_error(), path));
        assert_non_null(strstr(rsn_last_error(), "shrank"));
        rsn_file_close(&file);
        gguf_remove(path);
    }
    tiny_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_gguf__sound),
        cmocka_unit_test(test_format_gguf__tolerated),
        cmocka_unit_test(test_format_gguf__no_tensors),
        cmocka_unit_test(test_format_gguf__large_header),
        cmocka_unit_test(test_format_gguf__truncated),
        cmocka_unit_test(test_format_gguf__truncated_lists),
        cmocka_unit_test(test_format_gguf__magic),
        cmocka_unit_test(test_format_gguf__version),
        cmocka_unit_test(test_format_gguf__counts),
        cmocka_unit_test(test_format_gguf__too_many),
        cmocka_unit_test(test_format_gguf__most_pairs),
        cmocka_unit_test(test_format_gguf__key_length),
        cmocka_unit_test(test_format_gguf__string_length),
        cmocka_unit_test(test_format_gguf__array_length),
        cmocka_unit_test(test_format_gguf__array_strings),
        cmocka_unit_test(test_format_gguf__nested_arrays),
        cmocka_unit_test(test_format_gguf__value_types),
        cmocka_unit_test(test_format_gguf__values),
        cmocka_unit_test(test_format_gguf__quoted),
        cmocka_unit_test(test_format_gguf__corrupted),
        cmocka_unit_test(test_format_gguf__alloc_fails),
        cmocka_unit_test(test_format_gguf__shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
