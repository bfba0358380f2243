/* Batches on the shipped model, with threads: each result bit for bit that of the request
 * alone, on every instruction set; samples, callbacks, and calls from a callback. */
#include "api/support.h"

enum { N = 24, MOST_TOKENS = 120 };

typedef struct asks {
    asking a[N];
    const reason_request *list[N];
    reason_result *results[N];
} asks;

static asks all;

/* Sums in every mode, greedy and drawn. */
static void make_requests(void) {
    for (size_t i = 0; i < N; i++) {
        char question[64];
        asking *a = &all.a[i];
        snprintf(question, sizeof question, "What is %zu + %zu?", 12 + i * 3 % 40, 30 + i);
        ask_init(a, question, MOST_TOKENS);
        a->thinking.mode = (reason_think_mode)(i % 3);
        a->thinking.budget = i % 4 == 3 ? 10 : -1;
        a->sampling.temperature = i % 2 == 0 ? 0 : 0.9f;
        a->sampling.seed = i;
        all.list[i] = &a->request;
        all.results[i] = NULL;
    }
}

static void free_results(void) {
    for (size_t i = 0; i < N; i++) {
        reason_result_free(all.results[i]);
        all.results[i] = NULL;
    }
}

static void expect_same(const reason_result *found, const reason_result *wanted) {
    size_t n = reason_result_n_tokens(wanted);
    double p = reason_result_p_think(found), q = reason_result_p_think(wanted);
    assert_int_equal(reason_result_n_tokens(found), n);
    for (size_t i = 0; i < n; i++) {
        reason_token a = {.size = sizeof a}, b = {.size = sizeof b};
        assert_ok(reason_result_token(found, i, &a));
        assert_ok(reason_result_token(wanted, i, &b));
        assert_int_equal(a.id, b.id);
        assert_memory_equal(&a.logprob, &b.logprob, sizeof a.logprob);
    }
    assert_string_equal(reason_result_answer(found, NULL),
                        reason_result_answer(wanted, NULL));
    assert_memory_equal(&p, &q, sizeof p);
}

static reason_session *new_session(reason_model *model, int32_t n_threads,
                                   int32_t n_parallel, uint64_t memory_limit) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = n_threads;
    o.n_parallel = n_parallel;
    o.memory_limit = memory_limit;
    assert_ok(reason_session_new(model, &o, &session));
    return session;
}

/* --- equality -------------------------------------------------------------------------- */

static void test_api_batch__results_are_those_alone(void **state) {
    (void)state;
    reason_model *plain = open_model(REASON_CPU_GENERIC);
    reason_session *alone = open_session(plain, 1);
    reason_result *wanted[N];
    uint64_t position = (uint64_t)model_int(plain, "kv_bytes_per_token");
    make_requests();
    for (size_t i = 0; i < N; i++)
        assert_ok(reason_generate(alone, all.list[i], &wanted[i]));
    for (int level = REASON_CPU_GENERIC; level < N_LEVELS; level++) {
        if (!has_level((reason_cpu)level))
            continue;
        reason_model *model = open_model((reason_cpu)level);
        /* Alone, all at once, and where a third of them has to wait for memory. */
        for (int kind = 0; kind < 3; kind++) {
            reason_session *session =
                new_session(model, 1 + kind, kind == 0 ? 1 : N,
                            kind == 2 ? position * 64 * 40 : 0);
            assert_ok(reason_generate_batch(session, all.list, N, all.results));
            for (size_t i = 0; i < N; i++)
                expect_same(all.results[i], wanted[i]);
            free_results();
            reason_session_free(session);
        }
        reason_model_free(model);
    }
    for (size_t i = 0; i < N; i++)
        reason_result_free(wanted[i]);
    reason_session_free(alone);
    reason_model_free(plain);
}

/* --- many of all kinds ----------------------------------------------------------------- */

enum { MANY = 1000, MANY_SLOW = 60 };

