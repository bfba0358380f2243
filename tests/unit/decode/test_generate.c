/* One generation from request to result: the rules that need prompt, controller, sampler,
 * session and output together. The network is a script; random ones are in
 * test_generate_random.c. */
#include "unit/decode/ask.h"

#include <stdio.h>

#include "support/heap.h"

/* --- what is produced --------------------------------------------------------------- */

static void test_decode_generate__auto(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "\n", "a", "\n", "</think>", "\n\n", "b", "c");
    ask a;
    ask_begin(&a, m, "hi", 200);
    ask_ok(&a);
    expect_labels(&a, "MTTTMMAAM");
    expect_texts(&a, "\na\n", "bc");
    expect_finish(&a, REASON_FINISH_EOS, REASON_FINISH_EOS);
    reason_usage u = usage_of(&a);
    assert_int_equal(u.prompt_tokens, 2);
    assert_int_equal(u.thinking_tokens, 3);
    assert_int_equal(u.answer_tokens, 2);
    assert_int_equal(u.markup_tokens, 4);
    assert_int_equal(u.effort_use, REASON_EFFORT_UNUSED);
    assert_true(u.prefill_s >= 0 && u.thinking_s > 0 && u.answer_s > 0);
    assert_true(u.kv_bytes > 0);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__on_forces_the_opener(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "a", "b", "c", "</think>", "\n\n", "x");
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.thinking.mode = REASON_THINK_ON;
    ask_ok(&a);
    expect_labels(&a, "mmTMMAM"); /* the script runs on while two tokens are forced */
    expect_texts(&a, "c", "x");
    assert_true(token_at(&a, 0).logprob < -20); /* what the model thought of it */
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__off_is_an_empty_block(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "<think>", "<think>", "<think>", "<think>", "x");
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.thinking.mode = REASON_THINK_OFF;
    ask_ok(&a);
    expect_labels(&a, "mmmmAAM"); /* the fifth is banned: another token comes */
    assert_int_equal(usage_of(&a).budget, 0);
    expect_finish(&a, REASON_FINISH_EOS, REASON_FINISH_EOS);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__off_without_room_for_the_block(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    for (int32_t max_tokens = 1; max_tokens <= 6; max_tokens++) {
        ask a;
        ask_begin(&a, m, "hi", 200);
        a.thinking.mode = REASON_THINK_OFF;
        a.thinking.min_answer = -1;
        a.request.max_tokens = max_tokens;
        ask_ok(&a);
        assert_int_equal(reason_result_n_tokens(a.result), max_tokens);
        assert_int_equal(usage_of(&a).thinking_tokens, 0);
        assert_true(usage_of(&a).answer_tokens >= (max_tokens > 2 ? 1 : 0));
        ask_end(&a);
    }
    scripted_free(m);
}

