/* Sessions: who may be inside, the timeline, forks, limits. The scripted network keeps
 * token ids in the cache, so wrong sharing or truncation shows in the logits. */
#include "unit/decode/scripted_model.h"

#include <pthread.h>
#include <stdio.h>

#include "support/heap.h"

static size_t length_of(reason_session *session) {
    size_t n = 999;
    assert_int_equal(reason_session_length(session, &n), REASON_OK);
    return n;
}

static uint64_t kv_bytes_of(reason_session *session) {
    uint64_t n = 999;
    assert_int_equal(reason_session_kv_bytes(session, &n), REASON_OK);
    return n;
}

/* Appends tokens and expects the logits of a history that is known otherwise. */
static void append(scripted *m, reason_session *session, int32_t *history, size_t *n,
                   const int32_t *tokens, size_t k) {
    size_t n_vocab = m->model.hp.n_vocab;
    float *rows = malloc(k * n_vocab * sizeof *rows),
          *expected = malloc(n_vocab * sizeof *rows);
    assert_non_null(rows);
    assert_non_null(expected);
    assert_int_equal(reason_session_logits(session, tokens, k, rows), REASON_OK);
    for (size_t i = 0; i < k; i++) {
        history[(*n)++] = tokens[i];
        script_digest(m, history, *n, expected);
        assert_memory_equal(rows + i * n_vocab, expected, n_vocab * sizeof *rows);
    }
    assert_int_equal(length_of(session), *n);
    free(rows);
    free(expected);
}

static void random_tokens(uint64_t *seed, int32_t *tokens, size_t n) {
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)(fixture_random(seed) % 250);
}

/* --- the timeline ------------------------------------------------------------------- */

static void test_decode_session__chunks_change_nothing(void **state) {
    (void)state;
    static const int32_t chunks[] = {1, 2, 7, 64, 1000};
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    int32_t tokens[200], history[200];
    uint64_t seed = 4;
    random_tokens(&seed, tokens, COUNT(tokens));
    for (size_t i = 0; i < COUNT(chunks); i++) {
        reason_session *session = scripted_session(m, 300, chunks[i]);
        size_t n = 0;
        m->n_forwards = 0;
        append(m, session, history, &n, tokens, 130);
        append(m, session, history, &n, tokens + 130, 70);
        size_t chunk = (size_t)chunks[i];
        assert_int_equal(m->n_forwards,
                         (130 + chunk - 1) / chunk + (70 + chunk - 1) / chunk);
        reason_session_free(session);
    }
    scripted_free(m);
}

static void test_decode_session__append_without_logits(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 8);
    int32_t tokens[] = {1, 2, 3, 4}, history[8] = {1, 2, 3, 4};
    size_t n = 4;
    assert_int_equal(reason_session_logits(session, tokens, 4, NULL), REASON_OK);
    append(m, session, history, &n, tokens, 2);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__truncate_and_reset(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 300, 16);
    int32_t tokens[150], history[300];
    uint64_t seed = 9;
    size_t n = 0;
    random_tokens(&seed, tokens, COUNT(tokens));
    append(m, session, history, &n, tokens, 150);
    static const size_t cuts[] = {150, 149, 128, 64, 63, 1, 0};
    for (size_t i = 0; i < COUNT(cuts); i++) {
        assert_int_equal(reason_session_truncate(session, cuts[i]), REASON_OK);
        n = cuts[i];
        assert_int_equal(length_of(session), n);
        append(m, session, history, &n, tokens + i, 100);
        assert_int_equal(reason_session_truncate(session, cuts[i]), REASON_OK);
        n = cuts[i];
    }
    append(m, session, history, &n, tokens, 5);
    assert_int_equal(reason_session_truncate(session, 6), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "n_tokens 6, the session holds 5"));
    assert_int_equal(length_of(session), 5);
    uint64_t before = kv_bytes_of(session);
    assert_int_equal(reason_session_reset(session), REASON_OK);
    assert_int_equal(length_of(session), 0);
    assert_int_equal(kv_bytes_of(session), before); /* memory is kept for reuse */
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__bad_tokens_change_nothing(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 10, 4);
    int32_t tokens[12] = {1, 2, 3}, history[12];
    size_t n = 0, n_vocab = m->model.hp.n_vocab;
    char words[64];
    append(m, session, history, &n, tokens, 3);
    m->n_forwards = 0;
    tokens[1] = -1;
    assert_int_equal(reason_session_logits(session, tokens, 2, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "token -1 at 1"));
    tokens[1] = (int32_t)n_vocab;
    assert_int_equal(reason_session_logits(session, tokens, 2, NULL),
                     REASON_ERR_INVALID_ARG);
    (void)snprintf(words, sizeof words, "token %zu at 1, 0 to %zu expected", n_vocab,
                   n_vocab - 1);
    assert_non_null(strstr(reason_last_error(), words));
    tokens[1] = 2;
    assert_int_equal(reason_session_logits(session, tokens, 8, NULL),
                     REASON_ERR_CONTEXT_FULL);
    assert_non_null(
        strstr(reason_last_error(), "8 tokens after 3 do not fit the context of 10"));
    assert_int_equal(reason_session_logits(session, tokens, 0, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(m->n_forwards, 0);
    append(m, session, history, &n, tokens, 7); /* the last one that fits */
    assert_int_equal(reason_session_logits(session, tokens, 1, NULL),
                     REASON_ERR_CONTEXT_FULL);
    reason_session_free(session);
    scripted_free(m);
}

static void cancel_session(scripted *m) {
    if (m->n_forwards == 3)
        reason_cancel(m->user);
}

static void test_decode_session__cancel_keeps_whole_chunks(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 5);
    int32_t tokens[40], history[100];
    uint64_t seed = 1;
    random_tokens(&seed, tokens, COUNT(tokens));
    m->user = session;
    m->on_forward = cancel_session;
    assert_int_equal(reason_session_logits(session, tokens, 40, NULL),
                     REASON_ERR_CANCELLED);
    assert_int_equal(m->n_forwards, 3);
    m->on_forward = NULL;
    assert_int_equal(length_of(session), 10);
    memcpy(history, tokens, 10 * sizeof *tokens);
    size_t n = 10;
    append(m, session, history, &n, tokens + 10,
           30); /* the mark was of that call alone */
    reason_session_free(session);
    scripted_free(m);
}

