/* Requests that are submitted and polled: each result bit for bit that of the request
 * alone, whichever threads submit while one polls; ends, errors, waits and memory.
 * Nothing depends on timing: who has to come in the middle of something comes from a
 * callback. */
#include "api/threads.h"

#include <time.h>

enum { N = 24, N_THREADS = 4, MOST_TOKENS = 60 };

/* --- requests ----------------------------------------------------------------------- */

/* Request i of a row that differs in everything. */
static void make_request(asking *a, size_t i) {
    char question[64];
    snprintf(question, sizeof question, "What is %zu + %zu?", 12 + i * 3 % 40, 30 + i);
    ask_init(a, question, MOST_TOKENS);
    a->thinking.mode = (reason_think_mode)(i % 3);
    a->thinking.budget = i % 4 == 3 ? 10 : -1;
    a->sampling.temperature = i % 2 == 0 ? 0 : 0.9f;
    a->sampling.seed = i;
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

static void expect_same(const reason_result *found, const reason_result *wanted) {
    size_t n = reason_result_n_tokens(wanted);
    assert_int_equal(reason_result_n_tokens(found), n);
    for (size_t i = 0; i < n; i++) {
        reason_token a = {.size = sizeof a}, b = {.size = sizeof b};
        assert_ok(reason_result_token(found, i, &a));
        assert_ok(reason_result_token(wanted, i, &b));
        assert_int_equal(a.id, b.id);
        assert_int_equal(a.label, b.label);
        assert_memory_equal(&a.logprob, &b.logprob, sizeof a.logprob);
    }
    assert_string_equal(reason_result_answer(found, NULL),
                        reason_result_answer(wanted, NULL));
    assert_int_equal(reason_result_finish(found), reason_result_finish(wanted));
}

static size_t count_pending(reason_session *session) {
    size_t n;
    assert_ok(reason_pending(session, &n));
    return n;
}

/* The next result, which is that of `ticket` unless it is 0; to be freed. */
static reason_result *poll_for(reason_session *session, uint64_t ticket) {
    uint64_t found;
    reason_result *result;
    assert_ok(reason_poll(session, -1, &found, &result));
    assert_non_null(result);
    if (ticket)
        assert_int_equal(found, ticket);
    return result;
}

static uint64_t submit(reason_session *session, const asking *a) {
    uint64_t ticket;
    assert_ok(reason_submit(session, &a->request, &ticket));
    assert_true(ticket > 0);
    return ticket;
}

/* --- equality ----------------------------------------------------------------------- */

typedef struct sender {
    pthread_t thread;
    reason_session *session;
    size_t first;
    uint64_t tickets[N];
    reason_status status;
} sender;

/* What was submitted is overwritten at once: nothing of it is looked at later. */
static void *send_share(void *arg) {
    sender *s = arg;
    for (size_t i = s->first; i < N && s->status == REASON_OK; i += N_THREADS) {
        static const char *const texts[] = {"never seen", "nor this"};
        asking *a = malloc(sizeof *a);
        char *stop = malloc(16);
        const char **stops = malloc(2 * sizeof *stops);
        int32_t *ids = malloc(sizeof *ids);
        float *values = malloc(sizeof *values);
        if (!a || !stop || !stops || !ids || !values)
            abort();
        make_request(a, i);
        memcpy(stop, texts[0], strlen(texts[0]) + 1);
        stops[0] = stop;
        stops[1] = texts[1];
        a->request.stops = stops;
        a->request.n_stops = 2;
        *ids = 1;
        *values = -1;
        a->sampling.bias_tokens = ids;
        a->sampling.bias_values = values;
        a->sampling.n_bias = 1;
        s->status = reason_submit(s->session, &a->request, &s->tickets[i]);
        memset(a, 0xEE, sizeof *a);
        memset(stop, 'e', 16);
        *ids = 5;
        *values = 1000;
        free(a);
        free(stop);
        free(stops);
        free(ids);
        free(values);
    }
    return NULL;
}

static void make_wanted(reason_model *model, reason_result **wanted) {
    reason_session *alone = open_session(model, 1);
    static const int32_t id = 1;
    static const float value = -1;
    for (size_t i = 0; i < N; i++) {
        asking a;
        make_request(&a, i);
        a.sampling.bias_tokens = &id;
        a.sampling.bias_values = &value;
        a.sampling.n_bias = 1;
        assert_ok(reason_generate(alone, &a.request, &wanted[i]));
    }
    reason_session_free(alone);
}

static void test_api_submit__results_are_those_alone(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_result *wanted[N];
    uint64_t position = (uint64_t)model_int(model, "kv_bytes_per_token");
    make_wanted(model, wanted);
    for (int kind = 0; kind < 3; kind++) { /* the last: too little memory for all */
        sender senders[N_THREADS];
        reason_result *found[N];
        uint64_t tickets[N];
        size_t n = 0;
        reason_session *session =
            new_session(model, kind == 1 ? 2 : 1, kind == 0 ? 3 : N,
                        kind == 2 ? position * 64 * 20 : 0);
        for (size_t i = 0; i < N_THREADS; i++) {
            senders[i] = (sender){.session = session, .first = i};
            start(&senders[i].thread, send_share, &senders[i]);
        }
        while (n < N) {
            assert_ok(reason_poll(session, 1000, &tickets[n], &found[n]));
            assert_int_equal(tickets[n] != 0, found[n] != NULL);
            n += found[n] != NULL;
        }
        for (size_t i = 0; i < N_THREADS; i++) {
            (void)pthread_join(senders[i].thread, NULL);
            assert_int_equal(senders[i].status, REASON_OK);
        }
        for (size_t i = 0; i < N; i++) {
            size_t at = 0;
            while (at < N && tickets[at] != senders[i % N_THREADS].tickets[i])
                at++;
            assert_true(at < N);
            expect_same(found[at], wanted[i]);
            tickets[at] = 0;
            reason_result_free(found[at]);
        }
        assert_int_equal(count_pending(session), 0);
        reason_session_free(session);
    }
    for (size_t i = 0; i < N; i++)
        reason_result_free(wanted[i]);
    reason_model_free(model);
}

static void test_api_submit__samples(void **state) {
    (void)state;
    enum { SAMPLES = 5 };
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 3, 0);
    reason_result *wanted, *found;
    asking a;
    ask_init(&a, "What is 58 + 67?", 40);
    a.sampling.temperature = 0.8f;
    a.request.n_samples = SAMPLES;
    assert_ok(reason_generate(session, &a.request, &wanted));
    found = poll_for(session, submit(session, &a));
    assert_int_equal(reason_result_n_samples(found), SAMPLES);
    for (size_t k = 0; k < SAMPLES; k++)
        expect_same(reason_result_sample(found, k), reason_result_sample(wanted, k));
    reason_result_free(found);
    reason_result_free(wanted);
    reason_session_free(session);
    reason_model_free(model);
}

