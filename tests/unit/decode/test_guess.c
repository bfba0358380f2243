/* Guessing ahead: every result, and what a session holds afterwards, is that of decoding a
 * token at a time, whoever guesses and however well; and it does save passes. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "decode/guess.h"
#include "support/heap.h"

enum { MOST = 48, ROOM = 400, FAVOURITES = 14 };

/* --- a model that likes to repeat itself ------------------------------------------------ */

static int32_t favourites[FAVOURITES];

static double share_of(uint64_t digest, size_t i) {
    uint64_t state = digest * UINT64_C(0x9E3779B97F4A7C15) + i;
    (void)fixture_random(&state);
    return (double)(fixture_random(&state) % 100000) * 1e-5;
}

/* The last token decides about the next one, of a few; everything before it shows in the
 * logits as well, so that a cache with a wrong token in it would. */
static void script_habit(scripted *m, const int32_t *history, size_t n, float *logits) {
    uint64_t near = m->seed * 31 + (uint64_t)history[n - 1] % 5, far = n;
    for (size_t i = 0; i < n; i++)
        far = (far ^ (uint64_t)history[i]) * UINT64_C(0x100000001B3);
    for (size_t i = 0; i < m->model.hp.n_vocab; i++)
        logits[i] = (float)share_of(far, i);
    for (size_t i = 0; i < FAVOURITES; i++)
        logits[favourites[i]] += (float)(6 * share_of(near, i)) + (i < 10 ? 1.0f : 0.0f);
}

static scripted *new_habit(script_tags tags, uint64_t seed) {
    scripted *m = scripted_new(script_habit, tags, NULL);
    m->seed = seed;
    for (size_t i = 0; i < FAVOURITES; i++)
        favourites[i] = 'a' + (int32_t)i;
    favourites[8] = token_of(m, "no. ");
    favourites[9] = token_of(m, "\n");
    if (tags == TAGS_ARE_TOKENS) {
        favourites[10] = token_of(m, "<think>");
        favourites[11] = token_of(m, "</think>");
    }
    favourites[12] = token_of(m, "<|im_end|>");
    return m;
}

/* --- requests ------------------------------------------------------------------------- */

static const char *const STOPS[] = {"fff", "ba", "no. a"};

typedef struct asks {
    reason_request requests[MOST];
    reason_thinking thinking[MOST];
    reason_sampling sampling[MOST];
    char prompts[MOST][ROOM];
    const reason_request *list[MOST];
    reason_result *results[MOST], *wanted[MOST];
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
    all.results[i] = all.wanted[i] = NULL;
}

static void choose_sampling(reason_sampling *s) {
    s->seed = random_below(1000);
    s->temperature = random_below(2) == 0 ? 0 : 0.5f + 0.1f * (float)random_below(6);
    s->top_k = random_below(3) == 0 ? 5 : 0;
    if (random_below(3) == 0) {
        s->repeat_penalty = 1.1f;
        s->presence_penalty = 0.1f * (float)random_below(5);
        s->frequency_penalty = 0.05f * (float)random_below(5);
        s->penalty_window = (int32_t)random_below(40) - 1;
    }
}

static void choose_thinking(reason_thinking *t) {
    t->mode = (reason_think_mode)random_below(3);
    t->budget = (int32_t)random_below(40) - 1;
    t->min_answer = 0;
    t->min_tokens = random_below(3) == 0 ? (int32_t)random_below(20) : 0;
    t->close_text = random_below(4) == 0 ? "so: " : NULL;
    t->grace = random_below(4) == 0 ? 4 : 0;
    t->close_bias = random_below(4) == 0 ? 1 : 0;
    t->exit_agreement = random_below(5) == 0 ? 2 : 0;
    t->probe_every = (int32_t)random_below(6);
    t->loop_guard = random_below(5) == 0 ? 3 : 0;
    t->think_threshold = random_below(5) == 0 ? 0.01f : 0;
    t->chunk = random_below(5) == 0 ? (int32_t)(2 + random_below(20)) : 0;
}

