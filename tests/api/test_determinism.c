/* Same input, same output. Logits are equal to the last bit whatever the number of
 * threads, the size of the chunks, the way the tokens came into the session, and the
 * instruction set; greedy and sampled texts with them. The reference is the plainest run:
 * generic code, one thread, one token per call. Prompts span more than two blocks of 64
 * positions, in which keys and values are kept and attention is summed. */
#include "api/support.h"

enum { N_TOKENS = 150, N_KV_TYPES = 4, EDGE = 64 };

/* The plain code is some twenty times slower, so it runs a sample of the cases of a list.
 */
#define STRIDE(level, list) \
    ((level) == REASON_CPU_GENERIC || SANITIZED ? (COUNT(list) + 1) / 2 : 1)

static int first_level = REASON_CPU_GENERIC; /* what the others are compared with */
static size_t n_vocab;
static int32_t tokens[N_TOKENS];
static reason_model *models[N_LEVELS]; /* by level; NULL: this machine lacks it */
static float *reference[N_KV_TYPES];   /* by kv_type, [N_TOKENS][n_vocab] */

static float *new_rows(size_t n) {
    float *rows = malloc(n * n_vocab * sizeof *rows);
    assert_non_null(rows);
    return rows;
}

static reason_session *new_session(reason_model *model, int32_t threads, int32_t chunk,
                                   reason_kv_type kv_type) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = threads;
    o.n_chunk = chunk;
    o.kv_type = kv_type;
    assert_ok(reason_session_new(model, &o, &session));
    return session;
}

static int set_up(void **state) {
    (void)state;
    if (SANITIZED && has_level(REASON_CPU_AVX2))
        first_level = REASON_CPU_AVX2; /* the plain code takes minutes there */
    for (int level = first_level; level < N_LEVELS; level++) {
        if (!has_level((reason_cpu)level))
            continue;
        models[level] = open_model((reason_cpu)level);
        print_message("level: %s\n", level_names[level]);
    }
    reason_model *plain = models[first_level];
    assert_non_null(plain);
    n_vocab = (size_t)model_int(plain, "n_vocab");
    fill_tokens(plain, tokens, N_TOKENS);
    for (int kv = 0; kv < N_KV_TYPES; kv++) {
        reason_session *s = new_session(plain, 1, 1, (reason_kv_type)kv);
        reference[kv] = new_rows(N_TOKENS);
        for (size_t i = 0; i < N_TOKENS; i++)
            assert_ok(
                reason_session_logits(s, tokens + i, 1, reference[kv] + i * n_vocab));
        reason_session_free(s);
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (int level = 0; level < N_LEVELS; level++)
        reason_model_free(models[level]);
    for (int kv = 0; kv < N_KV_TYPES; kv++)
        free(reference[kv]);
    return 0;
}

/* Bits, not values: a NaN or a negative zero is a difference too. */
static void assert_same(const float *got, const float *want, size_t n_rows,
                        const char *what) {
    for (size_t i = 0; i < n_rows * n_vocab; i++)
        if (memcmp(got + i, want + i, sizeof *got) != 0)
            fail_msg("%s: row %zu, logit %zu is %.9g, %.9g expected", what, i / n_vocab,
                     i % n_vocab, (double)got[i], (double)want[i]);
}

/* Runs tokens in calls of `step` and compares every row. */
static void check_run(reason_session *s, const int32_t *ids, size_t n, size_t step,
                      const float *want, const char *what) {
    float *rows = new_rows(n);
    for (size_t at = 0; at < n; at += step) {
        size_t k = n - at < step ? n - at : step;
        assert_ok(reason_session_logits(s, ids + at, k, rows + at * n_vocab));
    }
    assert_same(rows, want, n, what);
    free(rows);
}

/* ---- threads, chunks, levels ---- */

static void test_api_determinism__reference_is_no_constant(void **state) {
    (void)state;
    /* Rows differ from each other and F16 from F32: the comparisons below can fail. */
    assert_memory_not_equal(reference[0], reference[0] + n_vocab,
                            n_vocab * sizeof(float));
    assert_memory_not_equal(reference[0] + 140 * n_vocab, reference[1] + 140 * n_vocab,
                            n_vocab * sizeof(float));
}

static void test_api_determinism__threads_chunks_levels(void **state) {
    static const int32_t chunks[] = {1, 7, 64, N_TOKENS};
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++)
        for (int kv = 0; kv < N_KV_TYPES && models[level]; kv++)
            for (int32_t threads = kv < 2 ? 1 : 3; threads <= 3; threads++)
                for (size_t c = 0; c < COUNT(chunks); c += STRIDE(level, chunks)) {
                    char what[128];
                    (void)snprintf(what, sizeof what, "%s, KV %d, %d threads, chunks of %d",
                                   level_names[level], kv, (int)threads, (int)chunks[c]);
                    reason_session *s = new_session(models[level], threads, chunks[c],
                                                    (reason_kv_type)kv);
                    check_run(s, tokens, N_TOKENS, N_TOKENS, reference[kv], what);
                    reason_session_free(s);
                }
}