/* --- order and steps ---------------------------------------------------------------- */

static int never(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)stage;
    (void)done;
    (void)total;
    ++*(size_t *)user;
    return 0;
}

static void test_api_submit__who_ends_first_is_first(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 4, 0);
    uint64_t tickets[3], found;
    reason_result *result;
    size_t n_calls = 0, n_steps = 0;
    asking a;
    static const int32_t lengths[] = {30, 5, 12};
    for (size_t i = 0; i < 3; i++) {
        ask_init(&a, "What is 67 * 75?", lengths[i]);
        a.thinking.mode = REASON_THINK_ON;
        a.request.progress = never;
        a.request.progress_user = &n_calls;
        tickets[i] = submit(session, &a);
        assert_true(i == 0 || tickets[i] > tickets[i - 1]);
    }
    assert_int_equal(n_calls, 0); /* nothing runs before a poll */
    assert_int_equal(count_pending(session), 3);
    do {
        assert_ok(reason_poll(session, 0, &found, &result));
        assert_int_equal(found != 0, result != NULL);
        n_steps++;
    } while (found == 0);
    assert_in_range(n_steps, 5, 9);
    assert_int_equal(found, tickets[1]);
    assert_int_equal(reason_result_n_tokens(result), 5);
    assert_int_equal(count_pending(session), 2);
    reason_result_free(result);
    reason_result_free(poll_for(session, tickets[2]));
    reason_result_free(poll_for(session, tickets[0]));
    assert_int_equal(count_pending(session), 0);
    reason_session_free(session);
    reason_model_free(model);
}

