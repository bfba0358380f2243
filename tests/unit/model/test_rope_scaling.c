/* RoPE's frequencies: keys and their limits, each kind of scaling against its formula in
 * long double, the tables of LongRoPE and of layers with a window, hostile numbers. */
#include "support.h"

enum { N_ROT = 24, HALF = N_ROT / 2, N_CTX = 4096 };

static const rsn_traits PLAIN = {0};
static const rsn_traits LOCAL = {.bits = RSN_TRAIT_LOCAL_UNSCALED, .local_base = 5000};

/* --- helpers ------------------------------------------------------------------------ */

typedef struct pair {
    const char *suffix;
    double value; /* whole: written as an integer if the name ends in _length */
    const char *text;
} pair;

static void put_pair(gguf_bytes *b, const pair *p) {
    char key[96];
    uint64_t bits;
    (void)snprintf(key, sizeof key, "llama.%s", p->suffix);
    if (p->text) {
        gguf_put_string(b, key, p->text);
    } else if (strstr(p->suffix, "_length")) {
        gguf_put_key(b, key, GGUF_I64);
        gguf_put_number(b, (uint64_t)(int64_t)p->value, 8);
    } else {
        memcpy(&bits, &p->value, sizeof bits);
        gguf_put_key(b, key, GGUF_F64);
        gguf_put_number(b, bits, 8);
    }
}

static reason_status read_config(const rsn_traits *traits, const pair *pairs, size_t n,
                                 rsn_rope_config *config) {
    gguf_bytes b = {0};
    rsn_file file;
    rsn_gguf g;
    gguf_put_header(&b, 3, 0, n);
    for (size_t i = 0; i < n; i++)
        put_pair(&b, &pairs[i]);
    char *path = gguf_save(&b);
    check_ok(rsn_file_open(path, &file));
    check_ok(rsn_gguf_open(&file, path, false, &g));
    memset(config, 0, sizeof *config);
    reason_status status = rsn_rope_read(&g, "llama", traits, N_CTX, config);
    rsn_gguf_free(&g);
    rsn_file_close(&file);
    gguf_remove(path);
    gguf_free(&b);
    return status;
}

/* READ(&traits, &config, {"suffix", value, NULL}, ...) */
#define READ(traits, config, ...)                  \
    read_config(traits, (const pair[]){__VA_ARGS__}, \
                COUNT(((const pair[]){__VA_ARGS__})), config)

#define TYPE(name) {"rope.scaling.type", 0, name}
#define FACTOR(value) {"rope.scaling.factor", value, NULL}
#define ORIGINAL(value) {"rope.scaling.original_context_length", value, NULL}

static void check_fails(reason_status status, reason_status wanted, const char *word) {
    if (status != wanted)
        fail_msg("%s instead of %s (%s)", reason_status_name(status),
                 reason_status_name(wanted), word);
    check_said((const char *const[]){word, NULL});
}

typedef struct tables {
    rsn_arena arena;
    rsn_rope ropes[RSN_N_ROPES];
} tables;

static reason_status make(const rsn_rope_config *config, const rsn_rope_factors *factors,
                          tables *t) {
    static const rsn_rope_factors none = {0};
    memset(t, 0, sizeof *t);
    return rsn_rope_make(config, N_ROT, N_CTX, factors ? factors : &none, &t->arena,
                         t->ropes);
}

static long double plain(double base, size_t i) {
    return powl((long double)base, -2.0L * i / N_ROT);
}

static void check_near(double found, long double wanted) {
    if (!(fabsl(found - wanted) <= fabsl(wanted) * 1e-14L))
        fail_msg("%.17g instead of %.17Lg", found, wanted);
}

/* --- kinds -------------------------------------------------------------------------- */

static void test_model_rope_scaling__none(void **state) {
    (void)state;
    rsn_rope_config c;
    tables t;
    check_ok(read_config(&PLAIN, NULL, 0, &c));
    assert_true(c.base == 10000 && c.kind == RSN_ROPE_PLAIN && !c.local_differs);
    check_ok(make(&c, NULL, &t));
    for (size_t i = 0; i < HALF; i++)
        check_near(t.ropes[RSN_ROPE_SHORT].inv_freq[i], plain(10000, i));
    assert_true(t.ropes[RSN_ROPE_SHORT].factor == 1);
    assert_null(t.ropes[RSN_ROPE_LONG].inv_freq);
    assert_null(t.ropes[RSN_ROPE_LOCAL].inv_freq);
    rsn_arena_free(&t.arena);
}