static void test_decode_generate__close_text_and_wait_text(void **state) {
    (void)state;
    int32_t ids[32];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "a", "</think>", "b", "c", "d", "e", "f", "g", "h", "i",
           "j", "k", "l");
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.thinking.budget = 9;
    a.thinking.min_tokens = 3;
    a.thinking.close_text = "So:";
    ask_ok(&a); /* "Wa", "i", "t" and "S", "o", ":" */
    expect_labels(&a, "MTtttTTtttmmAAM");
    expect_texts(&a, "aWaitdeSo:", "kl");
    expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_EOS);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__end_of_text_in_a_block(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "a", "b");
    ask a;
    ask_begin(&a, m, "hi", 200);
    ask_ok(&a);
    expect_labels(&a, "MTTM");
    expect_texts(&a, "ab", "");
    expect_finish(&a, REASON_FINISH_EOS, REASON_FINISH_EOS);
    a.thinking.mode = REASON_THINK_ON;
    ask_ok(&a); /* thinking that was asked for gets its answer */
    expect_labels(&a, "mmTmmM");
    expect_texts(&a, "b", "");
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__stop_text(void **state) {
    (void)state;
    static const char *const stops[] = {"de", "never"};
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "d", "e", "</think>", "\n\n", "c", "d", "e", "f");
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.request.stops = stops;
    a.request.n_stops = 2;
    ask_ok(&a);
    expect_texts(&a, "de", "c");
    expect_labels(&a, "MTTMMAAA");
    expect_finish(&a, REASON_FINISH_STOP, REASON_FINISH_STOP);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__max_tokens(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    for (int32_t max_tokens = 1; max_tokens < 12; max_tokens++) {
        ask a;
        ask_begin(&a, m, "hi", 200);
        a.request.max_tokens = max_tokens;
        a.thinking.min_answer = -1;
        ask_ok(&a);
        assert_int_equal(reason_result_n_tokens(a.result), max_tokens);
        expect_finish(&a, REASON_FINISH_LENGTH, REASON_FINISH_LENGTH);
        ask_end(&a);
    }
    ask a;
    ask_begin(&a, m, "hi", 60);
    ask_ok(&a); /* 0: what fits */
    assert_int_equal(reason_result_n_tokens(a.result), 58);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__result_outlives_session_and_model(void **state) {
    (void)state;
    int32_t ids[8];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "a", "</think>", "\n\n", "b");
    ask a;
    ask_begin(&a, m, "hi", 200);
    ask_ok(&a);
    reason_session_free(a.session);
    a.session = NULL;
    scripted_free(m);
    expect_texts(&a, "a", "b");
    assert_int_equal(usage_of(&a).thinking_tokens, 1);
    ask_end(&a);
}

static void test_decode_generate__rows_beyond_the_vocabulary(void **state) {
    (void)state; /* padding of the embedding: such ids have no text, and count all the
                    same */
    int32_t ids[8];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "a", "a", "a", "a", "</think>", "\n\n", "b");
    m->model.hp.n_vocab += 3;
    ids[1] = ids[2] = ids[3] = (int32_t)m->model.hp.n_vocab - 1;
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.thinking.budget = 3;
    ask_ok(&a);
    expect_labels(&a, "MTTTmmAAM");
    expect_texts(&a, "", "\n\nb");
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__defaults(void **state) {
    (void)state; /* a request that says nothing is one that says this */
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    int32_t ids[8];
    SCRIPT(m, ids, "<think>", "a", "</think>", "\n\n", "b");
    ask a;
    ask_begin(&a, m, "hi", 200);
    assert_int_equal(reason_sampling_init(&a.sampling, sizeof a.sampling), REASON_OK);
    assert_true(a.sampling.temperature == 0.6f && a.sampling.top_p == 0.95f);
    assert_int_equal(a.sampling.seed, 0);
    assert_int_equal(reason_thinking_init(&a.thinking, sizeof a.thinking), REASON_OK);
    assert_int_equal(a.thinking.mode, REASON_THINK_AUTO);
    assert_int_equal(a.thinking.budget, -1);
    ask_ok(&a);
    assert_int_equal(usage_of(&a).budget, 200 - 2 - 2 - 2 - 32);
    expect_labels(&a, "MTMMAM");
    a.request.thinking = NULL;
    a.request.sampling = NULL;
    ask_ok(&a);
    assert_int_equal(usage_of(&a).budget, 200 - 2 - 2 - 2 - 32);
    expect_labels(&a, "MTMMAM");
    ask_end(&a);
    scripted_free(m);
}

/* --- the decision to close ---------------------------------------------------------- */

/* In a block: three tokens, among them the closing tag, with these logits; the rest is
 * far away. */
static void script_three(scripted *m, const int32_t *history, size_t n, float *logits) {
    (void)history;
    (void)n;
    for (size_t i = 0; i < m->model.hp.n_vocab; i++)
        logits[i] = -1000;
    logits[m->ids[0]] = 1;
    logits[m->ids[1]] = 2;
    logits[m->ids[2]] = 0.5f;
}

