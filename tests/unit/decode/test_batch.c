/* Batches: each result is that of the request alone, whatever runs beside it, however much
 * memory there is, and what is common is computed once. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "support/heap.h"

enum { MOST = 48, ROOM = 400 };

/* --- requests ------------------------------------------------------------------------ */

typedef struct asks {
    reason_request requests[MOST];
    reason_thinking thinking[MOST];
    reason_sampling sampling[MOST];
    char prompts[MOST][ROOM];
    const reason_request *list[MOST];
    reason_result *results[MOST];
    size_t n;
} asks;

static asks all;

static uint64_t random_state;

static size_t random_below(size_t n) {
    return (size_t)(fixture_random(&random_state) % n);
}

static void request_init(size_t i) {
    assert_int_equal(reason_request_init(&all.requests[i], sizeof *all.requests),
                     REASON_OK);
    assert_int_equal(reason_thinking_init(&all.thinking[i], sizeof *all.thinking),
                     REASON_OK);
    assert_int_equal(reason_sampling_init(&all.sampling[i], sizeof *all.sampling),
                     REASON_OK);
    all.requests[i].thinking = &all.thinking[i];
    all.requests[i].sampling = &all.sampling[i];
    all.requests[i].text = all.prompts[i];
    all.list[i] = &all.requests[i];
    all.results[i] = NULL;
}

/* Some with questions aside, some that forget, some that decide. */
static void set_policies(reason_thinking *how) {
    how->exit_confidence = random_below(4) == 0 ? 0.001f * (float)random_below(40) : 0;
    how->exit_agreement = random_below(4) == 0 ? 2 : 0;
    how->probe_every = (int32_t)random_below(6);
    how->probe_tokens = (int32_t)random_below(4);
    how->loop_guard = random_below(4) == 0 ? 3 : 0;
    how->think_threshold = random_below(4) == 0 ? 0.002f : 0;
    how->chunk = random_below(4) == 0 ? (int32_t)(2 + random_below(20)) : 0;
}

/* Many kinds; prompts begin alike in groups. */
static void make_requests(size_t n, uint64_t seed) {
    random_state = seed;
    all.n = n;
    for (size_t i = 0; i < n; i++) {
        request_init(i);
        size_t group = random_below(3), common = random_below(200), at = 0;
        for (; at < common; at++)
            all.prompts[i][at] = (char)('a' + (at * (group + 1) + group) % 26);
        for (size_t end = at + 1 + random_below(100); at < end; at++)
            all.prompts[i][at] = (char)('a' + random_below(26));
        all.prompts[i][at] = '\0';
        all.requests[i].max_tokens = (int32_t)(1 + random_below(90));
        all.thinking[i].mode = (reason_think_mode)random_below(3);
        all.thinking[i].budget = (int32_t)random_below(40) - 1;
        all.thinking[i].min_answer = 0;
        set_policies(&all.thinking[i]);
        all.sampling[i].seed = random_below(1000);
        all.sampling[i].temperature = random_below(3) == 0 ? 0 : 0.8f;
    }
}

static void free_results(void) {
    for (size_t i = 0; i < all.n; i++) {
        reason_result_free(all.results[i]);
        all.results[i] = NULL;
    }
}

static void expect_same(const reason_result *found, const reason_result *wanted) {
    size_t n = reason_result_n_tokens(wanted);
    assert_int_equal(reason_result_n_tokens(found), n);
    for (size_t i = 0; i < n; i++) {
        reason_token a = {.size = sizeof a}, b = {.size = sizeof b};
        assert_int_equal(reason_result_token(found, i, &a), REASON_OK);
        assert_int_equal(reason_result_token(wanted, i, &b), REASON_OK);
        assert_int_equal(a.id, b.id);
        assert_int_equal(a.label, b.label);
        assert_int_equal(a.origin, b.origin);
        assert_memory_equal(&a.logprob, &b.logprob, sizeof a.logprob);
        assert_memory_equal(&a.sampled_logprob, &b.sampled_logprob, sizeof a.logprob);
    }
    assert_string_equal(reason_result_thinking(found, NULL),
                        reason_result_thinking(wanted, NULL));
    assert_string_equal(reason_result_answer(found, NULL),
                        reason_result_answer(wanted, NULL));
    assert_int_equal(reason_result_finish(found), reason_result_finish(wanted));
    assert_int_equal(reason_result_answer_end(found), reason_result_answer_end(wanted));
    double p = reason_result_p_think(found), q = reason_result_p_think(wanted);
    assert_true(p == q || (isnan(p) && isnan(q)));
}