/* What a result says, as a number. */
static uint64_t digest_of(const reason_result *result) {
    size_t n_bytes, n = reason_result_n_tokens(result);
    uint64_t sum = add_bytes(0, &n, sizeof n);
    for (size_t i = 0; i < n; i++) {
        reason_token t = {.size = sizeof t};
        assert_ok(reason_result_token(result, i, &t));
        sum = add_bytes(sum, (int32_t[]){t.id, (int32_t)t.label, (int32_t)t.origin},
                        3 * sizeof(int32_t));
        sum = add_bytes(sum, (float[]){t.logprob, t.sampled_logprob}, 2 * sizeof(float));
    }
    const char *text = reason_result_thinking(result, &n_bytes);
    sum = add_bytes(sum, text, n_bytes);
    text = reason_result_answer(result, &n_bytes);
    sum = add_bytes(sum, text, n_bytes);
    reason_finish ends[] = {reason_result_finish(result),
                            reason_result_answer_end(result)};
    return add_bytes(sum, ends, sizeof ends);
}

static uint64_t dice = 1;

static size_t below(size_t n) {
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(dice >> 33) % n;
}

/* Lengths, samplers, modes, budgets and policies by chance. */
static void make_one(asking *a) {
    char question[96];
    size_t n = (size_t)snprintf(question, sizeof question, "What is %zu %c %zu", below(2000),
                                "+-*"[below(3)], below(100));
    for (size_t i = below(4); i > 0 && n + 8 < sizeof question; i--)
        n += (size_t)snprintf(question + n, sizeof question - n, " + %zu", below(50));
    ask_init(a, question, (int32_t)(4 + below(76)));
    a->thinking.mode = (reason_think_mode)below(3);
    a->thinking.budget = (int32_t)below(50) - 1;
    a->thinking.min_answer = 0;
    a->thinking.min_tokens = below(4) == 0 ? (int32_t)below(30) : 0;
    a->thinking.exit_agreement = below(4) == 0 ? 2 : 0;
    a->thinking.exit_confidence = below(4) == 0 ? 0.9f : 0;
    a->thinking.loop_guard = below(4) == 0 ? 3 : 0;
    a->thinking.chunk = below(4) == 0 ? (int32_t)(8 + below(20)) : 0;
    a->sampling.temperature = below(3) == 0 ? 0 : (float)(1 + below(12)) / 10;
    a->sampling.top_k = below(2) == 0 ? 0 : (int32_t)(1 + below(40));
    a->sampling.top_p = below(2) == 0 ? 1 : 0.9f;
    a->sampling.repeat_penalty = below(4) == 0 ? 1.2f : 1;
    a->sampling.seed = below(1000);
}

static void run_piece(reason_model *model, asking *const *many_asks, const uint64_t *wanted,
                      size_t n, int32_t n_threads) {
    const reason_request *list[64];
    reason_result *results[64];
    uint64_t position = (uint64_t)model_int(model, "kv_bytes_per_token");
    reason_session_options o;
    reason_session *session;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = n_threads;
    o.n_parallel = (int32_t)(1 + below(64));
    o.memory_limit = below(2) == 0 ? 0 : position * 64 * (12 + below(40));
    o.n_guess = below(2) == 0 ? 0 : (int32_t)(1 + below(8));
    o.draft = o.n_guess == 0 || below(2) == 0 ? NULL : model;
    assert_ok(reason_session_new(model, &o, &session));
    for (size_t i = 0; i < n; i++)
        list[i] = &many_asks[i]->request;
    assert_ok(reason_generate_batch(session, list, n, results));
    for (size_t i = 0; i < n; i++) {
        assert_true(digest_of(results[i]) == wanted[i]);
        reason_result_free(results[i]);
    }
    reason_session_free(session);
}