static double now_s(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void expect_none(reason_session *session, int32_t timeout_ms) {
    uint64_t ticket = 7;
    reason_result *result = (reason_result *)session;
    assert_ok(reason_poll(session, timeout_ms, &ticket, &result));
    assert_int_equal(ticket, 0);
    assert_null(result);
}

/* A poll that waits is woken. */
static void *send_one(void *arg) {
    sender *s = arg;
    struct timespec moment = {0, 30000000};
    asking a;
    make_request(&a, 1);
    (void)nanosleep(&moment, NULL);
    s->status = reason_submit(s->session, &a.request, &s->tickets[0]);
    return NULL;
}

static void test_api_submit__waiting(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 4, 0);
    sender s = {.session = session};
    uint64_t ticket;
    reason_result *result;
    expect_none(session, -1);
    expect_none(session, 0);
    double begin = now_s();
    expect_none(session, 120);
    assert_true(now_s() - begin >= 0.119);
    start(&s.thread, send_one, &s);
    assert_ok(reason_poll(session, 60000, &ticket, &result));
    (void)pthread_join(s.thread, NULL);
    assert_int_equal(s.status, REASON_OK);
    assert_int_equal(ticket, s.tickets[0]);
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
}

/* --- ends from outside -------------------------------------------------------------- */

static void expect_cancelled(reason_result *result, bool with_tokens) {
    assert_int_equal(reason_result_finish(result), REASON_FINISH_CANCELLED);
    assert_int_equal(reason_result_n_tokens(result) > 0, with_tokens);
    reason_result_free(result);
}

/* One that runs, one that queues behind it although no place is free, and none. */
static void test_api_submit__withdrawn(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 1, 0);
    uint64_t tickets[3];
    asking a;
    for (size_t i = 0; i < 3; i++) {
        ask_init(&a, "What is 67 * 75?", 40);
        tickets[i] = submit(session, &a);
    }
    for (int i = 0; i < 5; i++)
        expect_none(session, 0);
    assert_ok(reason_withdraw(session, tickets[1]));
    assert_ok(reason_withdraw(session, tickets[1]));
    expect_cancelled(poll_for(session, tickets[1]), false);
    assert_ok(reason_withdraw(session, tickets[0]));
    expect_cancelled(poll_for(session, tickets[0]), true);
    assert_status(reason_withdraw(session, tickets[0]), REASON_ERR_INVALID_ARG);
    assert_status(reason_withdraw(session, 99), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "ticket 99"));
    reason_result *last = poll_for(session, tickets[2]);
    assert_true(reason_result_finish(last) != REASON_FINISH_CANCELLED);
    reason_result_free(last);
    reason_session_free(session);
    reason_model_free(model);
}

