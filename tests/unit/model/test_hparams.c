/* Hyper-parameters: defaults, limits, and what the numbers must satisfy together. */
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

static reason_status read_pairs(gguf_bytes *pairs, size_t n, const char *arch,
                                rsn_hparams *hp) {
    gguf_bytes b = {0};
    rsn_file file;
    rsn_gguf g;
    gguf_put_header(&b, 3, 0, n);
    gguf_put(&b, pairs->data, pairs->n);
    char *path = gguf_save(&b);
    check_ok(rsn_file_open(path, &file));
    check_ok(rsn_gguf_open(&file, path, &g));
    reason_status status = rsn_hparams_read(&g, arch, hp);
    rsn_gguf_free(&g);
    rsn_file_close(&file);
    gguf_remove(path);
    gguf_free(&b);
    gguf_free(pairs);
    return status;
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
    assert_true(hp.rope_base == 500000);
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
    assert_true(hp.rope_base == 10000);
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

static reason_status read_scaling(uint32_t type, const char *value, rsn_hparams *hp) {
    gguf_bytes pairs = {0};
    size_t n = 1;
    put_numbers(&pairs, &n, NULL, 0);
    put_double(&pairs, &n, EPS, 1e-5);
    gguf_put_key(&pairs, "llama.rope.scaling.type", type);
    if (type == GGUF_STRING)
        gguf_put_text(&pairs, value);
    else
        gguf_put_number(&pairs, 1, 4);
    return read_pairs(&pairs, n, "llama", hp);
}

static void test_model_hparams__rope_scaling(void **state) {
    (void)state;
    static const char *const others[] = {"linear", "yarn",  "longrope",
                                         "",       "nonee", "non"};
    rsn_hparams hp;
    check_ok(read_scaling(GGUF_STRING, "none", &hp));
    for (size_t i = 0; i < COUNT(others); i++) {
        check_fails(read_scaling(GGUF_STRING, others[i], &hp), REASON_ERR_UNSUPPORTED,
                    "llama.rope.scaling.type");
        check_said((const char *const[]){others[i], "none", NULL});
    }
    check_fails(read_scaling(GGUF_U32, NULL, &hp), REASON_ERR_FORMAT,
                "llama.rope.scaling.type");
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
        cmocka_unit_test(test_model_hparams__rope_scaling),
        cmocka_unit_test(test_model_hparams__wrong_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
