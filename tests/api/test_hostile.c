/* Hostile input through the public calls, a test for each class: every field of a GGUF
 * file that can lie, vocabularies, prompts, templates, budgets, and calling mistakes. Each
 * file is opened mapped and copied; what has to hold for all of them is hostile.h's.
 * Every byte and field of whole files is test_gguf_malformed.c's. */
#include "api/hostile.h"
#include "api/threads.h"

#include <unistd.h>

static const uint64_t ONE = 1;

/* ---- container --------------------------------------------------------------------- */

static void test_api_hostile__01_too_short(void **state) {
    static const size_t sizes[] = {0, 1, 3, 4, 7, 23};
    (void)state;
    tiny_model m;
    make_seed(&m);
    check_opens(&m.file);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        gguf_bytes b = {0};
        gguf_put(&b, m.file.data, sizes[i]);
        REFUSED(&b, STATUS(FORMAT), "too short", "needs", number(sizes[i]), "offset");
        gguf_free(&b);
    }
    tiny_model_free(&m);
}

static void test_api_hostile__02_version(void **state) {
    static const struct {
        uint32_t version;
        const char *said;
    } rows[] = {{0, "version 0"}, {1, "version 1"}, {4, "version 4"},
                {0x03000000, "byte order"}};
    (void)state;
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(rows); i++) {
        gguf_set_number(&m.file, 4, rows[i].version, 4);
        REFUSED(&m.file, STATUS(UNSUPPORTED), rows[i].said, "offset 4");
    }
    tiny_model_free(&m);
}

static void check_count(size_t at, uint64_t claim, const char *what) {
    tiny_model m;
    make_seed(&m);
    gguf_set_number(&m.file, at, claim, 8);
    REFUSED(&m.file, STATUS(FORMAT), what, number(at), number(claim), "bytes left");
    tiny_model_free(&m);
}

static void test_api_hostile__03_pair_count(void **state) {
    (void)state;
    check_count(16, ONE << 61, "pair count");
}

static void test_api_hostile__04_tensor_count(void **state) {
    (void)state;
    check_count(8, INT64_MAX, "tensor count");
    check_count(8, UINT64_MAX, "tensor count");
}

static void test_api_hostile__05_key_length(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    gguf_set_number(&m.file, 24, UINT64_MAX, 8);
    REFUSED(&m.file, STATUS(FORMAT), "key", "offset 24", number(UINT64_MAX));
    tiny_model_free(&m);
}

static void test_api_hostile__06_string_length(void **state) {
    static const char *const keys[] = {"general.architecture", "tokenizer.ggml.model",
                                       "tokenizer.ggml.pre"};
    (void)state;
    tiny_model m;
    make_seed(&m);
    for (size_t i = 0; i < COUNT(keys); i++) {
        size_t at = gguf_find_value(&m.file, keys[i]);
        uint64_t right = m.file.data[at], left = m.file.n - at - 8;
        gguf_set_number(&m.file, at, left + 1, 8);
        REFUSED(&m.file, STATUS(FORMAT), keys[i], number(at), number(left + 1),
                number(left));
        gguf_set_number(&m.file, at, right, 8);
    }
    check_opens(&m.file);
    tiny_model_free(&m);
}

static void test_api_hostile__07_array_length(void **state) {
    static const uint32_t items[] = {GGUF_U64, GGUF_F64, GGUF_STRING, GGUF_U32, GGUF_U8};
    (void)state;
    for (size_t i = 0; i < COUNT(items); i++) {
        gguf_bytes b = {0};
        uint64_t claim = items[i] == GGUF_U8 ? UINT64_MAX : ONE << 61;
        gguf_put_header(&b, 3, 0, 1);
        gguf_put_array(&b, "the.array", items[i], claim);
        gguf_put_zeros(&b, 4096);
        REFUSED(&b, STATUS(FORMAT), "the.array", number(gguf_find_value(&b, "the.array")),
                number(claim), "4096");
        gguf_free(&b);
    }
}

static void *open_nested(void *path) {
    reason_model *model;
    reason_status status = reason_model_open(path, NULL, &model);
    bool said = strstr(reason_last_error(), "arrays in arrays") != NULL;
    return status == REASON_ERR_FORMAT && said ? path : NULL;
}