static void test_model_rope_scaling__linear(void **state) {
    (void)state;
    const struct {
        pair pairs[2];
        size_t n;
        double factor;
    } rows[] = {
        {{TYPE("linear"), FACTOR(4)}, 2, 4},
        {{FACTOR(4), {0}}, 1, 4},
        {{{"rope.scale_linear", 2, NULL}, {0}}, 1, 2},
        {{{"rope.scale_linear", 2, NULL}, FACTOR(8)}, 2, 8},
        {{TYPE("none"), FACTOR(4)}, 2, 1},
        {{TYPE("linear"), {0}}, 1, 1},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        rsn_rope_config c;
        tables t;
        check_ok(read_config(&PLAIN, rows[r].pairs, rows[r].n, &c));
        check_ok(make(&c, NULL, &t));
        for (size_t i = 0; i < HALF; i++)
            check_near(t.ropes[RSN_ROPE_SHORT].inv_freq[i],
                       plain(10000, i) / rows[r].factor);
        rsn_arena_free(&t.arena);
    }
}

/* Where the ramp begins and ends for base 10000, context 64 and 24 dimensions:
 * frequency i turns 64 / (2 pi 10000^(i / 12)) times. */
static void test_model_rope_scaling__yarn(void **state) {
    (void)state;
    rsn_rope_config c;
    tables t;
    check_ok(READ(&PLAIN, &c, TYPE("yarn"), FACTOR(4), ORIGINAL(64)));
    assert_true(c.beta_fast == 32 && c.beta_slow == 1 && c.n_ctx_orig == 64);
    check_ok(make(&c, NULL, &t));
    const long double high = ceill(12 * logl(64 / (2 * acosl(-1))) / logl(10000));
    for (size_t i = 0; i < HALF; i++) {
        long double ramp = fminl(i / high, 1);
        check_near(t.ropes[RSN_ROPE_SHORT].inv_freq[i],
                   plain(10000, i) * (1 - ramp) + plain(10000, i) / 4 * ramp);
    }
    check_near(t.ropes[RSN_ROPE_SHORT].factor, 0.1L * logl(4) + 1);
    rsn_arena_free(&t.arena);
}

static void test_model_rope_scaling__yarn_factor(void **state) {
    (void)state;
    const pair attn = {"rope.scaling.attn_factor", 0.5, NULL};
    const pair whole = {"rope.scaling.yarn_attn_factor", 3, NULL};
    const long double own = 0.1L * logl(4) + 1;
    const struct {
        pair pairs[4];
        size_t n;
        long double factor;
    } rows[] = {
        {{TYPE("yarn"), FACTOR(4), attn}, 3, own / 2},
        {{TYPE("yarn"), FACTOR(4), whole}, 3, 3},
        {{TYPE("yarn"), FACTOR(4), attn, whole}, 4, 1.5L},
        {{TYPE("yarn"), FACTOR(0.5)}, 2, 1},
        {{TYPE("linear"), FACTOR(4), attn}, 3, 0.5L},
        {{TYPE("linear"), FACTOR(4), whole}, 3, 1},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        rsn_rope_config c;
        tables t;
        check_ok(read_config(&PLAIN, rows[r].pairs, rows[r].n, &c));
        check_ok(make(&c, NULL, &t));
        check_near(t.ropes[RSN_ROPE_SHORT].factor, rows[r].factor);
        rsn_arena_free(&t.arena);
    }
}

/* Both ends of the ramp outside the dimensions, at one place, and in an order that rounds
 * to it: every frequency stays between the two it is mixed of. */