static void test_api_determinism__calls_of_any_size(void **state) {
    static const size_t steps[] = {1, 2, 63, 64, 65, 127, 128, 129};
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++)
        for (size_t i = 0; i < COUNT(steps) && models[level]; i += STRIDE(level, steps)) {
            reason_session *s = new_session(models[level], 2, 0, REASON_KV_F16);
            check_run(s, tokens, N_TOKENS, steps[i], reference[REASON_KV_F16], "calls");
            reason_session_free(s);
        }
}

/* Tokens appended without asking for logits leave the same state behind. */
static void test_api_determinism__logits_not_asked_for(void **state) {
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++)
        for (size_t silent = 1; silent < N_TOKENS && models[level]; silent += 73) {
            reason_session *s = new_session(models[level], 1, 0, REASON_KV_F16);
            assert_ok(reason_session_logits(s, tokens, silent, NULL));
            check_run(s, tokens + silent, N_TOKENS - silent, N_TOKENS,
                      reference[REASON_KV_F16] + silent * n_vocab, "after silent tokens");
            reason_session_free(s);
        }
}

/* ---- reuse of a timeline ---- */

/* The other way to go on from `at`: the same tokens backwards. */
static size_t branch(size_t at, int32_t *ids) {
    memcpy(ids, tokens, at * sizeof *ids);
    for (size_t i = at; i < N_TOKENS; i++)
        ids[i] = tokens[N_TOKENS - 1 - (i - at)];
    return N_TOKENS - at;
}

/* What a new session makes of those tokens: the last `n` rows. */
static float *branch_rows(reason_model *model, const int32_t *ids, size_t n) {
    float *all = new_rows(N_TOKENS), *last = new_rows(n);
    reason_session *s = new_session(model, 1, 0, REASON_KV_F16);
    assert_ok(reason_session_logits(s, ids, N_TOKENS, all));
    memcpy(last, all + (N_TOKENS - n) * n_vocab, n * n_vocab * sizeof *last);
    reason_session_free(s);
    free(all);
    return last;
}

static const size_t cuts[] = {1,        EDGE - 1,    EDGE, EDGE + 1, 2 * EDGE - 1,
                              2 * EDGE, N_TOKENS - 1};