static void test_decode_generate__close_bias_and_temperature(void **state) {
    (void)state;
    static const float biases[] = {0, 1.5f, -2, 0.25f}, temperatures[] = {1, 1, 2, 0.5f};
    int32_t ids[3];
    scripted *m = scripted_new(script_three, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "a", "b", "</think>");
    double norm = log(exp(1) + exp(2) + exp(0.5)), others = log(exp(1) + exp(2));
    for (size_t i = 0; i < COUNT(biases); i++) {
        ask a;
        ask_begin(&a, m, "q<think>", 100);
        a.sampling.temperature = a.sampling.top_p = 1;
        a.thinking.close_bias = biases[i];
        a.thinking.close_temperature = temperatures[i];
        size_t n_close = 0;
        for (a.sampling.seed = 0; a.sampling.seed < 20; a.sampling.seed++) {
            ask_ok(&a);
            reason_token t = token_at(&a, 0);
            double own =
                others + (0.5 - others) / (double)temperatures[i] + (double)biases[i];
            double after = log(exp(others) + exp(own));
            double drawn = t.id == ids[2] ? own : t.id == ids[0] ? 1 : 2;
            double raw = t.id == ids[2] ? 0.5 : t.id == ids[0] ? 1 : 2;
            assert_true(fabs((double)t.sampled_logprob - (drawn - after)) < 1e-4);
            assert_true(fabs((double)t.logprob - (raw - norm)) <
                        1e-4); /* the model's own stays */
            n_close += t.id == ids[2];
        }
        assert_true(i != 1 || n_close > 3);
        ask_end(&a);
    }
    scripted_free(m);
}

static void test_decode_generate__close_bias_alone_decides(void **state) {
    (void)state; /* nothing to weigh it against, or nothing of its own */
    int32_t ids[4], bans[256];
    float values[256];
    scripted *m = scripted_new(script_three, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "a", "b", "</think>");
    ask a;
    ask_begin(&a, m, "q<think>", 100);
    for (int32_t i = 0; i < 256; i++) {
        bans[i] = i;
        values[i] = -INFINITY;
    }
    a.thinking.close_bias = 100;
    a.request.max_tokens = 8;
    ask_ok(&a);
    assert_int_equal(token_at(&a, 0).id, ids[2]);
    bans[0] = ids[2];
    a.sampling.bias_tokens = bans;
    a.sampling.bias_values = values;
    a.sampling.n_bias = 1;
    ask_ok(&a);
    assert_int_equal(token_at(&a, 0).id, ids[1]);
    ask_end(&a);
    scripted_free(m);
}

/* --- p_think ------------------------------------------------------------------------ */

static void script_hash(scripted *m, const int32_t *history, size_t n, float *logits) {
    for (size_t i = 0; i < m->model.hp.n_vocab; i++) {
        uint64_t state =
            m->seed * 1000003 + n * 7919 + (uint64_t)history[n - 1] * 104729 + i;
        (void)fixture_random(&state);
        logits[i] = (float)(fixture_random(&state) % 4000) / 1000.0f;
    }
}

/* log P of tokens behind a history, straight from the script. */
static double path_logprob(scripted *m, int32_t *history, size_t n, const int32_t *path,
                           size_t k) {
    float logits[1024];
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        double norm = 0;
        m->script(m, history, n, logits);
        for (size_t id = 0; id < m->model.hp.n_vocab; id++)
            norm += exp((double)logits[id]);
        sum += (double)logits[path[i]] - log(norm);
        history[n++] = path[i];
    }
    return sum;
}