static void cancel_second_pass(scripted *m) {
    if (m->n_forwards == 2)
        reason_cancel(m->user);
}

/* A call in several sessions, of two passes: the first one's sessions are put back. */
static void test_decode_session__cancel_in_several(void **state) {
    (void)state;
    enum { N = 3 };
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *sessions[N];
    reason_pool *pool;
    reason_session_options o;
    int32_t tokens[N] = {5, 6, 7}, history[8];
    assert_int_equal(reason_pool_new(1, &pool), REASON_OK);
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.pool = pool;
    o.n_ctx = 20;
    o.n_chunk = 2;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(reason_session_new(&m->model, &o, &sessions[i]), REASON_OK);
        assert_int_equal(reason_session_logits(sessions[i], tokens, 1 + i % 2, NULL),
                         REASON_OK);
    }
    for (size_t who = 0; who < N; who++) {
        m->n_forwards = 0;
        m->user = sessions[who];
        m->on_forward = cancel_second_pass;
        assert_int_equal(reason_sessions_logits(sessions, tokens, N, NULL),
                         REASON_ERR_CANCELLED);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(length_of(sessions[i]), 1 + i % 2);
    }
    m->on_forward = NULL;
    assert_int_equal(reason_sessions_logits(sessions, tokens, N, NULL), REASON_OK);
    for (size_t i = 0; i < N; i++) {
        size_t n = 0;
        for (; n < 1 + i % 2; n++)
            history[n] = tokens[n];
        history[n++] = tokens[i];
        append(m, sessions[i], history, &n, tokens, 2);
        reason_session_free(sessions[i]);
    }
    reason_pool_free(pool);
    scripted_free(m);
}

/* --- forks -------------------------------------------------------------------------- */

static void test_decode_session__forks_go_their_own_ways(void **state) {
    (void)state;
    static const size_t points[] = {0, 1, 63, 64, 65, 128, 200};
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    int32_t tokens[300], one[600], two[600], three[600];
    uint64_t seed = 12;
    random_tokens(&seed, tokens, COUNT(tokens));
    for (size_t i = 0; i < COUNT(points); i++) {
        reason_session *session = scripted_session(m, 600, 16), *fork, *second;
        size_t n = 0;
        if (points[i] > 0)
            append(m, session, one, &n, tokens, points[i]);
        assert_int_equal(reason_session_fork(session, &fork), REASON_OK);
        assert_int_equal(reason_session_fork(fork, &second), REASON_OK);
        assert_int_equal(length_of(fork), n);
        memcpy(two, one, sizeof two);
        memcpy(three, one, sizeof three);
        size_t n_two = n, n_three = n;
        append(m, fork, two, &n_two, tokens + 7, 100); /* writes into a shared block */
        append(m, session, one, &n, tokens + 50, 70);
        append(m, second, three, &n_three, tokens + 9, 10);
        append(m, fork, two, &n_two, tokens, 20);
        reason_session_free(session);
        append(m, fork, two, &n_two, tokens + 3, 20);
        reason_session_free(fork);
        assert_int_equal(reason_session_truncate(second, points[i]), REASON_OK);
        n_three = points[i];
        append(m, second, three, &n_three, tokens + 20, 100);
        reason_session_free(second);
    }
    scripted_free(m);
}

