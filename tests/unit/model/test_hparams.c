/* Hyper-parameters: defaults, limits, and what the numbers must satisfy together. RoPE's
 * are test_rope_scaling.c's. */
#include "support.h"

#include "model/hparams.h"

typedef struct entry {
    const char *suffix;
    int64_t value; /* ABSENT: no such key */
} entry;

#define ABSENT INT64_MIN

/* What a file says, besides the constants; every number can be changed by its suffix. */
static const entry NUMBERS[] = {
    {"block_count", 3},
    {"embedding_length", 64},
    {"feed_forward_length", 96},
    {"attention.head_count", 8},
    {"attention.head_count_kv", 2},
    {"attention.key_length", 16},
    {"context_length", 100},
    {"rope.dimension_count", 12},
    {"vocab_size", 300},
    {"attention.value_length", 16},
};

static void put_numbers(gguf_bytes *b, size_t *n, const entry *changes,
                        size_t n_changes) {
    char key[96];
    for (size_t i = 0; i < COUNT(NUMBERS); i++) {
        int64_t value = NUMBERS[i].value;
        for (size_t j = 0; j < n_changes; j++)
            if (strcmp(changes[j].suffix, NUMBERS[i].suffix) == 0)
                value = changes[j].value;
        if (value == ABSENT)
            continue;
        (void)snprintf(key, sizeof key, "llama.%s", NUMBERS[i].suffix);
        gguf_put_key(b, key, GGUF_I64);
        gguf_put_number(b, (uint64_t)value, 8);
        ++*n;
    }
}

static void put_double(gguf_bytes *b, size_t *n, const char *key, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    gguf_put_key(b, key, GGUF_F64);
    gguf_put_number(b, bits, 8);
    ++*n;
}

static reason_status read_pairs_as(gguf_bytes *pairs, size_t n, const char *arch,
                                   const rsn_traits *traits, rsn_hparams *hp) {
    gguf_bytes b = {0};
    rsn_file file;
    rsn_gguf g;
    gguf_put_header(&b, 3, 0, n);
    gguf_put(&b, pairs->data, pairs->n);
    char *path = gguf_save(&b);
    check_ok(rsn_file_open(path, &file));
    check_ok(rsn_gguf_open(&file, path, false, &g));
    reason_status status = rsn_hparams_read(&g, arch, traits, hp);
    rsn_gguf_free(&g);
    rsn_file_close(&file);
    gguf_remove(path);
    gguf_free(&b);
    gguf_free(pairs);
    return status;
}

static reason_status read_pairs(gguf_bytes *pairs, size_t n, const char *arch,
                                rsn_hparams *hp) {
    const rsn_traits none = {0};
    return read_pairs_as(pairs, n, arch, &none, hp);
}

#define EPS "llama.attention.layer_norm_rms_epsilon"
#define BASE "llama.rope.freq_base"

static reason_status read_changed(const entry *changes, size_t n_changes,
                                  rsn_hparams *hp) {
    gguf_bytes pairs = {0};
    size_t n = 0;
    put_numbers(&pairs, &n, changes, n_changes);
    put_double(&pairs, &n, EPS, 1e-6);
    return read_pairs(&pairs, n, "llama", hp);
}

/* READ(&hp, {"suffix", value}, ...) */
#define READ(hp, ...) \
    read_changed((const entry[]){__VA_ARGS__}, COUNT(((const entry[]){__VA_ARGS__})), hp)

static void check_fails(reason_status status, reason_status wanted, const char *word) {
    assert_int_equal(status, wanted);
    check_said((const char *const[]){word, NULL});
}

