/* Guessing ahead on the shipped model, with threads: each result bit for bit that of decoding
 * a token at a time, on every instruction set, alone and in batches. */
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

static reason_session *new_session(reason_model *model, int32_t n_threads, int32_t lookup,
                                   reason_model *draft, uint64_t memory_limit) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_threads = n_threads;
    o.n_guess = lookup || draft ? 6 : 0;
    o.lookup = lookup;
    o.draft = draft;
    o.memory_limit = memory_limit;
    assert_ok(reason_session_new(model, &o, &session));
    return session;
}

static uint64_t n_accepted(const reason_result *result) {
    reason_usage u = {.size = sizeof u};
    assert_ok(reason_result_usage(result, &u));
    assert_true(u.accepted_tokens <= u.guessed_tokens);
    return u.accepted_tokens;
}

static void compare(reason_session *session, reason_result *const *wanted,
                    uint64_t *accepted) {
    for (int batch = 0; batch < 2; batch++) {
        if (batch)
            assert_ok(reason_generate_batch(session, all.list, N, all.results));
        for (size_t i = 0; i < N; i++) {
            if (!batch)
                assert_ok(reason_generate(session, all.list[i], &all.results[i]));
            expect_same(all.results[i], wanted[i]);
            *accepted += n_accepted(all.results[i]);
        }
        free_results();
    }
}

static void test_api_guess__results_are_those_without(void **state) {
    (void)state;
    reason_model *plain = open_model(REASON_CPU_GENERIC);
    reason_session *alone = new_session(plain, 1, 0, NULL, 0);
    reason_result *wanted[N];
    uint64_t position = (uint64_t)model_int(plain, "kv_bytes_per_token");
    make_requests();
    for (size_t i = 0; i < N; i++)
        assert_ok(reason_generate(alone, all.list[i], &wanted[i]));
    for (int level = REASON_CPU_GENERIC; level < N_LEVELS; level++) {
        uint64_t accepted[3] = {0};
        if (!has_level((reason_cpu)level))
            continue;
        reason_model *model = open_model((reason_cpu)level);
        for (int kind = 0; kind < 3; kind++) {
            reason_session *session =
                new_session(model, 1 + kind, kind != 1, kind > 0 ? model : NULL,
                            kind == 2 ? position * 64 * 20 : 0);
            compare(session, wanted, &accepted[kind]);
            reason_session_free(session);
        }
        assert_true(accepted[0] > 5 && accepted[1] > 300 && accepted[2] > 150);
        reason_model_free(model);
    }
    for (size_t i = 0; i < N; i++)
        reason_result_free(wanted[i]);
    reason_session_free(alone);
    reason_model_free(plain);
}

/* The session holds the draft as long as it needs it; a second turn finds what is common. */
static void test_api_guess__a_draft_outlives_its_handle(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO), *draft = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 0, draft, 0), *fork;
    reason_result *first, *second;
    uint64_t kv_bytes;
    asking a;
    reason_model_free(draft);
    ask_init(&a, "What is 58 + 67?", 100);
    assert_ok(reason_generate(session, &a.request, &first));
    assert_ok(reason_session_fork(session, &fork));
    reason_session_free(session);
    assert_ok(reason_generate(fork, &a.request, &second));
    expect_same(second, first);
    assert_true(n_accepted(first) > 4 && n_accepted(second) > 4);
    assert_ok(reason_session_reset(fork));
    assert_ok(reason_session_kv_bytes(fork, &kv_bytes));
    reason_result_free(first);
    reason_result_free(second);
    reason_session_free(fork);
    reason_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_guess__results_are_those_without),
        cmocka_unit_test(test_api_guess__a_draft_outlives_its_handle),
    };
    return cmocka_run_group_tests_name("api_guess", tests, NULL, NULL);
}
