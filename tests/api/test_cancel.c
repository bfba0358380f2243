/* Stopping calls: by a token, by the session, by a callback, from other threads and from
 * a signal handler. A generation that was stopped is a result; a call that was stopped
 * before its first token is CANCELLED, and either way the session is good for the next
 * call. */
#include "api/threads.h"

#include <signal.h>

static reason_model *model;

static int set_up(void **state) {
    (void)state;
    model = open_model(REASON_CPU_AUTO);
    fill_expected(model);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    reason_model_free(model);
    return 0;
}

/* The session does what it always did. */
static void assert_works(reason_session *session) {
    job j = {.question = 3};
    j.status = ask_once(session, j.question, &j);
    assert_true(is_expected(&j));
}

static void assert_stopped(const reason_result *result, size_t least, size_t most) {
    size_t n = reason_result_n_tokens(result);
    assert_string_equal(reason_finish_name(reason_result_finish(result)), "cancelled");
    assert_string_equal(reason_finish_name(reason_result_answer_end(result)),
                        "cancelled");
    if (n < least || n > most)
        fail_msg("%zu tokens, %zu to %zu expected", n, least, most);
}

static void assert_unstopped(const reason_result *result) {
    assert_true(reason_result_n_tokens(result) > 8);
    assert_string_not_equal(reason_finish_name(reason_result_finish(result)),
                            "cancelled");
}

/* The whole output is what the uninterrupted one began with. */
static void assert_prefix(const reason_result *part, const reason_result *whole) {
    int32_t a[96], b[96];
    size_t n = result_ids(part, a, COUNT(a));
    assert_true(n <= result_ids(whole, b, COUNT(b)));
    assert_memory_equal(a, b, n * sizeof *a);
    const char *text = reason_result_thinking(part, NULL);
    assert_memory_equal(text, reason_result_thinking(whole, NULL), strlen(text));
}

/* ---- tokens ---- */

static void test_api_cancel__token_flag(void **state) {
    reason_cancel_token *token;
    (void)state;
    assert_ok(reason_cancel_token_new(&token));
    assert_false(reason_cancel_token_is_set(token));
    reason_cancel_token_set(token);
    reason_cancel_token_set(token);
    assert_true(reason_cancel_token_is_set(token));
    reason_cancel_token_reset(token);
    assert_false(reason_cancel_token_is_set(token));
    reason_cancel_token_free(token);
}

static void test_api_cancel__token_set_before_the_call(void **state) {
    reason_session *session = open_session(model, 2);
    reason_cancel_token *token;
    reason_result *result;
    reason_model_options o;
    reason_model *second = model;
    asking a;
    (void)state;
    assert_ok(reason_cancel_token_new(&token));
    reason_cancel_token_set(token);
    ask_init(&a, "What is 67 * 75?", 48);
    a.request.cancel = token;
    for (int i = 0; i < 2; i++) { /* it stays set */
        assert_status(reason_generate(session, &a.request, &result),
                      REASON_ERR_CANCELLED);
        assert_null(result);
    }
    assert_ok(reason_model_options_init(&o, sizeof o));
    o.cancel = token;
    assert_status(reason_model_open(shipped_path(), &o, &second), REASON_ERR_CANCELLED);
    assert_null(second);
    reason_cancel_token_reset(token);
    assert_ok(reason_generate(session, &a.request, &result));
    assert_unstopped(result);
    reason_result_free(result);
    reason_session_free(session);
    reason_cancel_token_free(token);
}

/* ---- callbacks ---- */

typedef struct stopper {
    const char *stage;
    uint64_t at;
    reason_cancel_token *token; /* set at that point; NULL: */
    int signal;                 /* raised at that point; 0: */
    reason_session *session; /* cancelled at that point; NULL: the callback says stop */
    size_t n_later;          /* calls after that */
    bool reached;
} stopper;

static int stop_here(void *user, const char *stage, uint64_t done, uint64_t total) {
    stopper *s = user;
    s->n_later += s->reached;
    if (s->reached || done > total || strcmp(stage, s->stage) != 0 || done < s->at)
        return 0;
    s->reached = true;
    if (s->token)
        reason_cancel_token_set(s->token);
    else if (s->signal)
        (void)raise(s->signal);
    else if (s->session)
        reason_cancel(s->session);
    else
        return 1;
    return 0;
}