static void test_api_determinism__truncate_and_go_on(void **state) {
    int32_t ids[N_TOKENS];
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++) {
        if (!models[level])
            continue;
        reason_session *s = new_session(models[level], 2, 0, REASON_KV_F16);
        for (size_t i = 0; i < COUNT(cuts); i += STRIDE(level, cuts)) {
            size_t n = branch(cuts[i], ids);
            float *want = branch_rows(models[level], ids, n);
            assert_ok(reason_session_truncate(s, 0));
            assert_ok(reason_session_logits(s, tokens, N_TOKENS, NULL));
            assert_ok(reason_session_truncate(s, cuts[i]));
            assert_int_equal(session_length(s), cuts[i]);
            check_run(s, ids + cuts[i], n, N_TOKENS, want, "after a cut");
            free(want);
        }
        assert_ok(reason_session_reset(s));
        check_run(s, tokens, N_TOKENS, N_TOKENS, reference[REASON_KV_F16],
                  "after a reset");
        reason_session_free(s);
    }
}

/* Both sides of a fork go their own way, in turns; a third comes from a fork of the fork,
 * and lives on when the others are gone. */
static void check_fork(reason_model *model, size_t at) {
    int32_t ids[N_TOKENS];
    size_t n = branch(at, ids);
    float *want = branch_rows(model, ids, n), row_a[1024], row_b[1024];
    const float *own = reference[REASON_KV_F16] + at * n_vocab;
    reason_session *s = new_session(model, 2, 0, REASON_KV_F16), *fork, *third;
    assert_true(n_vocab <= COUNT(row_a));
    assert_ok(reason_session_logits(s, tokens, at, NULL));
    assert_ok(reason_session_fork(s, &fork));
    assert_ok(reason_session_fork(fork, &third));
    assert_int_equal(session_length(fork), at);
    for (size_t i = 0; i < n; i++) {
        assert_ok(reason_session_logits(fork, ids + at + i, 1, row_a));
        assert_ok(reason_session_logits(s, tokens + at + i, 1, row_b));
        assert_same(row_a, want + i * n_vocab, 1, "fork");
        assert_same(row_b, own + i * n_vocab, 1, "forked");
    }
    reason_session_free(s);
    reason_session_free(fork);
    check_run(third, ids + at, n, N_TOKENS, want, "fork of a fork");
    reason_session_free(third);
    free(want);
}

static void test_api_determinism__fork(void **state) {
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++)
        for (size_t i = 0; i < COUNT(cuts) && models[level]; i += STRIDE(level, cuts))
            check_fork(models[level], cuts[i]);
}

/* What was decoded token by token, with its prompt kept from before, is what a new
 * session computes of the same tokens at once. */
static void check_reuse(reason_model *model, reason_session *s, const char *prompt,
                        const int32_t *made, size_t n_made) {
    int32_t *ids, all[600];
    size_t n_prompt;
    assert_ok(reason_tokenize(model, prompt, -1, REASON_TOKENS_SPECIAL, &ids, &n_prompt));
    /* The session holds prompt and output without its last token. */
    size_t n = n_prompt + n_made - 1;
    assert_int_equal(session_length(s), n);
    assert_true(n + N_TOKENS <= COUNT(all));
    memcpy(all, ids, n_prompt * sizeof *all);
    memcpy(all + n_prompt, made, (n_made - 1) * sizeof *all);
    memcpy(all + n, tokens, sizeof tokens);
    reason_free(ids);
    float *rows = new_rows(n + N_TOKENS), *next = new_rows(N_TOKENS);
    reason_session *fresh = new_session(model, 1, 0, REASON_KV_F16);
    assert_ok(reason_session_logits(s, tokens, N_TOKENS, next));
    assert_ok(reason_session_logits(fresh, all, n + N_TOKENS, rows));
    assert_same(next, rows + n * n_vocab, N_TOKENS, "after decoding");
    reason_session_free(fresh);
    free(rows);
    free(next);
}