static void test_decode_session__fork_shares_until_one_writes(void **state) {
    (void)state;
    counted_heap heap;
    heap_begin(&heap, 0, false);
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    m->model.hp.n_layers = 200; /* so that blocks are what memory goes to */
    reason_session *session = scripted_session(m, 2000, 64), *fork;
    int32_t tokens[640] = {0};
    assert_int_equal(reason_session_logits(session, tokens, 640, NULL), REASON_OK);
    uint64_t held = kv_bytes_of(session), block = held / 10;
    size_t before = heap.n_bytes;
    assert_int_equal(reason_session_fork(session, &fork), REASON_OK);
    assert_int_equal(kv_bytes_of(fork), held);
    assert_true(heap.n_bytes - before < block);
    before = heap.n_bytes;
    assert_int_equal(reason_session_truncate(fork, 630), REASON_OK);
    assert_int_equal(reason_session_logits(fork, tokens, 5, NULL), REASON_OK);
    assert_true(heap.n_bytes - before >= block && heap.n_bytes - before < 2 * block);
    reason_session_free(session);
    reason_session_free(fork);
    scripted_free(m);
    assert_int_equal(heap.alive, 0);
    heap_end();
}

static void test_decode_session__fork_has_the_same_options(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session_options o;
    reason_session *session, *fork;
    reason_pool *pool;
    assert_int_equal(reason_pool_new(2, &pool), REASON_OK);
    for (int shared = 0; shared < 2; shared++) {
        assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
        o.n_ctx = 123;
        o.n_chunk = 17;
        o.kv_type = REASON_KV_F32;
        o.n_threads = 3;
        o.pool = shared ? pool : NULL;
        assert_int_equal(reason_session_new(&m->model, &o, &session), REASON_OK);
        assert_int_equal(reason_session_fork(session, &fork), REASON_OK);
        assert_int_equal(fork->setup.n_ctx, 123);
        assert_int_equal(fork->setup.n_chunk, 17);
        assert_int_equal(fork->setup.kv->type, RSN_TYPE_F32);
        assert_int_equal(rsn_pool_size(fork->pool), shared ? 2 : 3);
        assert_int_equal(fork->pool == session->pool, shared);
        reason_session_free(session);
        reason_session_free(fork);
    }
    reason_pool_free(pool);
    scripted_free(m);
}

/* --- who is inside ------------------------------------------------------------------ */

/* One thread is kept inside a session, in its forward pass, until it is let go. */
typedef struct inside {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, leave;
    reason_session *session;
    reason_status status;
} inside;

static void wait_inside(scripted *m) {
    inside *in = m->user;
    pthread_mutex_lock(&in->lock);
    in->entered = true;
    pthread_cond_broadcast(&in->changed);
    while (!in->leave)
        pthread_cond_wait(&in->changed, &in->lock);
    pthread_mutex_unlock(&in->lock);
}

static void *call_inside(void *arg) {
    inside *in = arg;
    int32_t tokens[] = {1, 2, 3};
    in->status = reason_session_logits(in->session, tokens, 3, NULL);
    return NULL;
}

static pthread_t enter(inside *in, scripted *m, reason_session *session) {
    pthread_t thread;
    *in = (inside){.session = session};
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->changed, NULL);
    m->user = in;
    m->on_forward = wait_inside;
    assert_int_equal(pthread_create(&thread, NULL, call_inside, in), 0);
    pthread_mutex_lock(&in->lock);
    while (!in->entered)
        pthread_cond_wait(&in->changed, &in->lock);
    pthread_mutex_unlock(&in->lock);
    return thread;
}

static void leave(inside *in, scripted *m, pthread_t thread) {
    pthread_mutex_lock(&in->lock);
    in->leave = true;
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    m->on_forward = NULL;
    pthread_cond_destroy(&in->changed);
    pthread_mutex_destroy(&in->lock);
}