/* Stops at step 5 in the way that `s` says; at most one more token may come. */
static void check_stop(stopper *s, reason_cancel_token *token, reason_session *session) {
    reason_result *part, *whole;
    asking a;
    ask_init(&a, "What is 67 * 75?", 48);
    a.request.progress = stop_here;
    a.request.progress_user = s;
    a.request.cancel = token;
    s->stage = "generate";
    s->at = 5;
    assert_ok(reason_generate(session, &a.request, &part));
    assert_true(s->reached);
    assert_stopped(part, 5, 6);
    assert_int_equal(s->n_later, 0);
    if (token)
        reason_cancel_token_reset(token);
    a.request.progress = NULL;
    assert_ok(reason_generate(session, &a.request, &whole));
    assert_prefix(part, whole);
    assert_unstopped(whole);
    reason_result_free(part);
    reason_result_free(whole);
    assert_works(session);
}

static void test_api_cancel__in_the_middle(void **state) {
    reason_session *session = open_session(model, 2);
    reason_cancel_token *token;
    stopper by_callback = {0}, by_token = {0}, by_session = {.session = session};
    (void)state;
    assert_ok(reason_cancel_token_new(&token));
    by_token.token = token;
    check_stop(&by_callback, NULL, session);
    check_stop(&by_token, token, session);
    check_stop(&by_session, NULL, session);
    reason_cancel_token_free(token);
    reason_session_free(session);
}

static reason_cancel_token *signal_token;

static void on_signal(int number) {
    (void)number;
    reason_cancel_token_set(signal_token);
}

static void test_api_cancel__signal_handler(void **state) {
    reason_session *session = open_session(model, 2);
    struct sigaction action = {.sa_handler = on_signal}, before;
    stopper by_signal = {.signal = SIGUSR1};
    (void)state;
    assert_ok(reason_cancel_token_new(&signal_token));
    (void)sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    check_stop(&by_signal, signal_token, session);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    reason_cancel_token_free(signal_token);
    reason_session_free(session);
}

typedef struct stream_stop {
    size_t n_pieces, at;
    size_t n_bytes;
} stream_stop;

static int stop_stream(void *user, const reason_piece *piece) {
    stream_stop *s = user;
    s->n_bytes += piece->label == REASON_LABEL_THINK ? piece->n_bytes : 0;
    return ++s->n_pieces >= s->at;
}

static void test_api_cancel__stream_callback(void **state) {
    reason_session *session = open_session(model, 1);
    (void)state;
    for (size_t at = 1; at < 8; at++) {
        stream_stop s = {0, at, 0};
        reason_result *result;
        asking a;
        ask_init(&a, "What is 67 * 75?", 48);
        a.request.stream = stop_stream;
        a.request.stream_user = &s;
        assert_ok(reason_generate(session, &a.request, &result));
        assert_int_equal(s.n_pieces, at);
        assert_stopped(result, at, at + 1);
        size_t n;
        (void)reason_result_thinking(result, &n);
        assert_int_equal(n, s.n_bytes); /* what was made is what was handed out */
        reason_result_free(result);
    }
    assert_works(session);
    reason_session_free(session);
}

/* While the prompt is read there is no result yet, and whole chunks stay. */
static void test_api_cancel__prefill(void **state) {
    enum { CHUNK = 8 };
    reason_session *session;
    reason_session_options o;
    (void)state;
    assert_ok(reason_session_options_init(&o, sizeof o));
    o.n_chunk = CHUNK;
    o.n_threads = 2;
    assert_ok(reason_session_new(model, &o, &session));
    for (int way = 0; way < 2; way++) {
        stopper s = {
            .stage = "prefill", .at = 2 * CHUNK, .session = way ? session : NULL};
        reason_result *result;
        asking a;
        ask_init(&a, "What is 12 + 34? And what is 56 + 78? And what is 90 + 12?", 8);
        a.request.progress = stop_here;
        a.request.progress_user = &s;
        assert_ok(reason_session_reset(session));
        assert_status(reason_generate(session, &a.request, &result),
                      REASON_ERR_CANCELLED);
        assert_null(result);
        assert_true(s.reached);
        assert_int_equal(session_length(session), 2 * CHUNK);
        a.request.progress = NULL;
        assert_ok(reason_generate(session, &a.request, &result));
        reason_usage usage = {.size = sizeof usage};
        assert_ok(reason_result_usage(result, &usage));
        assert_int_equal(usage.cached_tokens, 2 * CHUNK);
        reason_result_free(result);
    }
    assert_works(session);
    reason_session_free(session);
}