static void test_api_determinism__decode_then_reuse(void **state) {
    (void)state;
    for (int level = first_level; level < N_LEVELS; level++) {
        if (!models[level])
            continue;
        reason_result *first, *again;
        int32_t made[96];
        reason_usage usage = {.size = sizeof usage};
        asking a;
        ask_init(&a, "What is 67 * 75?", 96);
        reason_session *s = new_session(models[level], 2, 0, REASON_KV_F16);
        assert_ok(reason_generate(s, &a.request, &first));
        assert_ok(reason_generate(s, &a.request, &again));
        assert_ok(reason_result_usage(again, &usage));
        assert_int_equal(usage.cached_tokens, usage.prompt_tokens - 1);
        assert_string_equal(reason_result_thinking(first, NULL),
                            reason_result_thinking(again, NULL));
        assert_string_equal(reason_result_answer(first, NULL),
                            reason_result_answer(again, NULL));
        size_t n = result_ids(first, made, COUNT(made));
        assert_true(n > 32);
        reason_result_free(first);
        reason_result_free(again);
        check_reuse(models[level], s, a.text, made, n);
        reason_session_free(s);
    }
}

/* ---- other weights ---- */

/* One model of other weights on every level, with threads and chunks that differ. */
static void check_file(const char *path) {
    reason_model_options o;
    float *want = NULL;
    int32_t ids[N_TOKENS];
    assert_ok(reason_model_options_init(&o, sizeof o));
    size_t shipped_vocab = n_vocab;
    for (int level = first_level; level < N_LEVELS; level++) {
        reason_model *model;
        if (!models[level])
            continue;
        o.cpu = (reason_cpu)level;
        assert_ok(reason_model_open(path, &o, &model));
        n_vocab = (size_t)model_int(model, "n_vocab");
        for (size_t i = 0; i < N_TOKENS; i++)
            ids[i] = (int32_t)((i * i * 37 + i * 11 + 3) % n_vocab);
        static const int32_t chunks[] = {64, 1, 33};
        for (int32_t k = 0; k < 3; k += (int32_t)STRIDE(level, chunks)) {
            float *rows = new_rows(N_TOKENS);
            reason_session *s = new_session(model, k + 1, chunks[k], REASON_KV_F16);
            assert_ok(reason_session_logits(s, ids, N_TOKENS, rows));
            if (want)
                assert_same(rows, want, N_TOKENS, path);
            reason_session_free(s);
            if (want)
                free(rows);
            else
                want = rows;
        }
        reason_model_free(model);
    }
    n_vocab = shipped_vocab;
    free(want);
}

static void test_api_determinism__golden_models(void **state) {
    static const char *const names[] = {
        "tiny-llama-1.f16",    "tiny-llama-1.Q8_0",   "tiny-llama-1.Q4_0",
        "tiny-llama-1.Q4_1",   "tiny-llama-1.Q5_0",   "tiny-llama-1.Q5_1",
        "tiny-llama-1.Q2_K",   "tiny-llama-1.Q3_K_S", "tiny-llama-1.Q4_K_S",
        "tiny-llama-1.Q5_K_S", "tiny-llama-1.Q6_K",   "tiny-llama-1.IQ4_NL",
        "tiny-llama-1.IQ4_XS", "tiny-bitnet-1.f16",   "tiny-bitnet-1.I2_S",
        "tiny-bitnet-1.TQ1_0", "tiny-bitnet-1.TQ2_0", "tiny-qwen2-1.f16",
        "tiny-qwen3-1.f16"};
    const char *folder = getenv("REASON_GOLDEN");
    (void)state;
    if (!folder)
        skip();
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/models/%s.gguf", folder, names[i]);
        check_file(path);
    }
}

/* ---- texts ---- */

enum { MAX_OUTPUT = 64, MAX_QUESTIONS = 1000 };

typedef struct answer {
    size_t n;
    int32_t ids[MAX_OUTPUT];
    float logprobs[MAX_OUTPUT];
} answer;

/* Simple sums, a few digits more each time round. */
static void write_question(size_t i, char *out, size_t cap) {
    static const unsigned modulus[] = {10, 100, 1000, 10000};
    uint64_t x = (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15) +
                 UINT64_C(0x632BE59BD9B4E019);
    x ^= x >> 29;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    unsigned a = (unsigned)(x >> 8 & 0xFFFFFF) % modulus[i % 4];
    unsigned b = (unsigned)(x >> 36 & 0xFFFFFF) % modulus[(i / 4) % 4];
    (void)snprintf(out, cap, "What is %u %c %u?", a + 1, i % 5 == 4 ? '*' : '+', b + 1);
}