static void test_model_hparams__read(void **state) {
    (void)state;
    rsn_hparams hp;
    gguf_bytes pairs = {0};
    size_t n = 0;
    put_numbers(&pairs, &n, NULL, 0);
    put_double(&pairs, &n, EPS, 1e-6);
    put_double(&pairs, &n, BASE, 500000);
    check_ok(read_pairs(&pairs, n, "llama", &hp));
    assert_int_equal(hp.n_layers, 3);
    assert_int_equal(hp.n_embd, 64);
    assert_int_equal(hp.n_ff, 96);
    assert_int_equal(hp.n_heads, 8);
    assert_int_equal(hp.n_heads_kv, 2);
    assert_int_equal(hp.head_dim, 16);
    assert_int_equal(hp.n_rot, 12);
    assert_int_equal(hp.n_vocab, 300);
    assert_int_equal(hp.n_ctx, 100);
    assert_true(hp.rms_eps == 1e-6f);
    assert_true(hp.rope.base == 500000);
}

static void test_model_hparams__defaults(void **state) {
    (void)state;
    rsn_hparams hp;
    check_ok(READ(&hp, {"attention.head_count_kv", ABSENT},
                  {"attention.key_length", ABSENT}, {"attention.value_length", ABSENT},
                  {"rope.dimension_count", ABSENT}, {"vocab_size", ABSENT}));
    assert_int_equal(hp.n_heads_kv, 8);
    assert_int_equal(hp.head_dim, 8);
    assert_int_equal(hp.n_rot, 8);
    assert_int_equal(hp.n_vocab, 0);
    assert_true(hp.rope.base == 10000);
}

static void test_model_hparams__missing(void **state) {
    (void)state;
    static const char *const needed[] = {"block_count", "embedding_length",
                                         "feed_forward_length", "attention.head_count",
                                         "context_length"};
    rsn_hparams hp;
    for (size_t i = 0; i < COUNT(needed); i++) {
        check_fails(READ(&hp, {needed[i], ABSENT}), REASON_ERR_FORMAT, needed[i]);
        check_said((const char *const[]){"llama.", "missing", NULL});
    }
    gguf_bytes pairs = {0};
    size_t n = 0;
    put_numbers(&pairs, &n, NULL, 0);
    check_fails(read_pairs(&pairs, n, "llama", &hp), REASON_ERR_FORMAT,
                EPS " is missing");
    n = 0;
    put_numbers(&pairs, &n, NULL, 0);
    put_double(&pairs, &n, EPS, 1e-6);
    check_fails(read_pairs(&pairs, n, "qwen3", &hp), REASON_ERR_FORMAT,
                "qwen3.block_count");
}

static void test_model_hparams__ranges(void **state) {
    (void)state;
    static const struct {
        const char *suffix;
        int64_t min, max;
    } ranges[] = {
        {"block_count", 1, 4096},
        {"embedding_length", 1, 1 << 20},
        {"feed_forward_length", 1, 1 << 24},
        {"attention.head_count", 1, 1 << 14},
        {"attention.head_count_kv", 1, 1 << 14},
        {"attention.key_length", 1, 1 << 14},
        {"attention.value_length", 1, 1 << 14},
        {"rope.dimension_count", 2, 1 << 14},
        {"context_length", 1, 1 << 27},
        {"vocab_size", 1, 1 << 24},
    };
    for (size_t i = 0; i < COUNT(ranges); i++) {
        const int64_t wrong[] = {ranges[i].min - 1, ranges[i].max + 1, -1,
                                 INT64_MAX,         INT64_MIN + 1,     INT64_C(1) << 32};
        for (size_t j = 0; j < COUNT(wrong); j++) {
            rsn_hparams hp;
            char found[32];
            (void)snprintf(found, sizeof found, "is %lld,", (long long)wrong[j]);
            check_fails(READ(&hp, {ranges[i].suffix, wrong[j]}), REASON_ERR_FORMAT,
                        ranges[i].suffix);
            check_said((const char *const[]){found, "allowed",
                                             number((uint64_t)ranges[i].max), NULL});
        }
    }
    rsn_hparams hp; /* the largest numbers together do not wrap anywhere */
    check_ok(READ(&hp, {"block_count", 4096}, {"embedding_length", 1 << 20},
                  {"feed_forward_length", 1 << 24}, {"attention.head_count", 1 << 14},
                  {"attention.head_count_kv", 1 << 14}, {"attention.key_length", 1 << 14},
                  {"attention.value_length", 1 << 14}, {"context_length", 1 << 27},
                  {"vocab_size", 1 << 24}));
    assert_int_equal(rsn_kv_position_bytes(&hp, rsn_kv_type(REASON_KV_F32)),
                     UINT64_C(4096) * 2 * (1 << 28) * 4);
}