static void test_decode_generate__p_think(void **state) {
    (void)state;
    for (int tags = TAGS_ARE_TOKENS; tags <= TAGS_ARE_TEXT; tags++) {
        scripted *m = scripted_new(script_hash, (script_tags)tags, NULL);
        const rsn_vocab *v = m->model.vocab;
        for (uint64_t seed = 1; seed < 20; seed++) {
            rsn_vocab_ids open = {0}, empty = {0}, prompt = {0};
            int32_t history[64];
            ask a;
            ask_begin(&a, m, "hi", 200);
            m->seed = seed;
            a.request.max_tokens = 1;
            a.thinking.min_answer = 0;
            a.sampling.repeat_penalty = 3; /* not before any bias or sampling */
            a.thinking.close_bias = 2;
            uint32_t special = REASON_TOKENS_SPECIAL;
            assert_int_equal(rsn_vocab_encode(v, "hi", 2, special, &prompt), REASON_OK);
            assert_int_equal(rsn_vocab_encode(v, "<think>", 7, special, &open),
                             REASON_OK);
            assert_int_equal(rsn_vocab_encode(v, "\n\n</think>", 10, special, &empty),
                             REASON_OK);
            memcpy(history, prompt.items, prompt.n * sizeof *history);
            double opens = path_logprob(m, history, prompt.n, open.items, open.n);
            double quiet =
                path_logprob(m, history, prompt.n + open.n, empty.items, empty.n);
            ask_ok(&a);
            double expected = exp(opens) * (1 - exp(quiet));
            assert_true(fabs(reason_result_p_think(a.result) - expected) <
                        1e-5 * expected);
            size_t held;
            assert_int_equal(reason_session_length(a.session, &held), REASON_OK);
            assert_int_equal(held, prompt.n); /* the probe is forgotten */
            rsn_free(open.items);
            rsn_free(empty.items);
            rsn_free(prompt.items);
            ask_end(&a);
        }
        scripted_free(m);
    }
}

static void test_decode_generate__p_think_is_nan(void **state) {
    (void)state; /* where there was no choice */
    static const struct {
        const char *prompt;
        reason_think_mode mode;
        int32_t budget;
    } cases[] = {
        {"hi", REASON_THINK_ON, -1},
        {"hi", REASON_THINK_OFF, -1},
        {"hi", REASON_THINK_AUTO, 0},
        {"q<think>", REASON_THINK_AUTO, -1},
        {"q<think>\n", REASON_THINK_AUTO, 9},
        {"<think>\n\n</think>\n\n", REASON_THINK_AUTO, -1},
    };
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask a;
        ask_begin(&a, m, cases[i].prompt, 100);
        a.thinking.mode = cases[i].mode;
        a.thinking.budget = cases[i].budget;
        ask_ok(&a);
        assert_true(isnan(reason_result_p_think(a.result)));
        ask_end(&a);
    }
    ask a;
    ask_begin(&a, m, "hi", 100);
    ask_ok(&a);
    assert_true(reason_result_p_think(a.result) >= 0);
    ask_end(&a);
    scripted_free(m);
}

/* --- stops from outside ------------------------------------------------------------- */

static int refuse_third(void *user, const reason_piece *piece) {
    int *n = user;
    (void)piece;
    return ++*n == 3;
}