/* All that are pending, and nobody who comes later. */
static void test_api_submit__all_cancelled(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 2, 0);
    uint64_t ticket;
    asking a;
    ask_init(&a, "What is 67 * 75?", 40);
    reason_cancel(session); /* does nothing */
    for (size_t i = 0; i < 100; i++)
        (void)submit(session, &a);
    for (int i = 0; i < 5; i++)
        expect_none(session, 0);
    reason_cancel(session);
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_CANCELLED);
    expect_cancelled(poll_for(session, 0), false);
    ticket = submit(session, &a); /* beside those that are yet to be given */
    for (size_t i = 1; i < 100; i++)
        expect_cancelled(poll_for(session, 0), i >= 98);
    assert_int_equal(count_pending(session), 1);
    reason_result *result = poll_for(session, ticket);
    assert_true(reason_result_finish(result) != REASON_FINISH_CANCELLED);
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
}

static void test_api_submit__tokens_and_callbacks(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 2, 0);
    reason_cancel_token *token;
    asking a;
    assert_ok(reason_cancel_token_new(&token));
    ask_init(&a, "What is 67 * 75?", 40);
    a.request.cancel = token;
    uint64_t ticket = submit(session, &a);
    for (int i = 0; i < 5; i++)
        expect_none(session, 0);
    reason_cancel_token_set(token);
    expect_cancelled(poll_for(session, ticket), true);
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_CANCELLED);
    assert_int_equal(ticket, 0);
    assert_int_equal(count_pending(session), 0);
    reason_cancel_token_free(token);
    reason_session_free(session);
    reason_model_free(model);
}

/* --- who may be inside -------------------------------------------------------------- */

typedef struct guest {
    reason_session *session;
    uint64_t more, withdrawn; /* submitted from the callback */
    reason_status submitted, polled, other;
    size_t n_pieces;
} guest;

/* Submits, withdraws and counts; may neither poll nor generate. */
static int visit(void *user, const reason_piece *piece) {
    guest *g = user;
    uint64_t none;
    size_t n;
    reason_result *result;
    asking a;
    (void)piece;
    if (g->n_pieces++ > 0)
        return 0;
    make_request(&a, 5);
    g->submitted = reason_submit(g->session, &a.request, &g->more);
    if (g->submitted == REASON_OK)
        g->submitted = reason_submit(g->session, &a.request, &g->withdrawn);
    if (g->submitted == REASON_OK)
        g->submitted = reason_withdraw(g->session, g->withdrawn);
    if (g->submitted == REASON_OK &&
        (reason_pending(g->session, &n) != REASON_OK || n != 3))
        g->submitted = REASON_ERR_INTERNAL;
    g->polled = reason_poll(g->session, 0, &none, &result);
    g->other = reason_generate(g->session, &a.request, &result);
    return 0;
}

static void test_api_submit__from_a_callback(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 3, 0);
    guest g = {.session = session};
    reason_result *wanted;
    asking a;
    make_request(&a, 5);
    assert_ok(reason_generate(session, &a.request, &wanted));
    ask_init(&a, "What is 67 * 75?", 40);
    a.request.stream = visit;
    a.request.stream_user = &g;
    (void)submit(session, &a);
    for (size_t i = 0; i < 3; i++) {
        uint64_t ticket;
        reason_result *result;
        assert_ok(reason_poll(session, -1, &ticket, &result));
        if (ticket == g.more)
            expect_same(result, wanted);
        assert_int_equal(reason_result_finish(result) == REASON_FINISH_CANCELLED,
                         ticket == g.withdrawn);
        reason_result_free(result);
    }
    assert_int_equal(g.submitted, REASON_OK);
    assert_int_equal(g.polled, REASON_ERR_BUSY);
    assert_int_equal(g.other, REASON_ERR_BUSY);
    reason_result_free(wanted);
    reason_session_free(session);
    reason_model_free(model);
}