static void test_model_hparams__relations(void **state) {
    (void)state;
    rsn_hparams hp;
    check_fails(READ(&hp, {"attention.head_count", 7}), REASON_ERR_FORMAT,
                "7 query heads");
    check_fails(READ(&hp, {"attention.head_count_kv", 16}), REASON_ERR_FORMAT,
                "16 key heads");
    check_fails(READ(&hp, {"rope.dimension_count", 18}), REASON_ERR_FORMAT, "18 of 16");
    check_fails(READ(&hp, {"rope.dimension_count", 11}), REASON_ERR_FORMAT, "11 of 16");
    check_fails(READ(&hp, {"attention.value_length", 32}), REASON_ERR_UNSUPPORTED,
                "llama.attention.value_length is 32");
    /* A head has no dimension at all, or one, if it follows from too narrow a stream. */
    const entry none = {"attention.key_length", ABSENT},
                follows = {"rope.dimension_count", ABSENT};
    check_fails(READ(&hp, none, follows, {"attention.value_length", ABSENT},
                     {"embedding_length", 7}),
                REASON_ERR_FORMAT, "0 of 0");
    check_fails(READ(&hp, none, follows, {"attention.value_length", ABSENT},
                     {"embedding_length", 8}),
                REASON_ERR_FORMAT, "1 of 1");
}

static void test_model_hparams__constants(void **state) {
    (void)state;
    static const double wrong_eps[] = {0,        1,         -1e-6, 2,    -1,
                                       INFINITY, -INFINITY, NAN,   1e-60};
    static const double wrong_base[] = {0, 0.99, -10000, 1.1e12, INFINITY, NAN};
    rsn_hparams hp;
    for (size_t i = 0; i < COUNT(wrong_eps); i++) {
        gguf_bytes pairs = {0};
        size_t n = 0;
        put_numbers(&pairs, &n, NULL, 0);
        put_double(&pairs, &n, EPS, wrong_eps[i]);
        check_fails(read_pairs(&pairs, n, "llama", &hp), REASON_ERR_FORMAT, EPS);
    }
    for (size_t i = 0; i < COUNT(wrong_base); i++) {
        gguf_bytes pairs = {0};
        size_t n = 0;
        put_numbers(&pairs, &n, NULL, 0);
        put_double(&pairs, &n, EPS, 1e-5);
        put_double(&pairs, &n, BASE, wrong_base[i]);
        check_fails(read_pairs(&pairs, n, "llama", &hp), REASON_ERR_FORMAT, BASE);
    }
}

/* --- what only some architectures have ---------------------------------------------- */

/* The numbers above and these pairs, read for an architecture of these traits. */
static reason_status read_extra(const rsn_traits *traits, gguf_bytes *extra, size_t n,
                                const entry *changes, size_t n_changes, rsn_hparams *hp) {
    gguf_bytes pairs = {0};
    put_numbers(&pairs, &n, changes, n_changes);
    put_double(&pairs, &n, EPS, 1e-6);
    gguf_put(&pairs, extra->data, extra->n);
    gguf_free(extra);
    return read_pairs_as(&pairs, n, "llama", traits, hp);
}

static reason_status read_float(const rsn_traits *traits, const char *key, double value,
                                rsn_hparams *hp) {
    gguf_bytes extra = {0};
    size_t n = 0;
    put_double(&extra, &n, key, value);
    return read_extra(traits, &extra, n, NULL, 0, hp);
}