/* Opened twice: here, and on a stack of 256 KiB. */
static void test_api_hostile__08_nested_arrays(void **state) {
    gguf_bytes b = {0};
    pthread_t thread;
    pthread_attr_t attr;
    void *named = NULL;
    (void)state;
    gguf_put_header(&b, 3, 0, 1);
    gguf_put_array(&b, "deep", GGUF_ARRAY, 1);
    for (int depth = 1; depth < 10000; depth++) {
        gguf_put_number(&b, GGUF_ARRAY, 4);
        gguf_put_number(&b, 1, 8);
    }
    REFUSED(&b, STATUS(FORMAT), "deep", "arrays in arrays", "offset");
    char *path = gguf_save(&b);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, SANITIZED ? 1 << 20 : 1 << 18), 0);
    assert_int_equal(pthread_create(&thread, &attr, open_nested, path), 0);
    assert_int_equal(pthread_join(thread, &named), 0);
    (void)pthread_attr_destroy(&attr);
    assert_ptr_equal(named, path);
    gguf_remove(path);
    gguf_free(&b);
}

/* ---- tensors ----------------------------------------------------------------------- */

static void test_api_hostile__09_dimensions(void **state) {
    static const uint32_t counts[] = {5, 0xFFFFFFFF, 0};
    (void)state;
    tiny_model m;
    make_seed(&m);
    size_t at = gguf_find_tensor(&m.file, "blk.0.attn_q.weight");
    for (size_t i = 0; i < COUNT(counts); i++) {
        gguf_set_number(&m.file, at, counts[i], 4);
        REFUSED(&m.file, STATUS(FORMAT), "blk.0.attn_q.weight", number(at),
                number(counts[i]), "1 to 4");
    }
    tiny_model_free(&m);
}

/* A file of one tensor. */
static void make_tensor(gguf_bytes *b, uint32_t n_dims, const uint64_t *ne, uint32_t type,
                        size_t n_data) {
    gguf_put_header(b, 3, 1, 1);
    gguf_put_string(b, "general.architecture", "llama");
    gguf_put_tensor(b, "the.tensor", n_dims, ne, type, 0);
    gguf_pad(b, 32);
    gguf_put_zeros(b, n_data);
}

enum { GGML_Q4_0 = 2, GGML_TQ1_0 = 34, GGML_TQ2_0 = 35, GGML_I2_S = 36 };

/* Products that wrap: of elements, of bytes, and of blocks. */
static void test_api_hostile__10_wrapping_shapes(void **state) {
    static const uint32_t types[] = {GGML_F32, GGML_Q8_0, GGML_Q4_0};
    const uint64_t shapes[][4] = {{ONE << 32, ONE << 32, 1, 1}, {ONE << 62, 1, 1, 1},
                                  {ONE << 60, 32, 1, 1},        {32, ONE << 58, 1, 1},
                                  {ONE << 63, 1, 1, 1},         {32, ONE << 61, 2, 1}};
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (size_t j = 0; j < COUNT(types); j++) {
            gguf_bytes b = {0};
            make_tensor(&b, 4, shapes[i], types[j], 256);
            REFUSED(&b, STATUS(FORMAT), "the.tensor");
            gguf_free(&b);
        }
}

static void test_api_hostile__11_no_size(void **state) {
    static const uint64_t sizes[] = {0, UINT64_MAX, UINT64_C(1) << 63};
    (void)state;
    for (uint32_t d = 0; d < 4; d++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            gguf_bytes b = {0};
            uint64_t ne[4] = {32, 1, 1, 1};
            ne[d] = sizes[i];
            make_tensor(&b, 4, ne, GGML_Q8_0, 256);
            REFUSED(&b, STATUS(FORMAT), "the.tensor", "dimension", number(d),
                    number(gguf_find_tensor(&b, "the.tensor") + 4 + 8 * d), "at least 1");
            gguf_free(&b);
        }
}

static void test_api_hostile__12_outside(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    const tiny_tensor *last = &m.tensors[m.n_tensors - 1];
    m.file.n--;
    REFUSED(&m.file, STATUS(FORMAT), last->name, number(last->offset), number(m.file.n),
            "outside the file");
    m.file.n++;
    check_opens(&m.file);
    size_t at = gguf_find_tensor(&m.file, last->name) + 4 + 16 + 4;
    gguf_set_number(&m.file, at, UINT64_MAX - 31, 8);
    REFUSED(&m.file, STATUS(FORMAT), last->name, number(UINT64_MAX - 31),
            "outside the file");
    tiny_model_free(&m);
}