static void test_api_cancel__load(void **state) {
    (void)state;
    for (uint64_t at = 0; at < 4; at++) {
        test_heap heap;
        stopper s = {.stage = "load", .at = at};
        reason_model *out = model;
        reason_model_options o;
        heap_use(&heap);
        assert_ok(reason_model_options_init(&o, sizeof o));
        o.progress = stop_here;
        o.progress_user = &s;
        assert_status(reason_model_open(shipped_path(), &o, &out), REASON_ERR_CANCELLED);
        assert_null(out);
        assert_true(s.reached);
        heap_end(&heap);
    }
}

/* ---- other threads ---- */

static void test_api_cancel__from_another_thread(void **state) {
    reason_session *session = open_session(model, 2);
    reason_cancel_token *token;
    (void)state;
    assert_ok(reason_cancel_token_new(&token));
    for (int way = 0; way < 2; way++) {
        long_call c;
        init_call(&c, session, "generate", 7);
        c.asking.request.cancel = token;
        begin_call(&c);
        if (way == 0)
            reason_cancel(session); /* never BUSY */
        else
            reason_cancel_token_set(token);
        end_call(&c);
        assert_int_equal(c.status, REASON_OK);
        assert_stopped(c.result, 7, 8);
        reason_result_free(c.result);
        reason_cancel_token_reset(token);
        assert_works(session);
    }
    reason_cancel_token_free(token);
    reason_session_free(session);
}

/* One token stops every call that was given it; those of others go on. */
static void test_api_cancel__one_token_many_calls(void **state) {
    long_call calls[4];
    reason_cancel_token *token;
    (void)state;
    assert_ok(reason_cancel_token_new(&token));
    for (size_t i = 0; i < COUNT(calls); i++) {
        init_call(&calls[i], open_session(model, 1), "generate", 2 + i);
        if (i % 2 == 0)
            calls[i].asking.request.cancel = token;
        begin_call(&calls[i]);
    }
    reason_cancel_token_set(token);
    for (size_t i = 0; i < COUNT(calls); i++) {
        end_call(&calls[i]);
        assert_int_equal(calls[i].status, REASON_OK);
        if (i % 2 == 0)
            assert_stopped(calls[i].result, 2 + i, 3 + i);
        else
            assert_unstopped(calls[i].result);
        reason_result_free(calls[i].result);
        reason_session_free(calls[i].session);
    }
    reason_cancel_token_free(token);
}

/* Without a call in it, cancelling a session does nothing to the next call. */
static void test_api_cancel__idle_session(void **state) {
    reason_session *session = open_session(model, 1);
    (void)state;
    reason_cancel(session);
    assert_works(session);
    reason_cancel(session);
    const int32_t id = 5;
    assert_ok(reason_session_logits(session, &id, 1, NULL));
    reason_session_free(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_cancel__token_flag),
        cmocka_unit_test(test_api_cancel__token_set_before_the_call),
        cmocka_unit_test(test_api_cancel__in_the_middle),
        cmocka_unit_test(test_api_cancel__signal_handler),
        cmocka_unit_test(test_api_cancel__stream_callback),
        cmocka_unit_test(test_api_cancel__prefill),
        cmocka_unit_test(test_api_cancel__load),
        cmocka_unit_test(test_api_cancel__from_another_thread),
        cmocka_unit_test(test_api_cancel__one_token_many_calls),
        cmocka_unit_test(test_api_cancel__idle_session),
    };
    return cmocka_run_group_tests_name("api_cancel", tests, set_up, tear_down);
}