static void test_model_rope_scaling__yarn_edges(void **state) {
    (void)state;
    static const double contexts[] = {1, 6, 7, 64, 4096, 1 << 27};
    static const double betas[][2] = {{32, 1}, {1, 1}, {1e6, 1e-3}, {7, 6.9}};
    for (size_t i = 0; i < COUNT(contexts); i++)
        for (size_t j = 0; j < COUNT(betas); j++) {
            rsn_rope_config c;
            tables t;
            check_ok(READ(&PLAIN, &c, TYPE("yarn"), FACTOR(8), ORIGINAL(contexts[i]),
                          {"rope.freq_base", 1.0001, NULL},
                          {"rope.scaling.yarn_beta_fast", betas[j][0], NULL},
                          {"rope.scaling.yarn_beta_slow", betas[j][1], NULL}));
            check_ok(make(&c, NULL, &t));
            for (size_t k = 0; k < HALF; k++) {
                long double frequency = plain(1.0001, k);
                double found = t.ropes[RSN_ROPE_SHORT].inv_freq[k];
                assert_true(found <= frequency * (1 + 1e-12L));
                assert_true(found >= frequency / 8 * (1 - 1e-12L));
            }
            rsn_arena_free(&t.arena);
        }
}

static void test_model_rope_scaling__longrope(void **state) {
    (void)state;
    float low[HALF], high[HALF];
    for (size_t i = 0; i < HALF; i++) {
        low[i] = 1 + 0.125f * (float)i;
        high[i] = 2 + (float)i;
    }
    const rsn_rope_factors factors = {.short_ctx = low, .long_ctx = high};
    rsn_rope_config c;
    tables t;
    for (int named = 0; named <= 1; named++) {
        if (named)
            check_ok(READ(&PLAIN, &c, TYPE("longrope"), ORIGINAL(512)));
        else
            check_ok(READ(&PLAIN, &c, ORIGINAL(512)));
        check_ok(make(&c, &factors, &t));
        for (size_t i = 0; i < HALF; i++) {
            check_near(t.ropes[RSN_ROPE_SHORT].inv_freq[i], plain(10000, i) / low[i]);
            check_near(t.ropes[RSN_ROPE_LONG].inv_freq[i], plain(10000, i) / high[i]);
        }
        const long double factor = sqrtl(1 + logl(8) / logl(512));
        check_near(t.ropes[RSN_ROPE_SHORT].factor, factor);
        check_near(t.ropes[RSN_ROPE_LONG].factor, factor);
        rsn_arena_free(&t.arena);
    }
    check_ok(READ(&PLAIN, &c, ORIGINAL(512), {"rope.scaling.attn_factor", 1.5, NULL}));
    check_ok(make(&c, &factors, &t));
    assert_true(t.ropes[RSN_ROPE_LONG].factor == 1.5);
    rsn_arena_free(&t.arena);
    check_ok(READ(&PLAIN, &c, ORIGINAL(N_CTX))); /* nothing to stretch */
    check_ok(make(&c, &factors, &t));
    assert_true(t.ropes[RSN_ROPE_LONG].factor == 1);
    rsn_arena_free(&t.arena);
    check_ok(READ(&PLAIN, &c, ORIGINAL(1))); /* whose logarithm is 0 */
    check_ok(make(&c, &factors, &t));
    assert_true(t.ropes[RSN_ROPE_LONG].factor == 1);
    rsn_arena_free(&t.arena);
}

static void test_model_rope_scaling__local(void **state) {
    (void)state;
    float divisors[HALF];
    for (size_t i = 0; i < HALF; i++)
        divisors[i] = 3;
    const rsn_rope_factors factors = {.all = divisors};
    rsn_rope_config c;
    tables t;
    check_ok(READ(&LOCAL, &c, TYPE("linear"), FACTOR(4)));
    check_ok(make(&c, &factors, &t));
    for (size_t i = 0; i < HALF; i++) {
        check_near(t.ropes[RSN_ROPE_SHORT].inv_freq[i], plain(10000, i) / 12);
        check_near(t.ropes[RSN_ROPE_LOCAL].inv_freq[i], plain(5000, i));
    }
    assert_true(t.ropes[RSN_ROPE_LOCAL].factor == 1);
    rsn_arena_free(&t.arena);
    check_ok(READ(&PLAIN, &c, TYPE("yarn"), FACTOR(4), {"rope.freq_base_swa", 70, NULL}));
    check_ok(make(&c, &factors, &t));
    check_near(t.ropes[RSN_ROPE_LOCAL].factor, 0.1L * logl(4) + 1);
    /* Base 70 turns 4096 / (64 pi) times at dimension 8.5: before it nothing is mixed. */
    check_near(t.ropes[RSN_ROPE_LOCAL].inv_freq[7], plain(70, 7) / 3);
    rsn_arena_free(&t.arena);
    check_ok(READ(&LOCAL, &c, {"rope.freq_base_swa", 70, NULL}));
    assert_true(c.local_base == 70); /* the file has the last word */
}