/* While something is pending everything else is refused; the session's own text stays. */
static void test_api_submit__other_calls_are_busy(void **state) {
    (void)state;
    static const int32_t ids[] = {5, 6, 7, 8};
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 3, 0), *fork;
    size_t n_vocab = (size_t)model_int(model, "n_vocab"), n;
    float *rows = malloc(2 * n_vocab * sizeof *rows);
    uint64_t bytes;
    reason_result *result;
    reason_search_result *search;
    asking a;
    make_request(&a, 2);
    const reason_request *list[] = {&a.request};
    assert_non_null(rows);
    assert_ok(reason_session_logits(session, ids, 3, NULL));
    assert_ok(reason_session_logits(session, ids + 3, 1, rows));
    assert_ok(reason_session_truncate(session, 3));
    uint64_t ticket = submit(session, &a);
    for (int round = 0; round < 2; round++) { /* before the first step, and between two */
        const reason_status busy = REASON_ERR_BUSY;
        assert_status(reason_generate(session, &a.request, &result), busy);
        assert_non_null(strstr(reason_last_error(), "1 requests are pending"));
        assert_status(reason_generate_batch(session, list, 1, &result), busy);
        assert_status(reason_search(session, &a.request, NULL, &search), busy);
        assert_status(reason_session_logits(session, ids, 1, NULL), busy);
        assert_status(reason_sessions_logits(&session, ids, 1, NULL), busy);
        assert_status(reason_session_reset(session), busy);
        assert_status(reason_session_truncate(session, 0), busy);
        assert_status(reason_session_fork(session, &fork), busy);
        assert_status(reason_session_length(session, &n), busy);
        assert_status(reason_session_kv_bytes(session, &bytes), busy);
        assert_status(reason_session_save(session, "/nowhere/at-all"), busy);
        assert_status(reason_session_load(session, "/nowhere/at-all"), busy);
        expect_none(session, 0);
    }
    reason_result_free(poll_for(session, ticket));
    assert_int_equal(session_length(session), 3);
    assert_ok(reason_session_logits(session, ids + 3, 1, rows + n_vocab));
    assert_memory_equal(rows, rows + n_vocab, n_vocab * sizeof *rows);
    free(rows);
    reason_session_free(session);
    reason_model_free(model);
}

/* A call that is no poll is inside, and nothing is pending. */
static void test_api_submit__not_into_another_call(void **state) {
    (void)state;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 3, 0);
    long_call call;
    uint64_t ticket = 7;
    asking a;
    make_request(&a, 2);
    init_call(&call, session, "generate", 3);
    begin_call(&call);
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_BUSY);
    assert_int_equal(ticket, 0);
    assert_int_equal(count_pending(session), 0);
    end_call(&call);
    assert_int_equal(call.status, REASON_OK);
    reason_result_free(call.result);
    reason_result_free(poll_for(session, submit(session, &a)));
    reason_session_free(session);
    reason_model_free(model);
}

/* --- what is refused ---------------------------------------------------------------- */