static reason_session *new_session(scripted *m, int32_t n_parallel, int32_t n_chunk,
                                   size_t n_blocks) {
    reason_session_options o;
    reason_session *session;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_ctx = 500;
    o.n_chunk = n_chunk;
    o.n_threads = 1;
    o.n_parallel = n_parallel;
    o.memory_limit =
        n_blocks * RSN_KV_BLOCK * rsn_kv_position_bytes(&m->model.hp, rsn_kv_type(0));
    assert_int_equal(reason_session_new(&m->model, &o, &session), REASON_OK);
    return session;
}

/* What a batch has less of is room, not the session's context, by which some models choose
 * how they rotate. */
static void test_decode_batch__less_room_is_the_same_context(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    make_requests(4, 3);
    for (size_t i = 0; i < all.n; i++) {
        all.prompts[i][100] = '\0';
        all.requests[i].max_tokens = 20;
        all.thinking[i].chunk = 0;
    }
    reason_session *session = new_session(m, 4, 64, 4);
    m->n_session = session->setup.n_ctx;
    assert_int_equal(m->n_session, 4 * RSN_KV_BLOCK);
    assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                     REASON_OK);
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

/* --- equality -------------------------------------------------------------------------- */

static void test_decode_batch__results_are_those_alone(void **state) {
    (void)state;
    static const struct {
        int32_t n_parallel, n_chunk;
        size_t n_blocks; /* of memory; 0: no limit */
    } kinds[] = {{1, 64, 0}, {5, 64, 0}, {48, 3, 0}, {48, 64, 20}, {7, 10, 11}};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
        m->seed = k;
        make_requests(MOST, k + 1);
        reason_session *alone = new_session(m, 1, 64, kinds[k].n_blocks
                                                          ? kinds[k].n_blocks - 1
                                                          : 0);
        reason_session *session =
            new_session(m, kinds[k].n_parallel, kinds[k].n_chunk, kinds[k].n_blocks);
        for (int round = 0; round < 2; round++) { /* the second finds prefixes */
            assert_int_equal(
                reason_generate_batch(session, all.list, all.n, all.results), REASON_OK);
            for (size_t i = 0; i < all.n; i++) {
                reason_result *wanted;
                assert_int_equal(reason_generate(alone, all.list[i], &wanted), REASON_OK);
                expect_same(all.results[i], wanted);
                reason_result_free(wanted);
            }
            free_results();
            assert_true(session->prefixes.n <= 500 / RSN_KV_BLOCK + 1 ||
                        kinds[k].n_blocks > 0);
        }
        reason_session_free(session);
        reason_session_free(alone);
        scripted_free(m);
    }
}

/* More at once than there is memory for: some run twice. Blocks are so large that all else
 * takes less than two of them. */
static void test_decode_batch__memory_is_not_exceeded(void **state) {
    (void)state;
    enum { BLOCKS = 12 };
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    m->model.hp.n_layers = 3000;
    counted_heap heap;
    make_requests(MOST, 9);
    size_t n_tokens[2], peaks[2];
    for (int limited = 0; limited < 2; limited++) {
        heap_begin(&heap, 0, false);
        reason_session *session = new_session(m, MOST, 64, limited ? BLOCKS : 0);
        for (size_t i = 0; i < all.n; i++)
            all.requests[i].max_tokens = 90;
        m->n_tokens = 0;
        size_t before = heap.n_bytes;
        assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                         REASON_OK);
        n_tokens[limited] = m->n_tokens;
        peaks[limited] = heap.peak - before;
        assert_true(!limited || session->prefixes.n <= BLOCKS);
        free_results();
        reason_session_free(session);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    assert_true(n_tokens[1] > n_tokens[0]); /* some had to begin again */
    size_t block = RSN_KV_BLOCK * rsn_kv_position_bytes(&m->model.hp, rsn_kv_type(0));
    assert_true(peaks[1] < (BLOCKS + 2) * block);
    assert_true(peaks[0] > 4 * BLOCKS * block);
    scripted_free(m);
}

/* --- what is computed ------------------------------------------------------------------- */

