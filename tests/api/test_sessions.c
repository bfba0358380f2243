/* One token to each of several sessions: the logits of each alone, and what is refused. */
#include "api/support.h"

enum { N = 5, STEPS = 70, MAX_START = 61 };

typedef struct fixture {
    reason_model *model;
    reason_pool *pool;
    size_t n_vocab;
    reason_session *sessions[N];
    float *together, *wanted;
} fixture;

static fixture f;

static reason_session *open_in_pool(reason_kv_type type, int32_t n_chunk) {
    reason_session *session;
    reason_session_options o;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.pool = f.pool;
    o.n_ctx = 200;
    o.n_chunk = n_chunk;
    o.kv_type = type;
    assert_ok(reason_session_new(f.model, &o, &session));
    return session;
}

static int32_t token_of(size_t session, size_t position) {
    return (int32_t)((session * 31 + position * 7 + position * position) % 200);
}

/* Session i holds as many tokens as its start says. */
static size_t start_of(size_t i) {
    return i * 13 % MAX_START;
}

static int set_up(void **state) {
    (void)state;
    int64_t n_vocab;
    f.model = open_model(REASON_CPU_AUTO);
    assert_ok(reason_model_get_int(f.model, "n_vocab", &n_vocab));
    f.n_vocab = (size_t)n_vocab;
    assert_ok(reason_pool_new(2, &f.pool));
    f.together = calloc(2 * N * f.n_vocab, sizeof *f.together);
    assert_non_null(f.together);
    f.wanted = f.together + N * f.n_vocab;
    /* Of two at a time, so that five take three passes. */
    for (size_t i = 0; i < N; i++)
        f.sessions[i] = open_in_pool((reason_kv_type)(i % 3), i == 0 ? 2 : 64);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++)
        reason_session_free(f.sessions[i]);
    free(f.together);
    reason_pool_free(f.pool);
    reason_model_free(f.model);
    return 0;
}

static void fill(reason_session *session, size_t i, size_t n) {
    for (size_t at = session_length(session); at < n; at++) {
        int32_t token = token_of(i, at);
        assert_ok(reason_session_logits(session, &token, 1, NULL));
    }
}

static void start_all(void) {
    for (size_t i = 0; i < N; i++) {
        assert_ok(reason_session_reset(f.sessions[i]));
        fill(f.sessions[i], i, start_of(i));
    }
}

static reason_status step_all(int32_t *tokens, float *logits) {
    for (size_t i = 0; i < N; i++)
        tokens[i] = token_of(i, session_length(f.sessions[i]));
    return reason_sessions_logits(f.sessions, tokens, N, logits);
}

static void test_api_sessions__logits_are_those_alone(void **state) {
    (void)state;
    int32_t tokens[N];
    start_all();
    for (size_t s = 0; s < STEPS; s++)
        assert_ok(step_all(tokens, s % 9 == 0 ? f.together : NULL));
    assert_ok(step_all(tokens, f.together));
    for (size_t i = 0; i < N; i++) {
        size_t n = start_of(i) + STEPS;
        reason_session *alone = open_in_pool((reason_kv_type)(i % 3), 64);
        fill(alone, i, n);
        assert_ok(reason_session_logits(alone, &tokens[i], 1, f.wanted));
        assert_int_equal(session_length(f.sessions[i]), n + 1);
        assert_memory_equal(f.together + i * f.n_vocab, f.wanted,
                            f.n_vocab * sizeof *f.wanted);
        reason_session_free(alone);
    }
}

static void assert_unchanged(void) {
    for (size_t i = 0; i < N; i++)
        assert_int_equal(session_length(f.sessions[i]), start_of(i));
}

static void test_api_sessions__what_is_refused(void **state) {
    (void)state;
    int32_t tokens[N] = {1, 2, 3, 4, 5};
    reason_session *others[2] = {f.sessions[0], NULL};
    start_all();
    assert_status(reason_sessions_logits(NULL, tokens, 1, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_sessions_logits(f.sessions, NULL, 1, NULL),
                  REASON_ERR_INVALID_ARG);
    assert_status(reason_sessions_logits(f.sessions, tokens, 0, NULL),
                  REASON_ERR_INVALID_ARG);
    assert_status(reason_sessions_logits(others, tokens, 2, NULL),
                  REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "session 1 is NULL"));
    others[1] = f.sessions[0];
    assert_status(reason_sessions_logits(others, tokens, 2, NULL), REASON_ERR_BUSY);
    others[1] = open_session(f.model, 1);
    assert_status(reason_sessions_logits(others, tokens, 2, NULL),
                  REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "another model or pool"));
    reason_session_free(others[1]);
    tokens[4] = -1;
    assert_status(reason_sessions_logits(f.sessions, tokens, N, NULL),
                  REASON_ERR_INVALID_ARG);
    tokens[4] = (int32_t)f.n_vocab;
    assert_status(reason_sessions_logits(f.sessions, tokens, N, NULL),
                  REASON_ERR_INVALID_ARG);
    assert_unchanged();
    assert_ok(step_all(tokens, NULL)); /* all were given back */
}

static void test_api_sessions__a_full_one_stops_all(void **state) {
    (void)state;
    int32_t tokens[N];
    start_all();
    fill(f.sessions[3], 3, 200);
    assert_status(step_all(tokens, NULL), REASON_ERR_CONTEXT_FULL);
    assert_int_equal(session_length(f.sessions[0]), start_of(0));
    assert_int_equal(session_length(f.sessions[4]), start_of(4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_sessions__logits_are_those_alone),
        cmocka_unit_test(test_api_sessions__what_is_refused),
        cmocka_unit_test(test_api_sessions__a_full_one_stops_all),
    };
    return cmocka_run_group_tests_name("api/sessions", tests, set_up, tear_down);
}