static void test_api_submit__what_is_refused(void **state) {
    (void)state;
    static char text[60000];
    reason_model *model = open_model(REASON_CPU_AUTO);
    uint64_t position = (uint64_t)model_int(model, "kv_bytes_per_token"), ticket = 7;
    reason_session *session = new_session(model, 1, 3, 0),
                   *limited = new_session(model, 1, 3, position * 64 * 3),
                   *tiny = new_session(model, 1, 3, position * 64);
    reason_result *result;
    size_t n;
    asking a;
    make_request(&a, 2);
    assert_status(reason_submit(NULL, &a.request, &ticket), REASON_ERR_INVALID_ARG);
    assert_int_equal(ticket, 0);
    assert_status(reason_submit(session, NULL, &ticket), REASON_ERR_INVALID_ARG);
    assert_status(reason_submit(session, &a.request, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_poll(NULL, 0, &ticket, &result), REASON_ERR_INVALID_ARG);
    assert_status(reason_poll(session, 0, NULL, &result), REASON_ERR_INVALID_ARG);
    assert_status(reason_poll(session, 0, &ticket, NULL), REASON_ERR_INVALID_ARG);
    assert_status(reason_withdraw(NULL, 1), REASON_ERR_INVALID_ARG);
    assert_status(reason_withdraw(session, 0), REASON_ERR_INVALID_ARG);
    assert_status(reason_pending(NULL, &n), REASON_ERR_INVALID_ARG);
    assert_status(reason_pending(session, NULL), REASON_ERR_INVALID_ARG);
    a.sampling.temperature = -1;
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "temperature -1"));
    make_request(&a, 2);
    a.sampling.n_bias = 3;
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_INVALID_ARG);
    a.sampling.n_bias = 0;
    memset(text, 'q', sizeof text - 1);
    a.request.text = text;
    assert_status(reason_submit(session, &a.request, &ticket), REASON_ERR_CONTEXT_FULL);
    for (size_t i = 0; i + 1 < 200 * 3; i++)
        text[i] = i % 3 == 2 ? ' ' : "xyzqk"[i % 5];
    text[200 * 3] = '\0';
    assert_status(reason_submit(limited, &a.request, &ticket), REASON_ERR_CONTEXT_FULL);
    assert_non_null(strstr(reason_last_error(), "128")); /* two blocks beside a copy */
    assert_status(reason_submit(tiny, &a.request, &ticket), REASON_ERR_NO_MEMORY);
    assert_non_null(strstr(reason_last_error(), "holds 1 blocks"));
    n = count_pending(session) + count_pending(limited) + count_pending(tiny);
    assert_int_equal(n, 0);
    expect_none(session, -1);
    assert_int_equal(session_length(session), 0); /* not busy */
    reason_session_free(tiny);
    reason_session_free(limited);
    reason_session_free(session);
    reason_model_free(model);
}

/* --- memory ------------------------------------------------------------------------- */

/* Once, however many pieces there are. */
static int free_it(void *user, const reason_piece *piece) {
    reason_session **session = user;
    (void)piece;
    reason_session_free(*session);
    *session = NULL;
    return 0;
}

/* Freed with requests that queue, run, have ended, and from inside of a poll. */
static void test_api_submit__freed_while_pending(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        test_heap heap;
        heap_use(&heap);
        reason_model *model = open_model(REASON_CPU_AUTO);
        reason_session *session = new_session(model, 2, 2, 0), *freed = session;
        asking a;
        for (size_t i = 0; i < 6; i++) {
            ask_init(&a, "What is 67 * 75?", i < 2 ? 2 : 30);
            a.request.n_samples = (int32_t)i % 3;
            a.request.stream = kind == 3 && i == 3 ? free_it : NULL;
            a.request.stream_user = &freed;
            (void)submit(session, &a);
        }
        uint64_t ticket = 1;
        reason_result *result;
        if (kind == 1) {
            expect_none(session, 0);
        } else if (kind == 2) {
            reason_result_free(poll_for(session, 0));
        } else if (kind == 3) {
            while (ticket != 0) { /* 0 once it is freed, and then it is no more */
                assert_ok(reason_poll(session, 60000, &ticket, &result));
                reason_result_free(result);
            }
        }
        if (kind < 3)
            reason_session_free(session);
        reason_model_free(model);
        heap_end(&heap);
    }
}

static void test_api_submit__no_growth(void **state) {
    (void)state;
    enum { ROUNDS = SANITIZED ? 300 : 1000, FEW = 200 };
    test_heap heap;
    heap_use(&heap);
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_session *session = new_session(model, 1, 4, 0);
    size_t bytes = 0, blocks = 0;
    asking a;
    for (size_t i = 0; i < ROUNDS; i++) {
        make_request(&a, i);
        a.request.max_tokens = 3 + (int32_t)(i % 5);
        a.thinking.mode = REASON_THINK_OFF;
        a.thinking.min_answer = 0;
        (void)submit(session, &a);
        if (count_pending(session) > 6) /* always some */
            reason_result_free(poll_for(session, 0));
        bytes = i < FEW && bytes < atomic_load(&heap.n_bytes) ? atomic_load(&heap.n_bytes)
                                                              : bytes;
        blocks = i < FEW && blocks < atomic_load(&heap.n_blocks)
                     ? atomic_load(&heap.n_blocks)
                     : blocks;
    }
    assert_true(atomic_load(&heap.n_bytes) <= bytes);
    assert_true(atomic_load(&heap.n_blocks) <= blocks);
    while (count_pending(session) > 0)
        reason_result_free(poll_for(session, 0));
    reason_session_free(session);
    reason_model_free(model);
    heap_end(&heap);
}