static void test_decode_generate__callback_refuses(void **state) {
    (void)state;
    int32_t ids[4];
    int n = 0;
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    ask_begin(&a, m, "hi", 100);
    a.request.stream = refuse_third;
    a.request.stream_user = &n;
    ask_ok(&a);
    assert_int_equal(n, 3);
    expect_labels(&a, "AAA");
    expect_texts(&a, "", "xxx");
    expect_finish(&a, REASON_FINISH_CANCELLED, REASON_FINISH_CANCELLED);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__token_set_before_the_call(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    ask_begin(&a, m, "hi", 100);
    assert_int_equal(reason_cancel_token_new(&a.request.cancel), REASON_OK);
    reason_cancel_token_set(a.request.cancel);
    expect_refused(&a, REASON_ERR_CANCELLED, "cancelled");
    expect_refused(&a, REASON_ERR_CANCELLED, "cancelled"); /* it is sticky */
    char *endless = malloc(100001); /* at once: not behind the work on a long prompt */
    assert_non_null(endless);
    memset(endless, 'a', 100000);
    endless[100000] = '\0';
    a.request.text = endless;
    expect_refused(&a, REASON_ERR_CANCELLED, "cancelled");
    free(endless);
    a.request.text = "hi";
    reason_cancel_token_reset(a.request.cancel);
    reason_cancel(a.session); /* nothing runs: does nothing */
    ask_ok(&a);
    reason_cancel_token_free(a.request.cancel);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__cancel_within_a_step(void **state) {
    (void)state; /* 40 prompt tokens in chunks of 4: passes 1 to 10; 11 is the probe */
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    static const char prompt[] = "a prompt that has exactly forty tokens..";
    for (size_t at = 1; at <= 30; at++) {
        ask a;
        size_t held;
        ask_begin(&a, m, prompt, 200);
        reason_session_free(a.session);
        a.session = scripted_session(m, 200, 4);
        assert_int_equal(reason_cancel_token_new(&a.request.cancel), REASON_OK);
        m->cancel = a.request.cancel;
        m->cancel_at = at;
        reason_status status = ask_run(&a);
        assert_int_equal(m->n_forwards, at); /* none after it */
        assert_int_equal(reason_session_length(a.session, &held), REASON_OK);
        if (at <= 11) {
            assert_int_equal(status, REASON_ERR_CANCELLED);
            assert_null(a.result);
            assert_int_equal(held, at <= 10 ? (at - 1) * 4 : 40);
        } else {
            assert_int_equal(status, REASON_OK);
            expect_finish(&a, REASON_FINISH_CANCELLED, REASON_FINISH_CANCELLED);
            assert_int_equal(reason_result_n_tokens(a.result), at - 11);
            assert_int_equal(held, 40 + at - 12);
        }
        reason_cancel_token_reset(a.request.cancel);
        m->cancel_at = 0;
        ask_ok(&a); /* the session goes on as if nothing had been */
        assert_int_equal(usage_of(&a).answer_tokens, 160);
        reason_cancel_token_free(a.request.cancel);
        ask_end(&a);
    }
    scripted_free(m);
}

static void cancel_session(scripted *m) {
    if (m->n_forwards == 8)
        reason_cancel(m->user);
}

static void test_decode_generate__cancel_by_session(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    ask_begin(&a, m, "hi", 100);
    m->user = a.session;
    m->on_forward = cancel_session;
    ask_ok(&a);
    assert_int_equal(m->n_forwards, 8);
    expect_finish(&a, REASON_FINISH_CANCELLED, REASON_FINISH_CANCELLED);
    m->on_forward = NULL;
    ask_ok(&a); /* it was for that call alone */
    expect_finish(&a, REASON_FINISH_LENGTH, REASON_FINISH_LENGTH);
    ask_end(&a);
    scripted_free(m);
}

typedef struct progress_log {
    size_t n_prefill, n_generate, refuse_at;
    uint64_t last_done, total;
} progress_log;

static int on_progress(void *user, const char *stage, uint64_t done, uint64_t total) {
    progress_log *p = user;
    bool prefill = strcmp(stage, "prefill") == 0;
    assert_true(prefill || strcmp(stage, "generate") == 0);
    assert_true(done <= total);
    p->n_prefill += prefill;
    p->n_generate += !prefill;
    p->last_done = done;
    p->total = total;
    return p->n_prefill + p->n_generate == p->refuse_at;
}

static void test_decode_generate__progress(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    progress_log p = {0};
    ask_begin(&a, m, "some prompt", 100);
    a.request.progress = on_progress;
    a.request.progress_user = &p;
    a.request.max_tokens = 20;
    ask_ok(&a);
    assert_true(p.n_prefill >= 2);
    assert_int_equal(p.n_generate, 20);
    assert_int_equal(p.total, 20);
    assert_int_equal(p.last_done, 19);
    p = (progress_log){.refuse_at = 1};
    expect_refused(&a, REASON_ERR_CANCELLED, "cancelled");
    size_t before = 2;
    p = (progress_log){.refuse_at = before + 5};
    ask_ok(&a);
    expect_finish(&a, REASON_FINISH_CANCELLED, REASON_FINISH_CANCELLED);
    assert_int_equal(reason_result_n_tokens(a.result), 4);
    ask_end(&a);
    scripted_free(m);
}

/* --- sessions ----------------------------------------------------------------------- */

static void test_decode_generate__session_reuse(void **state) {
    (void)state;
    scripted *m = scripted_new(script_hash, TAGS_ARE_TOKENS, NULL);
    char text[256] = "the first question of several";
    ask a, b;
    ask_begin(&a, m, text, 400);
    m->seed = 77;
    a.sampling.temperature = 1;
    a.request.max_tokens = 30;
    for (int turn = 0; turn < 4; turn++) {
        size_t cached = 0;
        assert_int_equal(reason_session_length(a.session, &cached), REASON_OK);
        a.request.text = text;
        ask_ok(&a);
        if (turn == 0)
            assert_int_equal(usage_of(&a).cached_tokens, 0);
        else
            assert_true(usage_of(&a).cached_tokens >= 29);
        ask_begin(&b, m, text, 400);
        m->seed = 77;
        b.sampling.temperature = 1;
        b.request.max_tokens = 30;
        ask_ok(&b);
        assert_int_equal(reason_result_n_tokens(a.result),
                         reason_result_n_tokens(b.result));
        for (size_t i = 0; i < reason_result_n_tokens(a.result); i++) {
            reason_token x = token_at(&a, i), y = token_at(&b, i);
            assert_true(x.id == y.id && x.label == y.label && x.origin == y.origin);
            assert_true(x.logprob == y.logprob && x.sampled_logprob == y.sampled_logprob);
        }
        assert_true(reason_result_p_think(a.result) == reason_result_p_think(b.result));
        ask_end(&b);
        strcat(text, turn % 2 ? " and more" : "!");
    }
    a.request.text = "the first answer"; /* shares its beginning only */
    ask_ok(&a);
    assert_int_equal(usage_of(&a).cached_tokens, 10);
    ask_ok(&a);
    assert_int_equal(usage_of(&a).cached_tokens, usage_of(&a).prompt_tokens - 1);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_generate__seeds(void **state) {
    (void)state;
    scripted *m = scripted_new(script_hash, TAGS_ARE_TOKENS, NULL);
    int32_t first[40];
    size_t n_other = 0;
    ask a;
    ask_begin(&a, m, "hi", 200);
    m->seed = 5;
    a.sampling.temperature = 1;
    a.request.max_tokens = 40;
    a.thinking.budget = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        a.sampling.seed = seed / 2;
        ask_ok(&a);
        size_t n = reason_result_n_tokens(a.result), differ = 0;
        for (size_t i = 0; i < n; i++) {
            int32_t id = token_at(&a, i).id;
            differ += seed > 0 && first[i] != id;
            first[i] = id;
        }
        if (seed % 2)
            assert_int_equal(differ, 0);
        else
            n_other += differ > 0;
    }
    assert_int_equal(n_other, 3);
    ask_end(&a);
    scripted_free(m);
}

/* --- broken models ------------------------------------------------------------------ */

static void script_nan(scripted *m, const int32_t *history, size_t n, float *logits) {
    (void)history;
    for (size_t i = 0; i < m->model.hp.n_vocab; i++)
        logits[i] = m->style == 0                ? NAN
                    : m->style == 1              ? -INFINITY
                    : m->style == 2              ? INFINITY
                    : (i + n) % 3 == 0           ? NAN
                    : (i + n) % 3 == 1 || n % 5 ? -INFINITY
                                                 : INFINITY;
}

static void test_decode_generate__logits_that_are_no_numbers(void **state) {
    (void)state; /* nothing to promise but to come back, within the room and the budget */
    scripted *m = scripted_new(script_nan, TAGS_ARE_TOKENS, NULL);
    for (m->style = 0; m->style < 4; m->style++)
        for (int i = 0; i < 12; i++) {
            ask a;
            ask_begin(&a, m, i % 2 ? "q<think>" : "hi", 60);
            a.sampling.temperature = (float)(i % 3);
            a.sampling.top_k = i % 5;
            a.sampling.top_p = i % 4 ? 0.9f : 1;
            a.sampling.min_p = i % 7 ? 0 : 0.1f;
            a.sampling.repeat_penalty = 1.5f;
            a.thinking.close_bias = (float)(i % 2);
            a.thinking.budget = i;
            ask_ok(&a);
            assert_true(usage_of(&a).thinking_tokens <= (uint64_t)i);
            assert_true(reason_result_n_tokens(a.result) < 60);
            ask_end(&a);
        }
    scripted_free(m);
}

/* --- the model that ships ----------------------------------------------------------- */

static void test_decode_generate__shipped_model_within_budgets(void **state) {
    (void)state;
    static const char question[] =
        "<|im_start|>user\nWhat is 67 * 75?<|im_end|>\n<|im_start|>assistant\n";
    static const int32_t budgets[] = {-1, 0, 1, 2, 17, 40};
    const char *path = getenv("REASON_SHIPPED"), *source = getenv("REASON_SRCDIR");
    char beside[4096];
    (void)snprintf(beside, sizeof beside, "%s/share/reason-tiny.gguf",
                   source ? source : ".");
    ask a = {0};
    reason_model *model;
    reason_status status = reason_model_open(path ? path : beside, NULL, &model);
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
    assert_int_equal(reason_session_new(model, NULL, &a.session), REASON_OK);
    assert_int_equal(reason_request_init(&a.request, sizeof a.request), REASON_OK);
    assert_int_equal(reason_thinking_init(&a.thinking, sizeof a.thinking), REASON_OK);
    assert_int_equal(reason_sampling_init(&a.sampling, sizeof a.sampling), REASON_OK);
    a.sampling.temperature = 0;
    a.request.text = question;
    a.request.thinking = &a.thinking;
    a.request.sampling = &a.sampling;
    for (size_t i = 0; i < COUNT(budgets); i++) {
        a.thinking.budget = budgets[i];
        status = reason_generate(a.session, &a.request, &a.result);
        assert_int_equal(status, REASON_OK);
        uint64_t thought = usage_of(&a).thinking_tokens;
        assert_true(reason_result_n_tokens(a.result) > 1 &&
                    usage_of(&a).answer_tokens > 0);
        if (budgets[i] < 0) {
            assert_string_equal(reason_result_answer(a.result, NULL), "5025");
            assert_true(thought > 40 && reason_result_p_think(a.result) > 0.5);
        } else { /* it would think for longer */
            assert_int_equal(thought, budgets[i]);
            expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_EOS);
        }
        reason_result_free(a.result);
    }
    reason_session_free(a.session);
    reason_model_free(model);
}

/* --- memory ------------------------------------------------------------------------- */

typedef struct heap_watch {
    counted_heap heap;
    size_t calls_at[256]; /* allocations before each pass */
} heap_watch;

static void note_calls(scripted *m) {
    heap_watch *w = m->user;
    if (m->n_forwards < COUNT(w->calls_at))
        w->calls_at[m->n_forwards] = w->heap.n_calls;
}

static void test_decode_generate__token_loop_allocates_nothing(void **state) {
    (void)state; /* from the last pass of the prompt to the end of the answer */
    static const char *const stops[] = {"never there"};
    heap_watch w;
    int32_t ids[8];
    heap_begin(&w.heap, 0, false);
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "a", " the", "no. ", "\xE2\x82", "\xAC.", "x<", "</");
    m->user = &w;
    ask a;
    for (int i = 0; i < 8; i++) {
        ask_begin(&a, m, i & 1 ? "hi" : "q<think>", 400);
        a.thinking.budget = 50;
        a.thinking.min_tokens = 20;
        a.thinking.close_text = "So";
        a.request.stops = stops;
        a.request.n_stops = (size_t)(i >> 1 & 1);
        a.request.max_tokens = 150;
        a.sampling.temperature = (float)(i / 4);
        a.sampling.repeat_penalty = 1.1f;
        m->on_forward = note_calls;
        ask_ok(&a);
        m->on_forward = NULL;
        assert_int_equal(reason_result_n_tokens(a.result), 150);
        size_t last = m->n_forwards, first = last - 148; /* the pass of the first token */
        assert_true(w.calls_at[first] > 0);
        assert_int_equal(w.calls_at[last] - w.calls_at[first], 0);
        ask_end(&a);
    }
    scripted_free(m);
    assert_int_equal(w.heap.alive, 0);
    heap_end();
}