static void test_api_hostile__13_overlap(void **state) {
    (void)state;
    tiny_model m;
    make_seed(&m);
    const tiny_tensor *a = &m.tensors[2], *b = &m.tensors[3];
    size_t at = gguf_find_tensor(&m.file, b->name) + 4 + 16 + 4;
    gguf_set_number(&m.file, at, b->offset - 32, 8);
    REFUSED(&m.file, STATUS(FORMAT), a->name, b->name, "overlap", number(b->at - 32));
    gguf_set_number(&m.file, at, b->offset, 8);
    at = gguf_find_tensor(&m.file, "blk.0.attn_k.weight");
    m.file.data[at - 8] = 'q';
    REFUSED(&m.file, STATUS(FORMAT), "same name",
            "\"blk.0.attn_q.weight\" and \"blk.0.attn_q.weight\"");
    tiny_model_free(&m);
}

static void test_api_hostile__14_alignment(void **state) {
    static const uint32_t wrong[] = {0, 3, 0x80000000};
    (void)state;
    for (size_t i = 0; i <= COUNT(wrong); i++) {
        gguf_bytes b = {0};
        const uint64_t ne[1] = {8};
        gguf_put_header(&b, 3, 1, 2);
        gguf_put_string(&b, "general.architecture", "llama");
        if (i < COUNT(wrong))
            gguf_put_u32(&b, "general.alignment", wrong[i]);
        else
            gguf_put_string(&b, "general.alignment", "32");
        gguf_put_tensor(&b, "the.tensor", 1, ne, GGML_F32, 0);
        gguf_put_zeros(&b, 256);
        REFUSED(&b, STATUS(FORMAT), "general.alignment",
                number(gguf_find_value(&b, "general.alignment")),
                i < COUNT(wrong) ? number(wrong[i]) : "an integer expected");
        gguf_free(&b);
    }
}

static void test_api_hostile__15_row_and_block(void **state) {
    static const struct {
        uint32_t type;
        uint64_t block;
    } types[] = {{GGML_TQ1_0, 256}, {GGML_TQ2_0, 256}, {GGML_I2_S, 128}};
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++)
        for (uint64_t row = 1; row < 2 * types[i].block; row += 31) {
            gguf_bytes b = {0};
            const uint64_t ne[2] = {row, types[i].block};
            if (row % types[i].block == 0)
                continue;
            make_tensor(&b, 2, ne, types[i].type, 65536);
            REFUSED(&b, STATUS(FORMAT) | STATUS(UNSUPPORTED), "the.tensor", number(row),
                    number(types[i].block));
            gguf_free(&b);
        }
}

/* ---- size and time ----------------------------------------------------------------- */

/* Files of 1 MiB that are wrong at their very end. */
static void test_api_hostile__large_headers(void **state) {
    enum { SIZE = 1 << 20 };
    static const uint32_t items[] = {GGUF_STRING, GGUF_U8, GGUF_F64};
    (void)state;
    for (size_t i = 0; i < COUNT(items); i++) {
        gguf_bytes b = {0};
        gguf_put_header(&b, 3, 0, 2);
        gguf_put_array(&b, "the.array", items[i], 0);
        size_t start = b.n;
        gguf_put_zeros(&b, SIZE / 8 * 8); /* empty strings, or numbers */
        size_t width = items[i] == GGUF_U8 ? 1 : 8;
        gguf_set_number(&b, start - 8, SIZE / width, 8);
        gguf_put_key(&b, "last", 99);
        REFUSED(&b, STATUS(FORMAT), "last", "99", number(b.n - 4));
        gguf_free(&b);
    }
    gguf_bytes b = {0};
    char key[8];
    gguf_put_header(&b, 3, 0, 65536);
    for (unsigned i = 0; i < 65536; i++) { /* the last has no value */
        (void)snprintf(key, sizeof key, "%x", i);
        gguf_put_key(&b, key, i == 65535 ? GGUF_U64 : GGUF_U8);
        if (i < 65535)
            gguf_put_zeros(&b, 1);
    }
    REFUSED(&b, STATUS(FORMAT), "\"ffff\"", "too short");
    gguf_free(&b);
}