static void test_decode_batch__a_common_beginning_is_computed_once(void **state) {
    (void)state;
    enum { N = 40, COMMON = 200, OWN = 7 };
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    random_state = 3;
    all.n = N;
    for (size_t i = 0; i < N; i++) {
        request_init(i);
        memset(all.prompts[i], 'x', COMMON);
        snprintf(all.prompts[i] + COMMON, ROOM - COMMON, "%07zu", i * 7919 % 1000000);
        all.requests[i].max_tokens = 1;
        all.thinking[i].mode = REASON_THINK_OFF;
        all.thinking[i].min_answer = 0;
    }
    reason_session *session = new_session(m, N, 64, 0);
    m->n_tokens = 0;
    assert_int_equal(reason_generate_batch(session, all.list, N, all.results), REASON_OK);
    /* Own tokens may begin alike as well. */
    assert_true(m->n_tokens <= COMMON + N * OWN);
    assert_true(m->n_tokens > COMMON + N * 4);
    for (size_t i = 1; i < N; i++) {
        reason_usage u = {.size = sizeof u};
        assert_int_equal(reason_result_usage(all.results[i], &u), REASON_OK);
        assert_int_equal(u.prompt_tokens, COMMON + OWN);
        assert_true(u.cached_tokens >= COMMON);
    }
    free_results();
    /* A second time only the last token of each prompt is. */
    m->n_tokens = 0;
    assert_int_equal(reason_generate_batch(session, all.list, 5, all.results), REASON_OK);
    all.n = 5;
    free_results();
    assert_true(m->n_tokens <= 5 * OWN);
    assert_int_equal(reason_session_reset(session), REASON_OK);
    assert_int_equal(session->prefixes.n, 0);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_batch__passes_are_shared(void **state) {
    (void)state;
    enum { N = 16, LENGTH = 50 };
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    int32_t id = 'z';
    m->ids = &id;
    m->n_ids = 1;
    all.n = N;
    for (size_t i = 0; i < N; i++) {
        request_init(i);
        snprintf(all.prompts[i], ROOM, "%zu and so on", i);
        all.requests[i].max_tokens = LENGTH;
    }
    reason_session *session = new_session(m, N, 64, 0);
    m->n_forwards = 0;
    assert_int_equal(reason_generate_batch(session, all.list, N, all.results), REASON_OK);
    assert_true(m->n_forwards <= LENGTH + 5);
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

/* --- samples ----------------------------------------------------------------------------- */

typedef struct heard {
    rsn_str by_sample[8];
    size_t n;
} heard;

static int hear(void *user, const reason_piece *piece) {
    heard *h = user;
    h->n++;
    assert_in_range(piece->sample, 0, 7);
    assert_int_equal(piece->text[piece->n_bytes], '\0'); /* and may hold others */
    if (piece->label == REASON_LABEL_ANSWER)
        rsn_str_add(&h->by_sample[piece->sample], piece->text, piece->n_bytes);
    return 0;
}

static void test_decode_batch__samples_do_not_depend_on_their_number(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = new_session(m, 3, 64, 0);
    reason_result *one, *many;
    heard h = {0};
    make_requests(1, 4);
    all.sampling[0].temperature = 1;
    all.requests[0].max_tokens = 30;
    assert_int_equal(reason_generate(session, all.list[0], &one), REASON_OK);
    assert_int_equal(reason_result_n_samples(one), 1);
    all.requests[0].n_samples = 8;
    all.requests[0].stream = hear;
    all.requests[0].stream_user = &h;
    assert_int_equal(reason_generate(session, all.list[0], &many), REASON_OK);
    assert_int_equal(reason_result_n_samples(many), 8);
    assert_ptr_equal(reason_result_sample(many, 0), many);
    assert_null(reason_result_sample(many, 8));
    expect_same(many, one);
    size_t n_different = 0;
    for (size_t k = 0; k < 8; k++) {
        const reason_result *sample = reason_result_sample(many, k);
        assert_string_equal(rsn_str_text(&h.by_sample[k]),
                            reason_result_answer(sample, NULL));
        rsn_str_free(&h.by_sample[k]);
        n_different += strcmp(reason_result_answer(sample, NULL),
                              reason_result_answer(many, NULL)) != 0;
    }
    assert_int_equal(n_different, 7);
    reason_result_free(one);
    reason_result_free(many);
    reason_session_free(session);
    scripted_free(m);
}

/* --- ends ------------------------------------------------------------------------------- */

static int refuse_third(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)user;
    (void)total;
    return strcmp(stage, "generate") == 0 && done == 3;
}

static void test_decode_batch__one_may_be_cancelled(void **state) {
    (void)state;
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    reason_cancel_token *token;
    int32_t id = 'z';
    m->ids = &id;
    m->n_ids = 1;
    assert_int_equal(reason_cancel_token_new(&token), REASON_OK);
    all.n = 3;
    for (size_t i = 0; i < 3; i++) {
        request_init(i);
        snprintf(all.prompts[i], ROOM, "prompt %zu", i);
        all.requests[i].max_tokens = 10;
    }
    all.requests[0].progress = refuse_third;
    all.requests[1].cancel = token;
    reason_session *session = new_session(m, 3, 64, 0);
    /* The first token was chosen before the second pass. */
    m->cancel = token;
    m->n_forwards = 0;
    m->cancel_at = 3;
    assert_int_equal(reason_generate_batch(session, all.list, 3, all.results), REASON_OK);
    assert_int_equal(reason_result_n_tokens(all.results[0]), 3);
    assert_int_equal(reason_result_finish(all.results[0]), REASON_FINISH_CANCELLED);
    assert_string_equal(reason_result_answer(all.results[0], NULL), "zzz");
    assert_in_range(reason_result_n_tokens(all.results[1]), 1, 3);
    assert_int_equal(reason_result_finish(all.results[1]), REASON_FINISH_CANCELLED);
    assert_int_equal(reason_result_n_tokens(all.results[2]), 10);
    assert_int_equal(reason_result_finish(all.results[2]), REASON_FINISH_LENGTH);
    free_results();
    /* The token is still set: that one does not begin. */
    all.requests[0].progress = NULL;
    assert_int_equal(reason_generate_batch(session, all.list, 3, all.results),
                     REASON_ERR_CANCELLED);
    assert_non_null(strstr(reason_last_error(), "request 1: cancelled before"));
    reason_cancel_token_free(token);
    reason_session_free(session);
    scripted_free(m);
}

static int refuse_prefill(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)user;
    return strcmp(stage, "prefill") == 0 && done > 10 && done < total;
}