static reason_status read_int(const rsn_traits *traits, const char *key, int64_t value,
                              rsn_hparams *hp) {
    gguf_bytes extra = {0};
    gguf_put_key(&extra, key, GGUF_I64);
    gguf_put_number(&extra, (uint64_t)value, 8);
    return read_extra(traits, &extra, 1, NULL, 0, hp);
}

static const rsn_traits PLAIN = {0};

/* Without keys: what the traits say, and 1 / sqrt of a head's or all heads' part. */
static void test_model_hparams__factor_defaults(void **state) {
    (void)state;
    rsn_hparams hp;
    gguf_bytes none = {0};
    check_ok(read_extra(&PLAIN, &none, 0, NULL, 0, &hp));
    assert_true(hp.attn_scale == 0.25f && hp.embed_scale == 1 && hp.logit_scale == 1);
    assert_true(hp.residual_scale == 1 && hp.attn_cap == 0 && hp.logit_cap == 0);
    const rsn_traits traits = {.bits = RSN_TRAIT_EMBD_ROOT,
                               .attn_cap = 50,
                               .logit_cap = 30,
                               .nope_period = 4,
                               .wide_layers = 3};
    check_ok(read_extra(&traits, &none, 0, NULL, 0, &hp));
    assert_true(hp.attn_scale == 1 / sqrtf(8) && hp.embed_scale == 8);
    assert_true(hp.attn_cap == 50 && hp.logit_cap == 30);
    assert_true(rsn_has_rope(&hp, 0) && rsn_has_rope(&hp, 2) && !rsn_has_rope(&hp, 3));
    assert_true(rsn_has_rope(&hp, 4) && !rsn_has_rope(&hp, 7));
}

static void test_model_hparams__factors(void **state) {
    (void)state;
    static const struct {
        const char *key;
        size_t offset;
        unsigned trait;
        bool zero_allowed;
    } rows[] = {
        {"llama.attention.scale", offsetof(rsn_hparams, attn_scale), 0, false},
        {"llama.attn_logit_softcapping", offsetof(rsn_hparams, attn_cap), 0, true},
        {"llama.final_logit_softcapping", offsetof(rsn_hparams, logit_cap), 0, true},
        {"llama.embedding_scale", offsetof(rsn_hparams, embed_scale), RSN_TRAIT_SCALES,
         false},
        {"llama.residual_scale", offsetof(rsn_hparams, residual_scale), RSN_TRAIT_SCALES,
         false},
        {"llama.logit_scale", offsetof(rsn_hparams, logit_scale), RSN_TRAIT_SCALES,
         false},
    };
    static const double wrong[] = {-1, -1e-30, NAN, INFINITY, -INFINITY, 2e6};
    for (size_t i = 0; i < COUNT(rows); i++) {
        rsn_hparams hp;
        const rsn_traits traits = {.bits = rows[i].trait};
        check_ok(read_float(&traits, rows[i].key, 0.5, &hp));
        float value = *(const float *)(const void *)((const char *)&hp + rows[i].offset);
        assert_true(value == (strstr(rows[i].key, "logit_scale") ? 2.0f : 0.5f));
        for (size_t j = 0; j < COUNT(wrong); j++)
            check_fails(read_float(&traits, rows[i].key, wrong[j], &hp),
                        REASON_ERR_FORMAT, rows[i].key);
        reason_status status = read_float(&traits, rows[i].key, 0, &hp);
        assert_int_equal(status, rows[i].zero_allowed ? REASON_OK : REASON_ERR_FORMAT);
        check_fails(read_int(&traits, rows[i].key, 1, &hp), REASON_ERR_FORMAT,
                    rows[i].key);
        if (rows[i].trait)
            check_fails(read_float(&PLAIN, rows[i].key, 0.5, &hp), REASON_ERR_UNSUPPORTED,
                        rows[i].key);
    }
}

#define WINDOW "llama.attention.sliding_window"
#define PATTERN WINDOW "_pattern"