static void test_api_batch__a_thousand_of_all_kinds(void **state) {
    (void)state;
    size_t many = getenv("REASON_SLOW") ? MANY_SLOW : MANY;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *alone = open_session(model, 1);
    asking *many_asks = calloc(many, sizeof *many_asks), **order = calloc(many, sizeof(asking *));
    uint64_t *wanted = calloc(many, sizeof *wanted);
    assert_true(many_asks && order && wanted);
    for (size_t i = 0; i < many; i++) {
        reason_result *result;
        make_one(&many_asks[i]);
        order[i] = &many_asks[i];
        assert_ok(reason_generate(alone, &many_asks[i].request, &result));
        wanted[i] = digest_of(result);
        reason_result_free(result);
    }
    for (int32_t n_threads = 1; n_threads <= 3; n_threads++) {
        for (size_t i = many - 1; i > 0; i--) { /* in another order */
            size_t k = below(i + 1);
            asking *a = order[i];
            uint64_t w = wanted[i];
            order[i] = order[k];
            wanted[i] = wanted[k];
            order[k] = a;
            wanted[k] = w;
        }
        for (size_t at = 0, n; at < many; at += n) {
            n = 1 + below(64);
            n = n < many - at ? n : many - at;
            run_piece(model, order + at, wanted + at, n, n_threads);
        }
    }
    free(many_asks);
    free(order);
    free(wanted);
    reason_session_free(alone);
    reason_model_free(model);
}

/* --- callbacks ------------------------------------------------------------------------- */

typedef struct listener {
    reason_session *session;
    char text[2048];
    size_t n;
    bool busy;
} listener;

static int listen_to(void *user, const reason_piece *piece) {
    listener *l = user;
    reason_result *none;
    if (piece->label != REASON_LABEL_ANSWER)
        return 0;
    assert_true(l->n + piece->n_bytes < sizeof l->text);
    memcpy(l->text + l->n, piece->text, piece->n_bytes + 1);
    l->n += piece->n_bytes;
    l->busy = reason_generate_batch(l->session, all.list, 1, &none) == REASON_ERR_BUSY;
    return 0;
}

static int refuse(void *user, const reason_piece *piece) {
    (void)user;
    (void)piece;
    return 1;
}

static void test_api_batch__everyone_hears_his_own(void **state) {
    (void)state;
    static listener listeners[N];
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 2, 9, 0);
    make_requests();
    for (size_t i = 0; i < N; i++) {
        listeners[i] = (listener){.session = session};
        all.a[i].request.stream = i == 5 ? refuse : listen_to;
        all.a[i].request.stream_user = &listeners[i];
    }
    assert_ok(reason_generate_batch(session, all.list, N, all.results));
    for (size_t i = 0; i < N; i++) {
        bool refused = i == 5;
        assert_int_equal(reason_result_finish(all.results[i]) == REASON_FINISH_CANCELLED,
                         refused);
        if (refused)
            continue;
        assert_string_equal(listeners[i].text,
                            reason_result_answer(all.results[i], NULL));
        assert_true(listeners[i].busy || listeners[i].n == 0);
    }
    free_results();
    reason_session_free(session);
    reason_model_free(model);
}

/* --- samples and prefixes -------------------------------------------------------------- */

static void test_api_batch__samples_share_their_prompt(void **state) {
    (void)state;
    enum { SAMPLES = 20 };
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 2, 0, 0);
    reason_result *result;
    reason_usage first = {.size = sizeof first}, u = {.size = sizeof u};
    uint64_t kv_bytes;
    asking a;
    ask_init(&a, "What is 58 + 67?", 100);
    a.sampling.temperature = 0.8f;
    a.request.n_samples = SAMPLES;
    assert_ok(reason_generate(session, &a.request, &result));
    assert_int_equal(reason_result_n_samples(result), SAMPLES);
    assert_ok(reason_result_usage(result, &first));
    assert_int_equal(first.cached_tokens, 0);
    for (size_t i = 1; i < SAMPLES; i++) {
        assert_ok(reason_result_usage(reason_result_sample(result, i), &u));
        assert_int_equal(u.cached_tokens, first.prompt_tokens - 1);
        assert_int_equal(u.prompt_tokens, first.prompt_tokens);
    }
    assert_ok(reason_session_kv_bytes(session, &kv_bytes));
    assert_true(kv_bytes > 0);
    assert_ok(reason_session_reset(session));
    assert_ok(reason_session_kv_bytes(session, &kv_bytes));
    assert_int_equal(kv_bytes, 0);
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_batch__results_are_those_alone),
        cmocka_unit_test(test_api_batch__a_thousand_of_all_kinds),
        cmocka_unit_test(test_api_batch__everyone_hears_his_own),
        cmocka_unit_test(test_api_batch__samples_share_their_prompt),
    };
    return cmocka_run_group_tests_name("api_batch", tests, NULL, NULL);
}