/* In the middle of its prompt, of which nothing but what was computed is kept. */
static void test_decode_batch__cancelled_in_the_prompt(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = new_session(m, 2, 16, 0);
    make_requests(2, 3);
    memset(all.prompts[0], 'q', 100);
    all.prompts[0][100] = '\0';
    all.requests[0].progress = refuse_prefill;
    assert_int_equal(reason_generate_batch(session, all.list, 2, all.results), REASON_OK);
    assert_int_equal(reason_result_n_tokens(all.results[0]), 0);
    assert_int_equal(reason_result_finish(all.results[0]), REASON_FINISH_CANCELLED);
    free_results();
    all.requests[0].progress = NULL;
    assert_int_equal(reason_generate_batch(session, all.list, 1, all.results), REASON_OK);
    reason_usage u = {.size = sizeof u};
    assert_int_equal(reason_result_usage(all.results[0], &u), REASON_OK);
    assert_in_range(u.cached_tokens, 11, 99);
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

static void cancel_fifth(scripted *m) {
    if (m->n_forwards == 5)
        reason_cancel(m->user);
}

static void test_decode_batch__all_may_be_cancelled(void **state) {
    (void)state;
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    int32_t id = 'z';
    m->ids = &id;
    m->n_ids = 1;
    all.n = 6;
    for (size_t i = 0; i < all.n; i++) {
        request_init(i);
        snprintf(all.prompts[i], ROOM, "prompt %zu", i);
        all.requests[i].max_tokens = 10;
    }
    reason_session *session = new_session(m, 2, 64, 0);
    m->user = session;
    m->on_forward = cancel_fifth;
    m->n_forwards = 0;
    assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                     REASON_OK);
    assert_int_equal(m->n_forwards, 5);
    for (size_t i = 0; i < all.n; i++) {
        assert_int_equal(reason_result_finish(all.results[i]), REASON_FINISH_CANCELLED);
        assert_int_equal(reason_result_n_tokens(all.results[i]) > 0, i < 2);
    }
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

/* However many wait. */
static void test_decode_batch__all_that_wait_are_cancelled(void **state) {
    (void)state;
    enum { SAMPLES = 200 };
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    int32_t id = 'z';
    m->ids = &id;
    m->n_ids = 1;
    all.n = 1;
    request_init(0);
    snprintf(all.prompts[0], ROOM, "prompt");
    all.requests[0].max_tokens = 10;
    all.requests[0].n_samples = SAMPLES;
    reason_session *session = new_session(m, 2, 64, 0);
    m->user = session;
    m->on_forward = cancel_fifth;
    m->n_forwards = 0;
    assert_int_equal(reason_generate(session, all.list[0], all.results), REASON_OK);
    assert_int_equal(m->n_forwards, 5);
    for (size_t i = 0; i < SAMPLES; i++)
        assert_int_equal(reason_result_finish(reason_result_sample(all.results[0], i)),
                         REASON_FINISH_CANCELLED);
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_batch__what_is_refused(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = new_session(m, 2, 64, 0);
    make_requests(3, 5);
    reason_result **results = all.results;
    assert_int_equal(reason_generate_batch(NULL, all.list, 3, results),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_generate_batch(session, NULL, 3, results),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_generate_batch(session, all.list, 3, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_generate_batch(session, all.list, 0, results),
                     REASON_ERR_INVALID_ARG);
    all.sampling[2].temperature = -1;
    m->n_forwards = 0;
    assert_int_equal(reason_generate_batch(session, all.list, 3, results),
                     REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "request 2: temperature -1"));
    all.sampling[2].temperature = 1;
    all.requests[1].n_samples = -1;
    assert_int_equal(reason_generate_batch(session, all.list, 3, results),
                     REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "request 1: n_samples -1"));
    all.list[1] = NULL;
    assert_int_equal(reason_generate_batch(session, all.list, 3, results),
                     REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "request 1: "));
    assert_int_equal(m->n_forwards, 0);
    for (size_t i = 0; i < 3; i++)
        assert_null(results[i]);
    reason_session_free(session);
    session = new_session(m, 2, 64, 1);
    assert_int_equal(reason_generate_batch(session, all.list, 1, results),
                     REASON_ERR_NO_MEMORY);
    assert_non_null(strstr(reason_last_error(), "holds 1 blocks"));
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_batch__the_sessions_own_text_stays(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    reason_session *session = new_session(m, 4, 64, 0);
    size_t n_vocab = m->model.hp.n_vocab, n;
    float *before = calloc(2 * n_vocab, sizeof *before), *after = before + n_vocab;
    int32_t tokens[] = {1, 2, 3, 4};
    assert_int_equal(reason_session_logits(session, tokens, 3, NULL), REASON_OK);
    assert_int_equal(reason_session_logits(session, tokens + 3, 1, before), REASON_OK);
    assert_int_equal(reason_session_truncate(session, 3), REASON_OK);
    make_requests(6, 8);
    assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                     REASON_OK);
    free_results();
    assert_int_equal(reason_session_length(session, &n), REASON_OK);
    assert_int_equal(n, 3);
    assert_int_equal(reason_session_logits(session, tokens + 3, 1, after), REASON_OK);
    assert_memory_equal(before, after, n_vocab * sizeof *before);
    free(before);
    reason_session_free(session);
    scripted_free(m);
}