/* A vocabulary of n tokens of this length, different ones. */
static void make_vocabulary(gguf_bytes *b, const char *model, int32_t type, size_t n,
                            size_t length) {
    char *token = malloc(length + 1);
    assert_non_null(token);
    gguf_put_header(b, 3, 0, 7);
    gguf_put_string(b, "general.architecture", "none");
    gguf_put_string(b, "tokenizer.ggml.model", model);
    gguf_put_string(b, "tokenizer.ggml.pre", "qwen2");
    gguf_put_u32(b, "tokenizer.ggml.unknown_token_id", 0);
    gguf_put_array(b, "tokenizer.ggml.tokens", GGUF_STRING, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0, rest = i; j < length; j++, rest /= 26)
            token[j] = (char)('a' + (rest + j * j) % 26);
        token[length] = '\0';
        gguf_put_text(b, token);
    }
    gguf_put_array(b, "tokenizer.ggml.token_type", GGUF_I32, n);
    for (size_t i = 0; i < n; i++)
        gguf_put_number(b, (uint64_t)type, 4);
    gguf_put_array(b, "tokenizer.ggml.scores", GGUF_F32, n);
    gguf_put_zeros(b, 4 * n);
    free(token);
}

/* Sound vocabularies that cost as much as they can, tables and all, keep to the rule for
 * headers. */
static void test_api_hostile__large_vocabularies(void **state) {
    static const char *const models[] = {"gpt2", "llama", "t5"};
    static const struct {
        size_t n, length;
    } rows[] = {{40000, 4}, {50, 20000}, {16, 65536}, {1000, 1000}, {40, 65536}};
    static const int32_t types[] = {1, 3, 4};
    (void)state;
    for (size_t m = 0; m < COUNT(models); m++)
        for (size_t r = 0; r < COUNT(rows); r++)
            for (size_t t = 0; t < COUNT(types); t++) {
                gguf_bytes b = {0};
                test_heap heap;
                reason_model *model;
                make_vocabulary(&b, models[m], types[t], rows[r].n, rows[r].length);
                char *path = gguf_save(&b);
                heap_use(&heap);
                reason_status status = reason_model_open(path, NULL, &model);
                if (getenv("REASON_VERBOSE"))
                    print_message("%s type %d, %zu x %zu: file %zu, peak %zu\n", models[m],
                                  types[t], rows[r].n, rows[r].length, b.n, heap.peak);
                assert_true(heap.peak <= ((size_t)16 << 20) + 2 * b.n);
                if (status != REASON_OK)
                    assert_true(strncmp(reason_last_error(), path, strlen(path)) == 0);
                reason_model_free(model);
                heap_end(&heap);
                gguf_remove(path);
                gguf_free(&b);
            }
}

/* ---- vocabulary -------------------------------------------------------------------- */

static void test_api_hostile__21_scores(void **state) {
    static const struct {
        uint32_t item;
        size_t width, n;
    } rows[] = {{GGUF_F32, 4, TINY_N_TOKENS - 1}, {GGUF_U8, 1, TINY_N_TOKENS},
                {GGUF_F32, 4, 0},                 {GGUF_F64, 8, TINY_N_TOKENS},
                {GGUF_I32, 4, TINY_N_TOKENS},     {GGUF_F32, 4, TINY_N_TOKENS + 1}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        tiny_model m;
        gguf_bytes pair = {0};
        const tiny_options o = {.no_weights = true, .pairs = &pair, .n_pairs = 1};
        gguf_put_array(&pair, "tokenizer.ggml.scores", rows[i].item, rows[i].n);
        gguf_put_zeros(&pair, rows[i].width * rows[i].n);
        tiny_model_make("llama", &o, &m);
        REFUSED(&m.file, STATUS(FORMAT), "tokenizer.ggml.scores", "tokenizer.ggml.tokens",
                number(gguf_find_value(&m.file, "tokenizer.ggml.scores")),
                number(TINY_N_TOKENS));
        gguf_free(&pair);
        tiny_model_free(&m);
    }
}

/* The text through the tokenizer and back; a model that cannot is no vocabulary. */
static void check_tokenizes(const gguf_bytes *b, const char *text) {
    reason_model *model;
    int32_t *ids;
    size_t n, n_bytes;
    char *back, *path = gguf_save(b);
    assert_ok(reason_model_open(path, NULL, &model));
    if (reason_tokenize(model, text, -1,
                        REASON_TOKENS_SPECIAL | REASON_TOKENS_BOS_EOS, &ids,
                        &n) == REASON_OK) {
        assert_ok(reason_detokenize(model, ids, n, REASON_TOKENS_SPECIAL, &back,
                                    &n_bytes));
        reason_free(back);
        reason_free(ids);
    }
    reason_model_free(model);
    gguf_remove(path);
}