/* Each allocation refused in turn. A submission is refused whole; a poll loses nothing
 * but requests that it names; what is given is right. */
static void test_api_submit__every_allocation_may_fail(void **state) {
    (void)state;
    /* A sanitizer is slow, and the plain build has tried them all. */
    enum { FEW = 3, STEP = SANITIZED ? 7 : 1 };
    static const char *const stops[] = {"never seen"};
    size_t n_refused = 0, n_failed = 0;
    bool refused = true;
    reason_model *model = open_model(REASON_CPU_AUTO);
    reason_result *wanted[FEW];
    asking a[FEW];
    reason_session *alone = open_session(model, 1);
    for (size_t i = 0; i < FEW; i++) {
        make_request(&a[i], i);
        a[i].request.max_tokens = 12;
        a[i].request.stops = stops;
        a[i].request.n_stops = 1;
        a[i].request.n_samples = i == 1 ? 3 : 1;
        assert_ok(reason_generate(alone, &a[i].request, &wanted[i]));
    }
    for (size_t fail_at = 1; refused; fail_at += STEP) {
        test_heap heap;
        uint64_t tickets[FEW], ticket;
        reason_result *result;
        heap_use(&heap);
        reason_session *session = new_session(model, 1, 3, 0);
        atomic_store(&heap.n_calls, 0);
        heap.fail_at = fail_at;
        for (size_t i = 0; i < FEW; i++) {
            reason_status status = reason_submit(session, &a[i].request, &tickets[i]);
            assert_int_equal(status == REASON_OK, tickets[i] != 0);
            assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
            n_refused += status != REASON_OK;
        }
        for (size_t left; (left = count_pending(session)) > 0;) {
            reason_status status = reason_poll(session, -1, &ticket, &result);
            assert_int_equal(status == REASON_OK && ticket != 0, result != NULL);
            assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
            assert_int_equal(count_pending(session), left - (ticket != 0));
            n_failed += status != REASON_OK;
            for (size_t i = 0; i < FEW && result; i++)
                if (tickets[i] == ticket)
                    expect_same(result, wanted[i]);
            reason_result_free(result);
        }
        refused = atomic_load(&heap.n_calls) >= fail_at;
        reason_session_free(session);
        heap_end(&heap);
    }
    assert_true(n_refused > 20 / STEP);
    assert_true(n_failed > 5 / STEP);
    for (size_t i = 0; i < FEW; i++)
        reason_result_free(wanted[i]);
    reason_session_free(alone);
    reason_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_submit__results_are_those_alone),
        cmocka_unit_test(test_api_submit__samples),
        cmocka_unit_test(test_api_submit__who_ends_first_is_first),
        cmocka_unit_test(test_api_submit__waiting),
        cmocka_unit_test(test_api_submit__withdrawn),
        cmocka_unit_test(test_api_submit__all_cancelled),
        cmocka_unit_test(test_api_submit__tokens_and_callbacks),
        cmocka_unit_test(test_api_submit__from_a_callback),
        cmocka_unit_test(test_api_submit__other_calls_are_busy),
        cmocka_unit_test(test_api_submit__not_into_another_call),
        cmocka_unit_test(test_api_submit__what_is_refused),
        cmocka_unit_test(test_api_submit__freed_while_pending),
        cmocka_unit_test(test_api_submit__no_growth),
        cmocka_unit_test(test_api_submit__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("api_submit", tests, NULL, NULL);
}