/* Of every kind; prompts begin alike in groups and repeat themselves. */
static void make_requests(size_t n, uint64_t seed) {
    random_state = seed;
    all.n = n;
    for (size_t i = 0; i < n; i++) {
        request_init(i);
        size_t group = random_below(3), common = random_below(150), at = 0;
        for (; at < common; at++)
            all.prompts[i][at] = (char)('a' + (at * (group + 1) + group) % 8);
        for (size_t end = at + 1 + random_below(80); at < end; at++)
            all.prompts[i][at] = (char)('a' + random_below(4));
        all.prompts[i][at] = '\0';
        all.requests[i].max_tokens = random_below(8) ? (int32_t)(1 + random_below(90)) : 0;
        if (random_below(3) == 0) {
            all.requests[i].stops = STOPS;
            all.requests[i].n_stops = COUNT(STOPS);
        }
        choose_thinking(&all.thinking[i]);
        choose_sampling(&all.sampling[i]);
    }
}

static void free_results(void) {
    for (size_t i = 0; i < all.n; i++) {
        reason_result_free(all.results[i]);
        all.results[i] = NULL;
    }
}

static void free_wanted(void) {
    for (size_t i = 0; i < all.n; i++) {
        reason_result_free(all.wanted[i]);
        all.wanted[i] = NULL;
    }
}

static reason_usage usage_of(const reason_result *r) {
    reason_usage u = {.size = sizeof u};
    assert_int_equal(reason_result_usage(r, &u), REASON_OK);
    return u;
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
    reason_usage u = usage_of(found), v = usage_of(wanted);
    assert_int_equal(u.prompt_tokens, v.prompt_tokens);
    assert_int_equal(u.thinking_tokens, v.thinking_tokens);
    assert_int_equal(u.answer_tokens, v.answer_tokens);
    assert_int_equal(u.markup_tokens, v.markup_tokens);
    assert_true(u.accepted_tokens <= u.guessed_tokens);
    assert_true(u.accepted_tokens <= n);
    assert_int_equal(v.guessed_tokens, 0);
}

/* --- sessions -------------------------------------------------------------------------- */

typedef struct kind {
    int32_t n_guess, lookup;
    enum { NO_DRAFT, TWIN, STRANGER, SHORT } draft;
    int32_t n_parallel, n_chunk;
    size_t n_blocks; /* of memory; 0: no limit */
    script_tags tags;
} kind;

static reason_session *new_session(scripted *m, scripted *draft, const kind *k) {
    reason_session_options o;
    reason_session *session;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_ctx = 300;
    o.n_chunk = k->n_chunk;
    o.n_threads = 1;
    o.n_parallel = k->n_parallel;
    o.n_guess = k->n_guess;
    o.lookup = k->lookup;
    o.draft = draft ? &draft->model : NULL;
    o.memory_limit = k->n_blocks * RSN_KV_BLOCK *
                     rsn_kv_position_bytes(&m->model.hp, rsn_kv_type(0));
    reason_status status = reason_session_new(&m->model, &o, &session);
    if (status != REASON_OK)
        print_error("%s\n", reason_last_error());
    assert_int_equal(status, REASON_OK);
    return session;
}

/* Without guesses; the one block that a batch may need more is not there alone. */
static reason_session *new_plain(scripted *m, const kind *k) {
    kind plain = {.n_parallel = 1, .n_chunk = 64};
    plain.n_blocks = k->n_blocks ? k->n_blocks - 1 : 0;
    return new_session(m, NULL, &plain);
}

static scripted *new_draft(const kind *k, uint64_t seed) {
    if (k->draft == NO_DRAFT)
        return NULL;
    scripted *draft = new_habit(k->tags, k->draft == STRANGER ? seed + 99 : seed);
    if (k->draft == SHORT)
        draft->model.hp.n_ctx = 100;
    return draft;
}

/* Tokens and cache as if there had been no guesses. */
static void expect_same_session(const reason_session *found, const reason_session *plain) {
    const rsn_timeline *a = &found->line, *b = &plain->line;
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->kv.n, b->kv.n);
    assert_int_equal(a->n_ahead, 0);
    assert_memory_equal(a->tokens, b->tokens, a->n * sizeof *a->tokens);
    for (size_t i = 0; i < a->n; i++)
        assert_int_equal(*script_cell((rsn_kv *)(uintptr_t)&a->kv, i), a->tokens[i]);
}