static void test_api_hostile__22_ids(void **state) {
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id",
                                       "tokenizer.ggml.padding_token_id"};
    static const uint32_t ids[] = {TINY_N_TOKENS, INT32_MAX, 0x80000000, 0xFFFFFFFE};
    (void)state;
    tiny_model m;
    const tiny_options o = {.no_weights = true};
    tiny_model_make("llama", &o, &m);
    for (size_t k = 0; k < COUNT(keys); k++) {
        size_t at = gguf_find_value(&m.file, keys[k]);
        uint32_t right = m.file.data[at] + 256u;
        for (size_t i = 0; i < COUNT(ids); i++) {
            gguf_set_number(&m.file, at, ids[i], 4);
            REFUSED(&m.file, STATUS(FORMAT), keys[k], number(at), number(ids[i]),
                    number(TINY_N_TOKENS - 1));
        }
        gguf_set_number(&m.file, at, right, 4);
    }
    check_tokenizes(&m.file, "The <think> of 12");
    tiny_model_free(&m);
    static const char *const models[] = {"gpt2", "llama"};
    for (size_t i = 0; i < COUNT(models); i++) { /* one token, and no id is given */
        gguf_bytes b = {0};
        gguf_put_header(&b, 3, 0, 4);
        gguf_put_string(&b, "general.architecture", "llama");
        gguf_put_string(&b, "tokenizer.ggml.model", models[i]);
        gguf_put_string(&b, "tokenizer.ggml.pre", "qwen2");
        gguf_put_array(&b, "tokenizer.ggml.tokens", GGUF_STRING, 1);
        gguf_put_text(&b, "a");
        char *path = gguf_save(&b);
        reason_status status = open_hostile(path, b.n, REASON_LOAD_MAP);
        gguf_remove(path);
        if (status == REASON_OK)
            check_tokenizes(&b, "aaa b");
        else
            assert_true(status == REASON_ERR_FORMAT || status == REASON_ERR_UNSUPPORTED);
        gguf_free(&b);
    }
}

static const char *const BYTE_TOKENS[] = {"<0x-1>", "<0xZZ>",    "<0x1>",  "<0x>",
                                          "<0x100>", "<0x 1>",   "<0x+1>", "<0X41>",
                                          "<0x41",   "<0x1G>",   "0x41",   "<0x41>>",
                                          "<0xff00>", "<0x\x80>", "<0x41 >"};

/* A vocabulary of byte tokens with impossible spellings, some as bytes (type 6), some as
 * text: nothing is read out of them. */
static void check_byte_tokens(const char *model_name, int32_t type) {
    gguf_bytes b = {0};
    reason_model *model;
    const size_t n = COUNT(BYTE_TOKENS);
    gguf_put_header(&b, 3, 0, 6);
    gguf_put_string(&b, "general.architecture", "llama");
    gguf_put_string(&b, "tokenizer.ggml.model", model_name);
    gguf_put_string(&b, "tokenizer.ggml.pre", "qwen2");
    gguf_put_array(&b, "tokenizer.ggml.tokens", GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        gguf_put_text(&b, BYTE_TOKENS[i]);
    gguf_put_array(&b, "tokenizer.ggml.token_type", GGUF_I32, n);
    for (size_t i = 0; i < n; i++)
        gguf_put_number(&b, (uint64_t)type, 4);
    gguf_put_array(&b, "tokenizer.ggml.scores", GGUF_F32, n);
    gguf_put_zeros(&b, 4 * n);
    char *path = gguf_save(&b);
    reason_status status = open_hostile(path, b.n, REASON_LOAD_MAP);
    if (status == REASON_OK) {
        assert_ok(reason_model_open(path, NULL, &model));
        for (int32_t id = 0; id < (int32_t)n; id++) {
            char *text;
            size_t n_bytes;
            assert_ok(reason_detokenize(model, &id, 1, REASON_TOKENS_SPECIAL, &text,
                                        &n_bytes));
            assert_int_not_equal(n_bytes, 1); /* no byte came out of a number */
            reason_free(text);
        }
        reason_model_free(model);
        check_tokenizes(&b, "<0x-1>a<0xZZ><0x1>");
    } else {
        assert_true(status == REASON_ERR_FORMAT || status == REASON_ERR_UNSUPPORTED);
    }
    gguf_remove(path);
    gguf_free(&b);
}

static void test_api_hostile__23_byte_tokens(void **state) {
    (void)state;
    for (int32_t type = 1; type <= 6; type++) {
        check_byte_tokens("gpt2", type);
        check_byte_tokens("llama", type);
    }
}

/* ---- prompts and templates --------------------------------------------------------- */

/* Tokens of n bytes of a unit, checked by going back. */
static size_t count_tokens(reason_model *model, const char *unit, size_t n) {
    char *text = malloc(n), *back;
    int32_t *ids;
    size_t n_ids, n_back;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % strlen(unit)];
    assert_ok(reason_tokenize(model, text, (int64_t)n, 0, &ids, &n_ids));
    assert_ok(reason_detokenize(model, ids, n_ids, 0, &back, &n_back));
    assert_int_equal(n_back, n);
    assert_memory_equal(back, text, n);
    reason_free(ids);
    reason_free(back);
    free(text);
    return n_ids;
}