static void test_decode_session__second_caller_is_told_busy(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 64), *fork = session;
    reason_request request;
    reason_result *result = (reason_result *)session;
    int32_t token = 1;
    size_t n = 7;
    uint64_t bytes = 7;
    inside in;
    pthread_t thread = enter(&in, m, session);
    assert_int_equal(reason_session_logits(session, &token, 1, NULL), REASON_ERR_BUSY);
    assert_non_null(strstr(reason_last_error(), "in use by another thread"));
    assert_int_equal(reason_session_length(session, &n), REASON_ERR_BUSY);
    assert_int_equal(reason_session_kv_bytes(session, &bytes), REASON_ERR_BUSY);
    assert_int_equal(reason_session_reset(session), REASON_ERR_BUSY);
    assert_int_equal(reason_session_truncate(session, 0), REASON_ERR_BUSY);
    assert_int_equal(reason_session_fork(session, &fork), REASON_ERR_BUSY);
    assert_int_equal(reason_request_init(&request, sizeof request), REASON_OK);
    request.text = "hi";
    assert_int_equal(reason_generate(session, &request, &result), REASON_ERR_BUSY);
    assert_int_equal(n, 0);
    assert_int_equal(bytes, 0);
    assert_null(fork);
    assert_null(result);
    leave(&in, m, thread);
    assert_int_equal(in.status, REASON_OK);
    assert_int_equal(length_of(session), 3);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__cancel_from_another_thread(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 64);
    inside in;
    pthread_t thread = enter(&in, m, session);
    reason_cancel(session); /* never busy */
    leave(&in, m, thread);
    assert_int_equal(in.status, REASON_ERR_CANCELLED);
    assert_int_equal(length_of(session), 0);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__free_while_a_call_runs(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 64);
    int32_t token = 1;
    inside in;
    assert_int_equal(atomic_load(&m->model.users), 2);
    pthread_t thread = enter(&in, m, session);
    reason_session_free(session);
    assert_int_equal(atomic_load(&m->model.users), 2); /* not before the call returns */
    assert_int_equal(reason_session_logits(session, &token, 1, NULL), REASON_ERR_BUSY);
    leave(&in, m, thread);
    assert_int_equal(in.status, REASON_OK);
    assert_int_equal(atomic_load(&m->model.users), 1);
    scripted_free(m);
}

static void test_decode_session__model_lives_as_long_as_its_sessions(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = scripted_session(m, 100, 64);
    int32_t history[8], tokens[] = {5, 6};
    size_t n = 0;
    int32_t *scratch = m->history;
    reason_model_free(&m->model);
    append(m, session, history, &n, tokens, 2);
    reason_session_free(session); /* and the model with it */
    rsn_free(scratch);
}

/* --- limits ------------------------------------------------------------------------- */

static reason_status open_with(scripted *m, reason_session_options *o,
                               reason_session **session) {
    *session = (reason_session *)m; /* is set on failure */
    o->n_threads = 1;
    reason_status status = reason_session_new(&m->model, o, session);
    if (status != REASON_OK)
        assert_null(*session);
    return status;
}