static const kind KINDS[] = {
    {8, 2, NO_DRAFT, 48, 64, 0, TAGS_ARE_TOKENS},
    {4, 0, NO_DRAFT, 5, 3, 0, TAGS_ARE_TOKENS},
    {64, 1, NO_DRAFT, 48, 64, 20, TAGS_ARE_TOKENS},
    {7, 1, NO_DRAFT, 7, 10, 11, TAGS_ARE_TEXT},
    {5, 0, TWIN, 16, 64, 0, TAGS_ARE_TOKENS},
    {3, 0, STRANGER, 16, 64, 0, TAGS_ARE_TOKENS},
    {6, 3, TWIN, 48, 3, 20, TAGS_ARE_TOKENS},
    {64, 2, STRANGER, 7, 10, 11, TAGS_ARE_TEXT},
    {4, 0, SHORT, 9, 20, 0, TAGS_ARE_TOKENS},
    {1, 4, TWIN, 1, 1, 0, NO_TAGS},
    {8, 0, TWIN, 9, 16, 13, TAGS_ARE_TEXT},
};

static void make_for(const kind *k, uint64_t seed) {
    make_requests(MOST, seed);
    for (size_t i = 0; i < all.n && k->tags == NO_TAGS; i++)
        assert_int_equal(reason_thinking_init(&all.thinking[i], sizeof *all.thinking),
                         REASON_OK);
}

/* --- equality -------------------------------------------------------------------------- */

static void test_decode_guess__alone(void **state) {
    (void)state;
    uint64_t guessed = 0, accepted = 0;
    for (size_t k = 0; k < COUNT(KINDS); k++) {
        scripted *m = new_habit(KINDS[k].tags, k);
        scripted *draft = new_draft(&KINDS[k], k);
        reason_session *plain = new_plain(m, &KINDS[k]);
        kind alone = KINDS[k];
        alone.n_blocks = alone.n_blocks ? alone.n_blocks - 1 : 0;
        reason_session *session = new_session(m, draft, &alone);
        make_for(&KINDS[k], k + 1);
        for (size_t i = 0; i < all.n; i++) {
            assert_int_equal(reason_generate(plain, all.list[i], &all.wanted[i]),
                             REASON_OK);
            assert_int_equal(reason_generate(session, all.list[i], &all.results[i]),
                             REASON_OK);
            expect_same(all.results[i], all.wanted[i]);
            expect_same_session(session, plain);
            guessed += usage_of(all.results[i]).guessed_tokens;
            accepted += usage_of(all.results[i]).accepted_tokens;
        }
        free_results();
        free_wanted();
        reason_session_free(session);
        reason_session_free(plain);
        scripted_free(m);
        if (draft)
            scripted_free(draft);
    }
    assert_true(accepted > 1000); /* or it shows nothing, */
    assert_true(guessed - accepted > 1000); /* either way */
}

static void test_decode_guess__in_batches(void **state) {
    (void)state;
    uint64_t accepted = 0;
    for (size_t k = 0; k < COUNT(KINDS); k++) {
        scripted *m = new_habit(KINDS[k].tags, k);
        scripted *draft = new_draft(&KINDS[k], k);
        reason_session *plain = new_plain(m, &KINDS[k]);
        reason_session *session = new_session(m, draft, &KINDS[k]);
        make_for(&KINDS[k], k + 100);
        all.requests[5].n_samples = 4;
        for (size_t i = 0; i < all.n; i++)
            assert_int_equal(reason_generate(plain, all.list[i], &all.wanted[i]),
                             REASON_OK);
        for (int round = 0; round < 2; round++) { /* the second finds prefixes */
            assert_int_equal(
                reason_generate_batch(session, all.list, all.n, all.results), REASON_OK);
            for (size_t i = 0; i < all.n; i++)
                for (size_t s = 0; s < reason_result_n_samples(all.wanted[i]); s++) {
                    const reason_result *found = reason_result_sample(all.results[i], s);
                    expect_same(found, reason_result_sample(all.wanted[i], s));
                    accepted += usage_of(found).accepted_tokens;
                }
            free_results();
        }
        free_wanted();
        reason_session_free(session);
        reason_session_free(plain);
        scripted_free(m);
        if (draft)
            scripted_free(draft);
    }
    assert_true(accepted > 2000);
}

/* --- what it saves ---------------------------------------------------------------------- */