/* Twice the text are twice the tokens, memory and time. On a small stack and with more
 * units it is test_text.c's. */
static void test_api_hostile__24_long_prompts(void **state) {
    static const struct {
        const char *unit;
        size_t n;
    } rows[] = {{"a", 1 << 21}, {"\n", 1 << 21}, {"us", 1 << 20}};
    (void)state;
    reason_model *model;
    test_heap heap;
    heap_use(&heap);
    model = open_model(REASON_CPU_AUTO);
    size_t open_bytes = heap.n_bytes;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = SANITIZED ? rows[i].n / 8 : rows[i].n;
        heap.peak = 0;
        clock_t start = clock();
        size_t half_ids = count_tokens(model, rows[i].unit, n / 2);
        clock_t half_time = clock() - start + CLOCKS_PER_SEC / 50;
        size_t half_peak = heap.peak - open_bytes;
        heap.peak = 0;
        start = clock();
        size_t ids = count_tokens(model, rows[i].unit, n);
        check_time(start, 3.0 * (double)half_time / CLOCKS_PER_SEC, rows[i].unit);
        assert_in_range(ids, 2 * half_ids - 8, 2 * half_ids + 8);
        assert_true(heap.peak - open_bytes <= 2 * half_peak + 65536);
    }
    reason_model_free(model);
    heap_end(&heap);
}

static void test_api_hostile__25_broken_prompts(void **state) {
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {{"ab\xe2\x82", 4},       {"\xc0\xaf", 2},   {"x\xed\xa0\x80y", 5},
                {"a\0b\0", 4},           {"\xff", 1},       {"\xf4\x90\x80\x80", 4},
                {"\xe2\x82\xe2\x82", 4}, {"\0\0\0\0\0", 5}};
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(model, 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t ids[2][16];
        size_t n_ids[2];
        for (int round = 0; round < 2; round++) { /* as a prompt, twice the same */
            reason_result *result;
            asking a;
            ask_init(&a, "", 6);
            a.request.text = rows[i].text;
            a.request.n_text = (int64_t)rows[i].n;
            assert_ok(reason_generate(session, &a.request, &result));
            n_ids[round] = result_ids(result, ids[round], 16);
            reason_result_free(result);
        }
        assert_int_equal(n_ids[0], n_ids[1]);
        assert_memory_equal(ids[0], ids[1], n_ids[0] * sizeof *ids[0]);
    }
    reason_session_free(session);
    reason_model_free(model);
}