static void test_decode_generate__every_allocation_may_fail(void **state) {
    (void)state;
    static const char *const stops[] = {"zz"};
    counted_heap heap;
    int32_t ids[16];
    size_t n_failed = 0;
    for (size_t fail_at = 1;; fail_at++) {
        heap_begin(&heap, 0, false);
        scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
        SCRIPT(m, ids, "<think>", "a", "\xE2\x82", "</think>", "\n\n", "b", "z", "c");
        ask a;
        ask_begin(&a, m, "hi", 200);
        a.request.stops = stops;
        a.request.n_stops = 1;
        heap.fail_at = heap.n_calls + fail_at;
        reason_status status = ask_run(&a);
        heap.fail_at = 0;
        assert_int_equal(status == REASON_OK, a.result != NULL);
        reason_result *first = a.result;
        a.result = NULL;
        ask_ok(&a); /* session and model are sound */
        expect_texts(&a, "a\uFFFD", "bzc");
        if (status == REASON_OK)
            assert_string_equal(reason_result_answer(first, NULL), "bzc");
        reason_result_free(first);
        ask_end(&a);
        scripted_free(m);
        assert_int_equal(heap.alive, 0);
        heap_end();
        if (status == REASON_OK)
            break;
        assert_int_equal(status, REASON_ERR_NO_MEMORY);
        n_failed++;
    }
    assert_true(n_failed > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_generate__auto),
        cmocka_unit_test(test_decode_generate__on_forces_the_opener),
        cmocka_unit_test(test_decode_generate__off_is_an_empty_block),
        cmocka_unit_test(test_decode_generate__off_without_room_for_the_block),
        cmocka_unit_test(test_decode_generate__close_text_and_wait_text),
        cmocka_unit_test(test_decode_generate__end_of_text_in_a_block),
        cmocka_unit_test(test_decode_generate__stop_text),
        cmocka_unit_test(test_decode_generate__max_tokens),
        cmocka_unit_test(test_decode_generate__result_outlives_session_and_model),
        cmocka_unit_test(test_decode_generate__rows_beyond_the_vocabulary),
        cmocka_unit_test(test_decode_generate__defaults),
        cmocka_unit_test(test_decode_generate__close_bias_and_temperature),
        cmocka_unit_test(test_decode_generate__close_bias_alone_decides),
        cmocka_unit_test(test_decode_generate__p_think),
        cmocka_unit_test(test_decode_generate__p_think_is_nan),
        cmocka_unit_test(test_decode_generate__callback_refuses),
        cmocka_unit_test(test_decode_generate__token_set_before_the_call),
        cmocka_unit_test(test_decode_generate__cancel_within_a_step),
        cmocka_unit_test(test_decode_generate__cancel_by_session),
        cmocka_unit_test(test_decode_generate__progress),
        cmocka_unit_test(test_decode_generate__session_reuse),
        cmocka_unit_test(test_decode_generate__seeds),
        cmocka_unit_test(test_decode_generate__logits_that_are_no_numbers),
        cmocka_unit_test(test_decode_generate__shipped_model_within_budgets),
        cmocka_unit_test(test_decode_generate__token_loop_allocates_nothing),
        cmocka_unit_test(test_decode_generate__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode/generate", tests, NULL, NULL);
}