static const rsn_traits WINDOWS = {
    .bits = RSN_TRAIT_WINDOWS, .window = 40, .window_period = 2};

static void test_model_hparams__window(void **state) {
    (void)state;
    static const int64_t wrong[] = {-1, INT64_C(1) << 31, (1 << 27) + 1, INT64_MIN + 1};
    rsn_hparams hp;
    gguf_bytes none = {0};
    check_ok(read_extra(&WINDOWS, &none, 0, NULL, 0, &hp));
    assert_int_equal(hp.window, 40);
    assert_true(rsn_has_window(&hp, 0) && !rsn_has_window(&hp, 1));
    assert_true(rsn_has_window(&hp, 2) && !rsn_has_window(&hp, 3));
    check_ok(read_int(&WINDOWS, WINDOW, 7, &hp));
    assert_int_equal(hp.window, 7);
    check_ok(read_int(&WINDOWS, WINDOW, 0, &hp));
    assert_false(rsn_has_window(&hp, 0));
    for (size_t i = 0; i < COUNT(wrong); i++)
        check_fails(read_int(&WINDOWS, WINDOW, wrong[i], &hp), REASON_ERR_FORMAT, WINDOW);
    check_fails(read_float(&WINDOWS, WINDOW, 4, &hp), REASON_ERR_FORMAT, WINDOW);
    /* Without the trait only a window that hides something is refused. */
    check_ok(read_int(&PLAIN, WINDOW, 100, &hp));
    check_ok(read_int(&PLAIN, WINDOW, 0, &hp));
    assert_int_equal(hp.window, 0);
    check_fails(read_int(&PLAIN, WINDOW, 99, &hp), REASON_ERR_UNSUPPORTED, WINDOW);
}

static reason_status read_list(const char *pattern, uint32_t type, rsn_hparams *hp) {
    gguf_bytes extra = {0};
    const entry layers = {"block_count", 6};
    gguf_put_array(&extra, PATTERN, type, strlen(pattern));
    for (const char *c = pattern; *c; c++)
        gguf_put_number(&extra, *c == 'w', type == GGUF_BOOL ? 1 : 4);
    return read_extra(&WINDOWS, &extra, 1, &layers, 1, hp);
}

static void test_model_hparams__window_pattern(void **state) {
    (void)state;
    static const struct {
        const char *list;
        size_t period;
    } lists[] = {{"wwawwa", 3}, {"wawawa", 2}, {"aaaaaa", 1}, {"wwwwww", 0},
                 {"wwwwwa", 6}, {"wwwwaw", 5}};
    static const char *const broken[] = {"awwwww", "wwaawa", "wwawww", "wwwwaa"};
    rsn_hparams hp;
    for (size_t i = 0; i < COUNT(lists); i++) {
        check_ok(read_list(lists[i].list, GGUF_BOOL, &hp));
        assert_int_equal(hp.window_period, lists[i].period);
        for (size_t l = 0; l < 6; l++)
            assert_int_equal(rsn_has_window(&hp, l), lists[i].list[l] == 'w');
    }
    for (size_t i = 0; i < COUNT(broken); i++)
        check_fails(read_list(broken[i], GGUF_BOOL, &hp), REASON_ERR_UNSUPPORTED,
                    PATTERN);
    check_fails(read_list("wwawwaw", GGUF_BOOL, &hp), REASON_ERR_FORMAT, "6 layers");
    check_fails(read_list("", GGUF_BOOL, &hp), REASON_ERR_FORMAT, PATTERN);
    check_fails(read_list("wwawwa", GGUF_U32, &hp), REASON_ERR_FORMAT, PATTERN);
    check_ok(read_int(&WINDOWS, PATTERN, 3, &hp));
    assert_true(rsn_has_window(&hp, 1) && !rsn_has_window(&hp, 2));
    check_ok(read_int(&WINDOWS, PATTERN, 0, &hp));
    assert_true(rsn_has_window(&hp, 0) && rsn_has_window(&hp, 1));
    check_ok(read_int(&WINDOWS, PATTERN, 1, &hp));
    assert_false(rsn_has_window(&hp, 0));
    check_fails(read_int(&WINDOWS, PATTERN, -1, &hp), REASON_ERR_FORMAT, PATTERN);
    check_fails(read_int(&WINDOWS, PATTERN, 4097, &hp), REASON_ERR_FORMAT, PATTERN);
}