static void ask_long(reason_session *session, reason_usage *u) {
    reason_result *result;
    make_requests(1, 1);
    request_init(0);
    all.sampling[0].temperature = 0;
    all.thinking[0].mode = REASON_THINK_OFF;
    all.requests[0].max_tokens = 120;
    assert_int_equal(reason_generate(session, all.list[0], &result), REASON_OK);
    assert_int_equal(reason_result_n_tokens(result), 120);
    *u = usage_of(result);
    reason_result_free(result);
}

static void test_decode_guess__a_draft_that_knows_is_believed(void **state) {
    (void)state;
    static const kind k = {.n_guess = 5, .n_parallel = 1, .n_chunk = 64};
    scripted *m = scripted_new(script_digest, NO_TAGS, NULL);
    scripted *draft = scripted_new(script_digest, NO_TAGS, NULL);
    reason_session *session = new_session(m, draft, &k);
    reason_usage u;
    m->n_forwards = 0;
    ask_long(session, &u);
    assert_true(u.accepted_tokens >= 95);
    assert_true((double)u.accepted_tokens >= 0.95 * (double)u.guessed_tokens);
    assert_true(m->n_forwards <= 120 / 6 + 6);
    reason_session_free(session);
    draft->seed++; /* one that knows nothing is asked less and less */
    session = new_session(m, draft, &k);
    m->n_forwards = draft->n_tokens = 0;
    ask_long(session, &u);
    assert_true(u.accepted_tokens <= 3);
    assert_in_range(u.guessed_tokens, 5, 25);
    assert_in_range(m->n_forwards, 117, 125);
    reason_session_free(session);
    scripted_free(draft);
    scripted_free(m);
}

static void test_decode_guess__what_repeats_is_looked_up(void **state) {
    (void)state;
    static const kind k = {.n_guess = 8, .n_parallel = 1, .n_chunk = 64};
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    int32_t ids[] = {'o', 'n', 'c', 'e', ' ', 'm'};
    reason_usage u;
    m->ids = ids;
    m->n_ids = COUNT(ids);
    reason_session *session = new_session(m, NULL, &k);
    m->n_forwards = 0;
    ask_long(session, &u);
    assert_true(m->n_forwards <= 120 / 9 + 15);
    assert_true((double)u.accepted_tokens >= 0.9 * (double)u.guessed_tokens);
    reason_session_free(session);
    scripted_free(m);
}

/* In one batch all drafts go through the draft's passes together. */
static void test_decode_guess__drafts_share_passes(void **state) {
    (void)state;
    enum { N = 12 };
    static const kind k = {.n_guess = 4, .n_parallel = N, .n_chunk = 64};
    scripted *m = scripted_new(script_digest, NO_TAGS, NULL);
    scripted *draft = scripted_new(script_digest, NO_TAGS, NULL);
    reason_session *session = new_session(m, draft, &k);
    make_requests(N, 6);
    for (size_t i = 0; i < N; i++) {
        request_init(i);
        all.sampling[i].temperature = 0;
        all.requests[i].max_tokens = 60;
    }
    m->n_forwards = 0;
    assert_int_equal(reason_generate_batch(session, all.list, N, all.results), REASON_OK);
    assert_true(m->n_forwards <= 60);
    assert_true(draft->n_forwards <= 5 * m->n_forwards);
    free_results();
    reason_session_free(session);
    scripted_free(draft);
    scripted_free(m);
}

/* --- ends ------------------------------------------------------------------------------- */

static int refuse_at(void *user, const char *stage, uint64_t done, uint64_t total) {
    (void)total;
    return strcmp(stage, "generate") == 0 && done == *(const uint64_t *)user;
}