/* --- what is refused ---------------------------------------------------------------- */

static void test_model_rope_scaling__types(void **state) {
    (void)state;
    static const char *const others[] = {"llama3", "dynamic", "su", "", "yarnn", "yar"};
    rsn_rope_config c;
    for (size_t i = 0; i < COUNT(others); i++) {
        check_fails(READ(&PLAIN, &c, TYPE(others[i])), REASON_ERR_UNSUPPORTED,
                    "llama.rope.scaling.type");
        check_said((const char *const[]){others[i], "linear, yarn and longrope", NULL});
    }
    check_fails(READ(&PLAIN, &c, {"rope.scaling.type", 1, NULL}), REASON_ERR_FORMAT,
                "llama.rope.scaling.type");
}

static void test_model_rope_scaling__ranges(void **state) {
    (void)state;
    static const char *const floats[] = {
        "rope.freq_base",          "rope.freq_base_swa",
        "rope.scale_linear",       "rope.scaling.factor",
        "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"};
    static const double wrong[] = {0, -1, -0.0, 1e-4, 1e13, INFINITY, -INFINITY, NAN};
    static const double contexts[] = {0, -1, (1 << 27) + 1, 1e18};
    rsn_rope_config c;
    for (size_t i = 0; i < COUNT(floats); i++)
        for (size_t j = 0; j < COUNT(wrong); j++)
            check_fails(READ(&PLAIN, &c, {floats[i], wrong[j], NULL}), REASON_ERR_FORMAT,
                        floats[i]);
    for (size_t i = 0; i < COUNT(contexts); i++)
        check_fails(READ(&PLAIN, &c, ORIGINAL(contexts[i])), REASON_ERR_FORMAT,
                    "llama.rope.scaling.original_context_length");
    check_fails(READ(&PLAIN, &c, {"rope.scaling.factor", 0, "four"}), REASON_ERR_FORMAT,
                "llama.rope.scaling.factor");
}

static void test_model_rope_scaling__yarn_refused(void **state) {
    (void)state;
    rsn_rope_config c;
    check_fails(READ(&PLAIN, &c, TYPE("yarn"), {"rope.scaling.yarn_beta_slow", 33, NULL}),
                REASON_ERR_FORMAT, "llama.rope.scaling.yarn_beta_fast is 32");
    check_said((const char *const[]){"llama.rope.scaling.yarn_beta_slow", "33", NULL});
    check_ok(READ(&PLAIN, &c, {"rope.scaling.yarn_beta_slow", 33, NULL})); /* not YaRN */
    check_fails(READ(&PLAIN, &c, TYPE("yarn"), {"rope.freq_base", 1, NULL}),
                REASON_ERR_FORMAT, "llama.rope.freq_base");
    check_fails(READ(&PLAIN, &c, TYPE("yarn"), {"rope.scaling.yarn_ext_factor", 0, NULL}),
                REASON_ERR_UNSUPPORTED, "llama.rope.scaling.yarn_ext_factor");
    check_ok(READ(&PLAIN, &c, TYPE("yarn"), {"rope.scaling.yarn_ext_factor", 1, NULL}));
}

static void check_refused_factors(const rsn_rope_config *c, rsn_rope_factors factors,
                                  reason_status wanted, const char *word) {
    tables t;
    check_fails(make(c, &factors, &t), wanted, word);
    rsn_arena_free(&t.arena);
}