static void test_decode_session__memory_limit_shortens_the_context(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session_options o;
    reason_session *session;
    int32_t tokens[200] = {0};
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    uint64_t block = 64 * 2 * 2 * 2; /* positions, keys and values, dimensions, F16 */
    o.memory_limit = block * 5 / 2;
    assert_int_equal(open_with(m, &o, &session), REASON_OK);
    assert_int_equal(reason_session_logits(session, tokens, 128, NULL), REASON_OK);
    assert_int_equal(kv_bytes_of(session), 2 * block);
    assert_int_equal(reason_session_logits(session, tokens, 1, NULL),
                     REASON_ERR_CONTEXT_FULL);
    assert_int_equal(kv_bytes_of(session), 2 * block);
    reason_session_free(session);
    o.n_ctx = 50; /* shorter than the limit asks for */
    assert_int_equal(open_with(m, &o, &session), REASON_OK);
    assert_int_equal(reason_session_logits(session, tokens, 51, NULL),
                     REASON_ERR_CONTEXT_FULL);
    assert_int_equal(reason_session_logits(session, tokens, 50, NULL), REASON_OK);
    reason_session_free(session);
    o.memory_limit = block - 1;
    assert_int_equal(open_with(m, &o, &session), REASON_ERR_NO_MEMORY);
    assert_non_null(strstr(reason_last_error(), "the limit is 511"));
    o.memory_limit = UINT64_MAX;
    assert_int_equal(open_with(m, &o, &session), REASON_OK);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__generation_ends_at_the_memory_limit(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session_options o;
    reason_request request;
    reason_session *session;
    reason_result *result;
    int32_t eos = rsn_vocab_eos(m->model.vocab);
    float never = -INFINITY;
    reason_sampling sampling;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    assert_int_equal(reason_request_init(&request, sizeof request), REASON_OK);
    assert_int_equal(reason_sampling_init(&sampling, sizeof sampling), REASON_OK);
    sampling.bias_tokens = &eos;
    sampling.bias_values = &never;
    sampling.n_bias = 1;
    request.sampling = &sampling;
    request.text = "hi";
    o.memory_limit = 64 * 2 * 2 * 2;
    assert_int_equal(open_with(m, &o, &session), REASON_OK);
    assert_int_equal(reason_generate(session, &request, &result), REASON_OK);
    assert_int_equal(reason_result_n_tokens(result), 62);
    assert_int_equal(reason_result_answer_end(result), REASON_FINISH_LENGTH);
    reason_result_free(result);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_session__bad_options(void **state) {
    (void)state;
    static const struct {
        reason_session_options o;
        reason_status status;
        const char *words;
    } cases[] = {
        {{.n_ctx = -1}, REASON_ERR_INVALID_ARG, "n_ctx -1"},
        {{.n_ctx = SCRIPT_CONTEXT + 1}, REASON_ERR_LIMIT, "made for 4096"},
        {{.n_chunk = -1}, REASON_ERR_INVALID_ARG, "n_chunk -1"},
        {{.n_chunk = 1 << 20}, REASON_ERR_INVALID_ARG, "n_chunk 1048576"},
        {{.kv_type = (reason_kv_type)5}, REASON_ERR_INVALID_ARG, "kv_type 5"},
    };
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session;
    for (size_t i = 0; i < COUNT(cases); i++) {
        reason_session_options o = cases[i].o;
        o.size = sizeof o;
        assert_int_equal(open_with(m, &o, &session), cases[i].status);
        assert_non_null(strstr(reason_last_error(), cases[i].words));
    }
    m->model.arch = NULL; /* a vocabulary without weights */
    m->model.gguf.path = "words.gguf";
    reason_session_options o = {.size = sizeof o};
    assert_int_equal(open_with(m, &o, &session), REASON_ERR_MISMATCH);
    assert_non_null(
        strstr(reason_last_error(), "words.gguf has a vocabulary but no weights"));
    scripted_free(m);
}

/* --- memory ------------------------------------------------------------------------- */

static reason_status all_calls(scripted *m, const reason_session_options *o,
                               const int32_t *tokens) {
    reason_session *session = NULL, *fork = NULL;
    reason_status status = reason_session_new(&m->model, o, &session);
    if (status == REASON_OK)
        status = reason_session_logits(session, tokens, 100, NULL);
    if (status == REASON_OK)
        status = reason_session_fork(session, &fork);
    if (status == REASON_OK)
        status = reason_session_logits(fork, tokens, 100, NULL);
    reason_session_free(session);
    reason_session_free(fork);
    return status;
}

static void test_decode_session__every_allocation_may_fail(void **state) {
    (void)state;
    counted_heap heap;
    heap_begin(&heap, 0, false);
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session_options o = {.size = sizeof o, .n_threads = 1};
    int32_t tokens[100] = {0};
    size_t before = heap.alive, k = 0;
    reason_status status = REASON_ERR_NO_MEMORY;
    while (status != REASON_OK) {
        heap.fail_at = heap.n_calls + ++k;
        status = all_calls(m, &o, tokens);
        assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
        assert_int_equal(heap.alive, before);
    }
    assert_true(k > 15);
    scripted_free(m);
    heap_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_session__chunks_change_nothing),
        cmocka_unit_test(test_decode_session__append_without_logits),
        cmocka_unit_test(test_decode_session__truncate_and_reset),
        cmocka_unit_test(test_decode_session__bad_tokens_change_nothing),
        cmocka_unit_test(test_decode_session__cancel_keeps_whole_chunks),
        cmocka_unit_test(test_decode_session__cancel_in_several),
        cmocka_unit_test(test_decode_session__forks_go_their_own_ways),
        cmocka_unit_test(test_decode_session__fork_shares_until_one_writes),
        cmocka_unit_test(test_decode_session__fork_has_the_same_options),
        cmocka_unit_test(test_decode_session__second_caller_is_told_busy),
        cmocka_unit_test(test_decode_session__cancel_from_another_thread),
        cmocka_unit_test(test_decode_session__free_while_a_call_runs),
        cmocka_unit_test(test_decode_session__model_lives_as_long_as_its_sessions),
        cmocka_unit_test(test_decode_session__memory_limit_shortens_the_context),
        cmocka_unit_test(test_decode_session__generation_ends_at_the_memory_limit),
        cmocka_unit_test(test_decode_session__bad_options),
        cmocka_unit_test(test_decode_session__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode/session", tests, NULL, NULL);
}