/* Between two tokens of one pass, too. */
static void test_decode_guess__a_cancel_cuts_where_it_comes(void **state) {
    (void)state;
    static const kind k = {.n_guess = 8, .n_parallel = 4, .n_chunk = 64};
    scripted *m = new_habit(NO_TAGS, 3);
    scripted *draft = new_habit(NO_TAGS, 3);
    reason_session *plain = new_plain(m, &k), *session = new_session(m, draft, &k);
    for (uint64_t at = 0; at < 40; at++) {
        make_requests(1, 7);
        request_init(0);
        all.requests[0].progress = refuse_at;
        all.requests[0].progress_user = &at;
        all.requests[0].max_tokens = 60;
        all.sampling[0].seed = at / 8;
        assert_int_equal(reason_generate(plain, all.list[0], &all.wanted[0]), REASON_OK);
        assert_int_equal(reason_generate(session, all.list[0], &all.results[0]),
                         REASON_OK);
        expect_same(all.results[0], all.wanted[0]);
        expect_same_session(session, plain);
        free_results();
        assert_int_equal(reason_generate_batch(session, all.list, 1, all.results),
                         REASON_OK);
        expect_same(all.results[0], all.wanted[0]);
        free_results();
        free_wanted();
    }
    reason_session_free(session);
    reason_session_free(plain);
    scripted_free(draft);
    scripted_free(m);
}

static void test_decode_guess__a_cancelled_pass(void **state) {
    (void)state;
    static const kind k = {.n_guess = 4, .lookup = 1, .n_parallel = 2, .n_chunk = 64};
    reason_cancel_token *token;
    assert_int_equal(reason_cancel_token_new(&token), REASON_OK);
    for (size_t at = 2; at < 20; at++) {
        scripted *m = new_habit(NO_TAGS, 3), *draft = new_habit(NO_TAGS, 3);
        reason_session *session = new_session(m, draft, &k), *again = new_plain(m, &k);
        make_requests(1, 8);
        request_init(0);
        all.requests[0].max_tokens = 60;
        all.requests[0].cancel = token;
        assert_int_equal(reason_generate(again, all.list[0], &all.wanted[0]), REASON_OK);
        scripted *cancels = at % 2 ? m : draft;
        cancels->cancel = token;
        cancels->n_forwards = 0;
        cancels->cancel_at = at / 2 + 1;
        assert_int_equal(reason_generate(session, all.list[0], &all.results[0]),
                         REASON_OK);
        assert_int_equal(session->line.n, session->line.kv.n);
        reason_cancel_token_reset(token);
        cancels->cancel_at = 0;
        free_results(); /* and once more, from what is there */
        assert_int_equal(reason_generate(session, all.list[0], &all.results[0]),
                         REASON_OK);
        expect_same(all.results[0], all.wanted[0]);
        free_results();
        free_wanted();
        reason_session_free(session);
        reason_session_free(again);
        scripted_free(draft);
        scripted_free(m);
    }
    reason_cancel_token_free(token);
}

/* --- memory ------------------------------------------------------------------------------ */

static void test_decode_guess__memory_does_not_grow(void **state) {
    (void)state;
    static const kind k = {.n_guess = 6, .lookup = 3, .n_parallel = 6, .n_chunk = 64};
    scripted *m = new_habit(TAGS_ARE_TOKENS, 5), *draft = new_habit(TAGS_ARE_TOKENS, 5);
    counted_heap heap;
    size_t n_bytes = 0;
    heap_begin(&heap, 0, false);
    reason_session *session = new_session(m, draft, &k);
    make_requests(12, 5);
    for (int round = 0; round < 20; round++) {
        assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                         REASON_OK);
        free_results();
        for (size_t i = 0; i < all.n; i++)
            assert_int_equal(reason_generate(session, all.list[i], &all.results[i]),
                             REASON_OK);
        free_results();
        n_bytes = round == 4 ? heap.n_bytes : n_bytes;
    }
    assert_true(heap.n_bytes <= n_bytes);
    assert_true(session->prefixes.n <= 300 / RSN_KV_BLOCK + 1);
    uint64_t kv, own = rsn_kv_bytes(&session->line.kv);
    assert_int_equal(reason_session_kv_bytes(session, &kv), REASON_OK);
    assert_true(kv - own <= 2 * (300 / RSN_KV_BLOCK + 1) * session->line.kv.block_bytes);
    assert_int_equal(reason_session_reset(session), REASON_OK);
    assert_int_equal(rsn_drafter_kv_bytes(session->drafter), 0);
    reason_session_free(session);
    assert_int_equal(heap.alive, 0);
    heap_end();
    scripted_free(draft);
    scripted_free(m);
}