static void test_decode_batch__every_allocation_may_fail(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    size_t n_failed = 0;
    bool refused = true; /* to have no memory for prefixes is no failure */
    make_requests(4, 12);
    all.requests[0].n_samples = 3;
    for (size_t fail_at = 1; refused; fail_at++) {
        counted_heap heap;
        heap_begin(&heap, 0, false);
        reason_session *session = new_session(m, 3, 64, 0);
        heap.fail_at = heap.n_calls + fail_at;
        reason_status status =
            reason_generate_batch(session, all.list, all.n, all.results);
        refused = heap.n_calls >= heap.fail_at;
        assert_true(status == REASON_OK || (refused && status == REASON_ERR_NO_MEMORY));
        n_failed += status != REASON_OK;
        for (size_t i = 0; i < all.n; i++)
            assert_int_equal(all.results[i] != NULL, status == REASON_OK);
        free_results();
        reason_session_free(session);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    assert_true(n_failed > 50);
    scripted_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_batch__less_room_is_the_same_context),
        cmocka_unit_test(test_decode_batch__results_are_those_alone),
        cmocka_unit_test(test_decode_batch__memory_is_not_exceeded),
        cmocka_unit_test(test_decode_batch__a_common_beginning_is_computed_once),
        cmocka_unit_test(test_decode_batch__passes_are_shared),
        cmocka_unit_test(test_decode_batch__samples_do_not_depend_on_their_number),
        cmocka_unit_test(test_decode_batch__one_may_be_cancelled),
        cmocka_unit_test(test_decode_batch__cancelled_in_the_prompt),
        cmocka_unit_test(test_decode_batch__all_may_be_cancelled),
        cmocka_unit_test(test_decode_batch__all_that_wait_are_cancelled),
        cmocka_unit_test(test_decode_batch__what_is_refused),
        cmocka_unit_test(test_decode_batch__the_sessions_own_text_stays),
        cmocka_unit_test(test_decode_batch__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode_batch", tests, NULL, NULL);
}