/* A number per layer in the place of one: equal ones, and then it must be allowed. */
static void test_model_hparams__per_layer(void **state) {
    (void)state;
    static const char *const keys[] = {"feed_forward_length", "attention.head_count",
                                       "attention.head_count_kv"};
    static const struct {
        int32_t items[4];
        size_t n;
        reason_status status;
    } rows[] = {
        {{8, 8, 8}, 3, REASON_OK},
        {{8, 8}, 2, REASON_ERR_FORMAT},
        {{8, 8, 8, 8}, 4, REASON_ERR_FORMAT},
        {{0}, 0, REASON_ERR_FORMAT},
        {{8, 8, 4}, 3, REASON_ERR_UNSUPPORTED},
        {{0, 0, 0}, 3, REASON_ERR_FORMAT},
        {{-8, -8, -8}, 3, REASON_ERR_FORMAT},
    };
    for (size_t k = 0; k < COUNT(keys); k++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            char key[64];
            rsn_hparams hp;
            gguf_bytes extra = {0};
            const entry absent[2] = {{keys[k], ABSENT}, {"attention.head_count_kv", 8}};
            (void)snprintf(key, sizeof key, "llama.%s", keys[k]);
            gguf_put_array(&extra, key, GGUF_I32, rows[i].n);
            for (size_t j = 0; j < rows[i].n; j++)
                gguf_put_number(&extra, (uint32_t)rows[i].items[j], 4);
            reason_status status = read_extra(&PLAIN, &extra, 1, absent, k < 2 ? 2 : 1,
                                              &hp);
            assert_int_equal(status, rows[i].status);
            if (status != REASON_OK)
                check_said((const char *const[]){key, NULL});
        }
    rsn_hparams hp; /* other numbers have one value only */
    gguf_bytes extra = {0};
    const entry absent = {"context_length", ABSENT};
    gguf_put_array(&extra, "llama.context_length", GGUF_I32, 3);
    gguf_put_zeros(&extra, 12);
    check_fails(read_extra(&PLAIN, &extra, 1, &absent, 1, &hp), REASON_ERR_FORMAT,
                "llama.context_length");
}

static void test_model_hparams__wrong_types(void **state) {
    (void)state;
    rsn_hparams hp;
    gguf_bytes pairs = {0};
    size_t n = 0;
    put_double(&pairs, &n, "llama.block_count", 3);
    check_fails(read_pairs(&pairs, n, "llama", &hp), REASON_ERR_FORMAT,
                "llama.block_count");
    n = 1;
    put_numbers(&pairs, &n, NULL, 0);
    gguf_put_u32(&pairs, EPS, 1);
    check_fails(read_pairs(&pairs, n, "llama", &hp), REASON_ERR_FORMAT, EPS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_hparams__read),
        cmocka_unit_test(test_model_hparams__defaults),
        cmocka_unit_test(test_model_hparams__missing),
        cmocka_unit_test(test_model_hparams__ranges),
        cmocka_unit_test(test_model_hparams__relations),
        cmocka_unit_test(test_model_hparams__constants),
        cmocka_unit_test(test_model_hparams__factor_defaults),
        cmocka_unit_test(test_model_hparams__factors),
        cmocka_unit_test(test_model_hparams__window),
        cmocka_unit_test(test_model_hparams__window_pattern),
        cmocka_unit_test(test_model_hparams__per_layer),
        cmocka_unit_test(test_model_hparams__wrong_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