/* Logits of so many rows cannot be had: there are fewer guesses, and nothing fails. */
static void test_decode_guess__without_memory_for_rows(void **state) {
    (void)state;
    static const kind k = {.n_guess = 40, .lookup = 1, .n_parallel = 6, .n_chunk = 64};
    scripted *m = new_habit(TAGS_ARE_TOKENS, 5);
    counted_heap heap;
    make_requests(6, 5);
    reason_session *plain = new_plain(m, &k);
    for (size_t i = 0; i < all.n; i++)
        assert_int_equal(reason_generate(plain, all.list[i], &all.wanted[i]), REASON_OK);
    for (int batch = 0; batch < 2; batch++) {
        heap_begin(&heap, 0, false);
        reason_session *session = new_session(m, NULL, &k);
        heap.largest = 16 * m->model.hp.n_vocab * sizeof(float) - 1;
        if (batch)
            assert_int_equal(
                reason_generate_batch(session, all.list, all.n, all.results), REASON_OK);
        for (size_t i = 0; i < all.n; i++) {
            if (!batch)
                assert_int_equal(reason_generate(session, all.list[i], &all.results[i]),
                                 REASON_OK);
            expect_same(all.results[i], all.wanted[i]);
        }
        free_results();
        reason_session_free(session);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    free_wanted();
    reason_session_free(plain);
    scripted_free(m);
}

/* What a batch leaves for others ends where the output does. */
static void test_decode_guess__no_guess_is_kept(void **state) {
    (void)state;
    static const kind k = {.n_guess = 8, .n_parallel = 1, .n_chunk = 64};
    static const char *const stops[] = {"fabcdefabcdefabcdefab"};
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    int32_t ids[] = {'a', 'b', 'c', 'd', 'e', 'f'}, tokens[200];
    m->ids = ids;
    m->n_ids = COUNT(ids);
    make_requests(1, 1);
    request_init(0);
    snprintf(all.prompts[0], ROOM, "xxxxx");
    all.requests[0].stops = stops;
    all.requests[0].n_stops = 1;
    reason_session *session = new_session(m, NULL, &k);
    assert_int_equal(reason_generate_batch(session, all.list, 1, all.results), REASON_OK);
    size_t n = reason_result_n_tokens(all.results[0]);
    for (size_t i = 0; i < COUNT(tokens); i++)
        tokens[i] = i < 5 ? 'x' : ids[i % COUNT(ids)];
    assert_true(usage_of(all.results[0]).accepted_tokens > 5);
    assert_int_equal(rsn_prefixes_match(&session->prefixes, tokens, COUNT(tokens)),
                     5 + n - 1);
    free_results();
    reason_session_free(session);
    scripted_free(m);
}

/* Blocks are so large that all else takes less than two of them; the draft may take as
 * many. */
static void test_decode_guess__limits_hold(void **state) {
    (void)state;
    enum { BLOCKS = 12 };
    kind k = {.n_guess = 8, .lookup = 1, .n_parallel = MOST, .n_chunk = 64};
    k.n_blocks = BLOCKS;
    for (int with_draft = 0; with_draft < 2; with_draft++) {
        scripted *m = new_habit(TAGS_ARE_TOKENS, 2);
        scripted *draft = with_draft ? new_habit(TAGS_ARE_TOKENS, 2) : NULL;
        m->model.hp.n_layers = 4000;
        if (draft)
            draft->model.hp.n_layers = 4000;
        counted_heap heap;
        make_requests(MOST, 9);
        heap_begin(&heap, 0, false);
        reason_session *session = new_session(m, draft, &k);
        size_t before = heap.n_bytes;
        assert_int_equal(reason_generate_batch(session, all.list, all.n, all.results),
                         REASON_OK);
        size_t most = session->line.kv.block_bytes * (1 + (size_t)with_draft);
        assert_true(heap.peak - before < (BLOCKS + 2) * most);
        free_results();
        reason_session_free(session);
        assert_int_equal(heap.alive, 0);
        heap_end();
        scripted_free(m);
        if (draft)
            scripted_free(draft);
    }
}

static void test_decode_guess__every_allocation_may_fail(void **state) {
    (void)state;
    static const kind k = {.n_guess = 4, .lookup = 2, .n_parallel = 3, .n_chunk = 64};
    scripted *m = new_habit(TAGS_ARE_TOKENS, 4), *draft = new_habit(TAGS_ARE_TOKENS, 4);
    size_t n_failed = 0, n_done_without = 0;
    bool refused = true;
    make_requests(4, 12);
    reason_session *plain = new_plain(m, &k);
    for (size_t i = 0; i < all.n; i++)
        assert_int_equal(reason_generate(plain, all.list[i], &all.wanted[i]), REASON_OK);
    for (size_t fail_at = 1; refused; fail_at++) {
        counted_heap heap;
        heap_begin(&heap, 0, false);
        reason_session *session = new_session(m, draft, &k);
        heap.fail_at = heap.n_calls + fail_at;
        reason_status status =
            reason_generate_batch(session, all.list, all.n, all.results);
        for (size_t i = 0; i < all.n && status == REASON_OK; i++) {
            expect_same(all.results[i], all.wanted[i]);
            reason_result *alone = NULL;
            status = reason_generate(session, all.list[i], &alone);
            if (status == REASON_OK)
                expect_same(alone, all.wanted[i]);
            reason_result_free(alone);
        }
        refused = heap.n_calls >= heap.fail_at;
        assert_true(status == REASON_OK || (refused && status == REASON_ERR_NO_MEMORY));
        n_failed += status != REASON_OK;
        n_done_without += refused && status == REASON_OK;
        free_results();
        reason_session_free(session);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    assert_true(n_failed > 50);
    assert_true(n_done_without > 20);
    free_wanted();
    reason_session_free(plain);
    scripted_free(draft);
    scripted_free(m);
}

/* --- options ----------------------------------------------------------------------------- */

static void refuse(scripted *m, int32_t n_guess, int32_t lookup, scripted *draft,
                   reason_status wanted, const char *words) {
    reason_session_options o;
    reason_session *session = (reason_session *)m;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_guess = n_guess;
    o.lookup = lookup;
    o.draft = draft ? &draft->model : NULL;
    assert_int_equal(reason_session_new(&m->model, &o, &session), wanted);
    assert_null(session);
    assert_non_null(strstr(reason_last_error(), words));
}

static void test_decode_guess__what_is_refused(void **state) {
    (void)state;
    scripted *m = new_habit(TAGS_ARE_TOKENS, 0), *other = new_habit(NO_TAGS, 0);
    m->model.gguf.path = "one.gguf";
    other->model.gguf.path = "other.gguf";
    refuse(m, -1, 0, NULL, REASON_ERR_INVALID_ARG, "n_guess -1");
    refuse(m, 65, 0, NULL, REASON_ERR_INVALID_ARG, "n_guess 65");
    refuse(m, 4, 33, NULL, REASON_ERR_INVALID_ARG, "lookup 33");
    refuse(m, 0, 2, NULL, REASON_ERR_INVALID_ARG, "n_guess 0");
    refuse(m, 0, 0, m, REASON_ERR_INVALID_ARG, "n_guess 0");
    refuse(m, 4, 0, other, REASON_ERR_MISMATCH, "draft: one.gguf has a vocabulary");
    other->model.arch = NULL;
    refuse(m, 4, 0, other, REASON_ERR_MISMATCH, "no weights");
    m->model.gguf.path = other->model.gguf.path = NULL;
    scripted_free(other);
    scripted_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_guess__alone),
        cmocka_unit_test(test_decode_guess__in_batches),
        cmocka_unit_test(test_decode_guess__a_draft_that_knows_is_believed),
        cmocka_unit_test(test_decode_guess__what_repeats_is_looked_up),
        cmocka_unit_test(test_decode_guess__drafts_share_passes),
        cmocka_unit_test(test_decode_guess__a_cancel_cuts_where_it_comes),
        cmocka_unit_test(test_decode_guess__a_cancelled_pass),
        cmocka_unit_test(test_decode_guess__memory_does_not_grow),
        cmocka_unit_test(test_decode_guess__without_memory_for_rows),
        cmocka_unit_test(test_decode_guess__no_guess_is_kept),
        cmocka_unit_test(test_decode_guess__limits_hold),
        cmocka_unit_test(test_decode_guess__every_allocation_may_fail),
        cmocka_unit_test(test_decode_guess__what_is_refused),
    };
    return cmocka_run_group_tests_name("decode_guess", tests, NULL, NULL);
}