static void test_model_rope_scaling__factors_refused(void **state) {
    (void)state;
    static const float wrong[] = {0, -1, NAN, INFINITY, -INFINITY};
    float good[HALF], bad[HALF];
    rsn_rope_config c, yarn, linear, longrope, local;
    check_ok(read_config(&PLAIN, NULL, 0, &c));
    check_ok(READ(&PLAIN, &yarn, TYPE("yarn"), FACTOR(4)));
    check_ok(READ(&PLAIN, &linear, TYPE("linear"), FACTOR(4)));
    check_ok(READ(&PLAIN, &longrope, TYPE("longrope")));
    check_ok(read_config(&LOCAL, NULL, 0, &local));
    for (size_t i = 0; i < HALF; i++)
        good[i] = bad[i] = 1.5f;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        bad[7] = wrong[i];
        check_refused_factors(&c, (rsn_rope_factors){.all = bad}, REASON_ERR_FORMAT,
                              "rope_freqs.weight holds");
        check_refused_factors(&c, (rsn_rope_factors){.short_ctx = bad, .long_ctx = good},
                              REASON_ERR_FORMAT, "rope_factors_short.weight holds");
        check_refused_factors(&c, (rsn_rope_factors){.short_ctx = good, .long_ctx = bad},
                              REASON_ERR_FORMAT, "rope_factors_long.weight holds");
        check_said((const char *const[]){"at 7", NULL});
    }
    check_refused_factors(&c, (rsn_rope_factors){.short_ctx = good}, REASON_ERR_FORMAT,
                          "rope_factors_long.weight is missing");
    check_refused_factors(&c, (rsn_rope_factors){.long_ctx = good}, REASON_ERR_FORMAT,
                          "rope_factors_short.weight is missing");
    check_refused_factors(&longrope, (rsn_rope_factors){0}, REASON_ERR_FORMAT,
                          "rope_factors_long.weight is missing");
    const rsn_rope_factors both = {.short_ctx = good, .long_ctx = good};
    const rsn_rope_config *others[] = {&yarn, &linear, &local};
    for (size_t i = 0; i < COUNT(others); i++)
        check_refused_factors(others[i], both, REASON_ERR_UNSUPPORTED,
                              "beside another RoPE scaling");
    check_refused_factors(
        &c, (rsn_rope_factors){.all = good, .short_ctx = good, .long_ctx = good},
        REASON_ERR_UNSUPPORTED, "beside another RoPE scaling");
}

/* Tensors of another length than half the turned dimensions. */
static void test_model_rope_scaling__lengths(void **state) {
    (void)state;
    static const char *const names[] = {"rope_factors_long.weight",
                                        "rope_factors_short.weight"};
    tiny_model m;
    const tiny_options o = {
        .long_factors = true, .n_ctx_orig = 64, .no_tokenizer = true, .alignment = 256};
    tiny_model_make("phi3", &o, &m);
    check_opens(&m.file);
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t at = gguf_find_tensor(&m.file, names[i]) + 4;
        static const uint64_t lengths[] = {7, 9, 16, 1};
        for (size_t j = 0; j < COUNT(lengths); j++) {
            gguf_set_number(&m.file, at, lengths[j], 8);
            REFUSED(&m.file, REASON_ERR_FORMAT, names[i], number(lengths[j]),
                    "[8, 1, 1, 1]");
        }
        gguf_set_number(&m.file, at, 8, 8);
    }
    tiny_model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_rope_scaling__none),
        cmocka_unit_test(test_model_rope_scaling__linear),
        cmocka_unit_test(test_model_rope_scaling__yarn),
        cmocka_unit_test(test_model_rope_scaling__yarn_factor),
        cmocka_unit_test(test_model_rope_scaling__yarn_edges),
        cmocka_unit_test(test_model_rope_scaling__longrope),
        cmocka_unit_test(test_model_rope_scaling__local),
        cmocka_unit_test(test_model_rope_scaling__types),
        cmocka_unit_test(test_model_rope_scaling__ranges),
        cmocka_unit_test(test_model_rope_scaling__yarn_refused),
        cmocka_unit_test(test_model_rope_scaling__factors_refused),
        cmocka_unit_test(test_model_rope_scaling__lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