/* The template is the file's own. It must not spoil the file, and its call must end. */
static void test_api_hostile__26_templates(void **state) {
    static const struct {
        const char *text;
        unsigned allowed;
    } rows[] = {
        {"{% for i in range(1000000000) %}x{% endfor %}", STATUS(LIMIT)},
        {"{% for i in range(1000000000) %}{% endfor %}", STATUS(LIMIT)},
        {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", STATUS(LIMIT)},
        {"{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 2) }}{% endmacro %}{{ f(0) }}",
         STATUS(LIMIT)},
        {"{{ ''.__class__.__mro__ }}", STATUS(FORMAT) | STATUS(UNSUPPORTED)},
        {"{{ messages.__init__.__globals__['os'] }}",
         STATUS(FORMAT) | STATUS(UNSUPPORTED)},
        {"{{ [].append.__func__ }}", STATUS(FORMAT) | STATUS(UNSUPPORTED)},
        {"{{ (1).__class__.__base__.__subclasses__() }}",
         STATUS(FORMAT) | STATUS(UNSUPPORTED)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const tiny_options o = {.no_weights = true, .chat_template = rows[i].text};
        char *path = build_tiny_model("llama", &o), *text;
        reason_model *model;
        reason_template_request r;
        test_heap heap;
        size_t n;
        heap_use(&heap);
        assert_ok(reason_model_open(path, NULL, &model));
        assert_ok(reason_template_request_init(&r, sizeof r));
        r.messages_json = "[{\"role\": \"user\", \"content\": \"x\"}]";
        for (int round = 0; round < 2; round++) {
            reason_status status = reason_template_render(model, &r, &text, &n);
            if (status == REASON_OK || !(rows[i].allowed & 1u << -status))
                fail_msg("%s: %s (%s)", rows[i].text, reason_status_name(status),
                         reason_last_error());
            assert_null(text);
            assert_true(strlen(reason_last_error()) > 10);
        }
        r.template_text = "{{ messages[0].content }}"; /* the model still works */
        assert_ok(reason_template_render(model, &r, &text, &n));
        assert_string_equal(text, "x");
        reason_free(text);
        reason_model_free(model);
        heap_end(&heap);
        gguf_remove(path);
    }
}

/* ---- budgets ----------------------------------------------------------------------- */

enum { SPOT = 64 }; /* of a vector; each kind of token has one of its own */

/* A network whose next token depends on the last one alone: attention and feed-forward
 * add nothing, a token is a spot, and a row of the output looks at spots. */
typedef struct machine {
    tiny_model m;
} machine;

static float *row_of(machine *w, const char *tensor, int32_t token) {
    const tiny_tensor *t = tiny_model_find(&w->m, tensor);
    assert_non_null(t);
    return (float *)(void *)(w->m.file.data + t->at) + (size_t)token * SPOT;
}

static void machine_make(machine *w) {
    const tiny_options o = {.n_layers = 1, .n_embd = SPOT, .alignment = 64};
    tiny_model_make("llama", &o, &w->m);
    for (size_t i = 0; i < w->m.n_tensors; i++) {
        const tiny_tensor *t = &w->m.tensors[i];
        for (size_t j = 0; j < (size_t)(t->ne[0] * t->ne[1]); j++) {
            const float value = t->ne[1] == 1 ? 1 : 0;
            memcpy(w->m.file.data + t->at + 4 * j, &value, sizeof value);
        }
    }
    for (int32_t id = 0; id < TINY_N_TOKENS; id++)
        row_of(w, "token_embd.weight", id)[0] = 1;
}

/* Gives a token a spot of its own. */
static void place(machine *w, int32_t token, int spot) {
    row_of(w, "token_embd.weight", token)[0] = 0;
    row_of(w, "token_embd.weight", token)[spot] = 1;
}

/* After a token with this spot, `next` has this weight. */
static void lead(machine *w, int spot, int32_t next, float weight) {
    row_of(w, "output.weight", next)[spot] = weight;
}

typedef struct counts {
    size_t think, answer, blocks;
} counts;

static counts count_labels(const reason_result *result) {
    counts c = {0};
    for (size_t i = 0; i < reason_result_n_tokens(result); i++) {
        reason_token token = {.size = sizeof token};
        assert_ok(reason_result_token(result, i, &token));
        c.think += token.label == REASON_LABEL_THINK;
        c.answer += token.label == REASON_LABEL_ANSWER;
        c.blocks += token.id == TINY_THINK;
    }
    return c;
}

/* Generates within each budget; where a model opens blocks again, each has one token. */
static void check_budgets(const machine *w, bool one_block) {
    static const int32_t budgets[] = {0, 1, 2, 17};
    reason_model *model;
    char *path = gguf_save(&w->m.file);
    assert_ok(reason_model_open(path, NULL, &model));
    reason_session *session = open_session(model, 1);
    for (size_t i = 0; i < COUNT(budgets); i++) {
        asking a;
        reason_result *result;
        reason_usage usage = {.size = sizeof usage};
        ask_init(&a, "7", 128);
        a.thinking.mode = one_block ? REASON_THINK_ON : REASON_THINK_AUTO;
        a.thinking.budget = budgets[i];
        assert_ok(reason_generate(session, &a.request, &result));
        assert_ok(reason_result_usage(result, &usage));
        counts c = count_labels(result);
        assert_int_equal(c.think, usage.thinking_tokens);
        assert_int_equal(c.answer, usage.answer_tokens);
        assert_true(c.think <= (size_t)budgets[i]);
        assert_true(c.answer > 0);
        assert_true(strlen(reason_result_answer(result, NULL)) > 0);
        assert_null(strstr(reason_result_answer(result, NULL), "think>"));
        assert_null(strstr(reason_result_thinking(result, NULL), "think>"));
        assert_int_equal(c.think, budgets[i]); /* it would always think more */
        assert_int_equal(reason_result_finish(result), REASON_FINISH_BUDGET);
        if (!one_block && budgets[i] > 0)
            assert_int_equal(c.blocks, budgets[i]);
        reason_result_free(result);
    }
    reason_session_free(session);
    reason_model_free(model);
    gguf_remove(path);
}

static void test_api_hostile__27_never_closes(void **state) {
    machine w;
    (void)state;
    machine_make(&w);
    lead(&w, 0, 'a', 1); /* ids below 256 are bytes */
    check_budgets(&w, true);
    tiny_model_free(&w.m);
}

static void test_api_hostile__28_opens_again(void **state) {
    enum { A = 65, B = 66, AFTER_OPEN = 1, AFTER_CLOSE, AFTER_A, AFTER_B };
    machine w;
    (void)state;
    machine_make(&w);
    place(&w, TINY_THINK, AFTER_OPEN);
    place(&w, TINY_THINK_END, AFTER_CLOSE);
    place(&w, A, AFTER_A);
    place(&w, B, AFTER_B);
    lead(&w, AFTER_OPEN, A, 1);
    lead(&w, AFTER_A, TINY_THINK_END, 1);
    lead(&w, AFTER_CLOSE, TINY_THINK, 1);
    lead(&w, AFTER_CLOSE, B, 0.5f);
    lead(&w, AFTER_B, TINY_IM_END, 1);
    lead(&w, 0, TINY_THINK, 1); /* what the prompt ends with, and forced line ends */
    lead(&w, 0, B, 0.5f);
    check_budgets(&w, false);
    tiny_model_free(&w.m);
}

/* ---- calling mistakes -------------------------------------------------------------- */

/* Every pointer of every call is test_null.c's, more threads are test_threads.c's. */
static void test_api_hostile__29_calls(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = open_session(model, 1);
    const int32_t id = 5;
    long_call c;
    assert_status(reason_model_open(shipped_path(), NULL, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_logits(NULL, &id, 1, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_session_logits(session, NULL, 1, NULL), REASON_ERR_INVALID_ARG);
    init_call(&c, session, "generate", 2);
    begin_call(&c);
    assert_status(reason_session_logits(session, &id, 1, NULL), REASON_ERR_BUSY);
    reason_model_free(model); /* while a call runs: it takes effect later */
    end_call(&c);
    assert_int_equal(c.status, REASON_OK);
    reason_result_free(c.result);
    assert_ok(reason_session_reset(session));
    assert_ok(reason_session_logits(session, &id, 1, NULL));
    reason_session_free(session);
    check_still_works();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_hostile__01_too_short),
        cmocka_unit_test(test_api_hostile__02_version),
        cmocka_unit_test(test_api_hostile__03_pair_count),
        cmocka_unit_test(test_api_hostile__04_tensor_count),
        cmocka_unit_test(test_api_hostile__05_key_length),
        cmocka_unit_test(test_api_hostile__06_string_length),
        cmocka_unit_test(test_api_hostile__07_array_length),
        cmocka_unit_test(test_api_hostile__08_nested_arrays),
        cmocka_unit_test(test_api_hostile__09_dimensions),
        cmocka_unit_test(test_api_hostile__10_wrapping_shapes),
        cmocka_unit_test(test_api_hostile__11_no_size),
        cmocka_unit_test(test_api_hostile__12_outside),
        cmocka_unit_test(test_api_hostile__13_overlap),
        cmocka_unit_test(test_api_hostile__14_alignment),
        cmocka_unit_test(test_api_hostile__15_row_and_block),
        cmocka_unit_test(test_api_hostile__large_headers),
        cmocka_unit_test(test_api_hostile__large_vocabularies),
        cmocka_unit_test(test_api_hostile__21_scores),
        cmocka_unit_test(test_api_hostile__22_ids),
        cmocka_unit_test(test_api_hostile__23_byte_tokens),
        cmocka_unit_test(test_api_hostile__24_long_prompts),
        cmocka_unit_test(test_api_hostile__25_broken_prompts),
        cmocka_unit_test(test_api_hostile__26_templates),
        cmocka_unit_test(test_api_hostile__27_never_closes),
        cmocka_unit_test(test_api_hostile__28_opens_again),
        cmocka_unit_test(test_api_hostile__29_calls),
    };
    return cmocka_run_group_tests_name("api_hostile", tests, NULL, NULL);
}