static void ask(reason_session *s, size_t i, float temperature, answer *out) {
    char question[64];
    reason_result *result;
    asking a;
    write_question(i, question, sizeof question);
    ask_init(&a, question, MAX_OUTPUT);
    a.sampling.temperature = temperature;
    a.sampling.seed = i;
    assert_ok(reason_generate(s, &a.request, &result));
    out->n = result_ids(result, out->ids, MAX_OUTPUT);
    assert_true(out->n > 0);
    for (size_t k = 0; k < out->n; k++) {
        reason_token token = {.size = sizeof token};
        assert_ok(reason_result_token(result, k, &token));
        out->logprobs[k] = token.logprob;
    }
    reason_result_free(result);
}

static size_t count_equal(const answer *a, const answer *b, size_t n) {
    size_t equal = 0;
    for (size_t i = 0; i < n; i++)
        equal += a[i].n == b[i].n &&
                 memcmp(a[i].ids, b[i].ids, a[i].n * sizeof *a[i].ids) == 0 &&
                 memcmp(a[i].logprobs, b[i].logprobs, a[i].n * sizeof *a[i].logprobs) ==
                     0;
    return equal;
}

static void compare_texts(size_t n, float temperature) {
    static answer want[MAX_QUESTIONS], got[MAX_QUESTIONS];
    static const int32_t plans[] = {1, 2};
    size_t n_tokens = 0;
    for (int level = first_level; level < N_LEVELS; level++)
        for (size_t k = 0; k < COUNT(plans) && models[level]; k += STRIDE(level, plans)) {
            const int32_t threads = plans[k];
            bool is_first = level == first_level && k == 0;
            reason_session *s = new_session(models[level], threads, 0, REASON_KV_F16);
            for (size_t i = 0; i < n; i++) {
                ask(s, i, temperature, is_first ? &want[i] : &got[i]);
                n_tokens += is_first ? want[i].n : 0;
            }
            reason_session_free(s);
            if (is_first)
                continue;
            size_t equal = count_equal(want, got, n);
            print_message(
                "temperature %.1f, %s, %d threads: %zu of %zu texts equal (%.1f%%)\n",
                (double)temperature, level_names[level], (int)threads, equal, n,
                100.0 * (double)equal / (double)n);
            assert_int_equal(equal, n);
        }
    print_message("%zu questions, %zu tokens of output\n", n, n_tokens);
}

static void test_api_determinism__texts(void **state) {
    const char *given = getenv("REASON_N");
    long n = given ? strtol(given, NULL, 10) : SANITIZED ? 6 : 60;
    (void)state;
    if (n < 1 || n > MAX_QUESTIONS)
        fail_msg("REASON_N is %s, 1 to %d expected", given, MAX_QUESTIONS);
    compare_texts((size_t)n, 0);
    compare_texts((size_t)n < 12 ? (size_t)n : 12, 0.8f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_determinism__reference_is_no_constant),
        cmocka_unit_test(test_api_determinism__threads_chunks_levels),
        cmocka_unit_test(test_api_determinism__calls_of_any_size),
        cmocka_unit_test(test_api_determinism__logits_not_asked_for),
        cmocka_unit_test(test_api_determinism__truncate_and_go_on),
        cmocka_unit_test(test_api_determinism__fork),
        cmocka_unit_test(test_api_determinism__decode_then_reuse),
        cmocka_unit_test(test_api_determinism__golden_models),
        cmocka_unit_test(test_api_determinism__texts),
    };
    return cmocka_run_group_tests_name("api_determinism", tests, set_up, tear_down);
}
