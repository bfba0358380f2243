/* Ways to think beyond the budget: each policy against what it says, worked out here by
 * hand or by a slow reference, alone and beside others. */
#include "unit/decode/ask.h"

/* --- a model that thinks in lines ----------------------------------------------------- */

/* Behind a prompt of m->seed tokens it opens a block and writes "a" and a line's end in
 * turns. Wherever the block closes it answers with a letter and the end, by how many lines
 * there are: ANSWERS[lines], with the logit SURE[lines]. */
enum { MOST_LINES = 12 };
static const char ANSWERS[MOST_LINES + 1] = "xyzzzqqqqqqqq";
static const float SURE[MOST_LINES + 1] = {-18, -17, -16, -13, -14.5f, -12, -9,
                                           -7,  -5,  -3,  0,      2,   5};

static void script_lines(scripted *m, const int32_t *history, size_t n, float *logits) {
    int32_t open = token_of(m, "<think>"), close = token_of(m, "</think>");
    int32_t line = token_of(m, "\n");
    size_t n_lines = 0, behind = SIZE_MAX;
    for (size_t i = (size_t)m->seed; i < n; i++) {
        n_lines += history[i] == line && behind == SIZE_MAX;
        if (history[i] == close)
            behind = 0;
        else if (behind != SIZE_MAX && history[i] != token_of(m, "\n\n"))
            behind++;
    }
    flat(m, logits);
    n_lines = n_lines < MOST_LINES ? n_lines : MOST_LINES;
    if (behind == 0)
        logits[(unsigned char)ANSWERS[n_lines]] = SURE[n_lines];
    else if (behind != SIZE_MAX)
        logits[rsn_vocab_eos(m->model.vocab)] = 10;
    else if (n == m->seed)
        logits[open] = 10;
    else
        logits[history[n - 1] == token_of(m, "a") ? line : token_of(m, "a")] = 10;
}

/* Of the answer's letter after so many lines, in a slow way. */
static double letter_share(const scripted *m, size_t n_lines, double *entropy) {
    double all = 0, best = 0, sum = 0;
    for (size_t i = 0; i < m->model.hp.n_vocab; i++) {
        double logit = i == (size_t)ANSWERS[n_lines]
                           ? (double)SURE[n_lines]
                           : (double)(-20.0f - (float)(i % 7) * 0.01f);
        all += exp(logit);
        sum += exp(logit) * logit;
        best = i == (size_t)ANSWERS[n_lines] ? exp(logit) : best;
    }
    *entropy = log(all) - sum / all;
    return best / all;
}

static scripted *begin_lines(ask *a, int32_t n_ctx) {
    scripted *m = scripted_new(script_lines, TAGS_ARE_TOKENS, NULL);
    ask_begin(a, m, "hi", n_ctx);
    a->request.max_tokens = 60;
    return m;
}

/* That it closed after so many lines for this reason and answered accordingly. */
static void expect_lines(const ask *a, size_t n_lines, reason_finish finish) {
    char thinking[64] = "", answer[2] = {ANSWERS[n_lines], '\0'};
    for (size_t i = 0; i < n_lines; i++)
        strcat(thinking, "a\n");
    expect_texts(a, thinking, answer);
    expect_finish(a, finish, REASON_FINISH_EOS);
    assert_int_equal(usage_of(a).thinking_tokens, 2 * n_lines);
}

/* --- early exits ------------------------------------------------------------------------ */

static void test_decode_policies__exit_confidence(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    for (size_t i = 1; i < 25; i++) {
        double entropy, threshold = (double)(float)(0.04 * (double)i);
        size_t lines = 1;
        while (lines < MOST_LINES && letter_share(m, lines, &entropy) < threshold)
            lines++;
        a.thinking.exit_confidence = (float)threshold;
        ask_ok(&a);
        expect_lines(&a, lines, REASON_FINISH_EARLY_EXIT);
    }
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__exit_entropy(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    for (size_t i = 1; i < 25; i++) {
        double entropy = 0, threshold = (double)(float)(0.25 * (double)i);
        size_t lines = 1;
        while (lines < MOST_LINES &&
               (letter_share(m, lines, &entropy), entropy > threshold))
            lines++;
        a.thinking.exit_entropy = (float)threshold;
        ask_ok(&a);
        expect_lines(&a, lines, REASON_FINISH_EARLY_EXIT);
    }
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__exit_variance(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    for (size_t i = 1; i < 40; i++) {
        double entropy, mean = 0, variance = 0, threshold = (double)(float)(3.0 / (double)(i * i));
        size_t lines = 1;
        for (;; lines++) { /* as the paper has it: first the variance, then the mean */
            letter_share(m, lines, &entropy);
            double off = lines == 1 ? 0 : entropy - mean;
            variance = 0.8 * variance + 0.8 * 0.2 * off * off;
            mean = lines == 1 ? entropy : 0.8 * mean + 0.2 * entropy;
            if ((lines >= 3 && variance <= threshold) || lines == MOST_LINES)
                break;
        }
        a.thinking.exit_variance = (float)threshold;
        ask_ok(&a);
        if (variance <= threshold)
            expect_lines(&a, lines, REASON_FINISH_EARLY_EXIT);
    }
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__exit_agreement(void **state) {
    (void)state;
    static const struct {
        int32_t times;
        size_t lines;
    } cases[] = {{2, 3}, {3, 4}, {4, 8}, {5, 9}}; /* y z z z q q q q q */
    ask a;
    scripted *m = begin_lines(&a, 200);
    for (size_t i = 0; i < COUNT(cases); i++) {
        a.thinking.exit_agreement = cases[i].times;
        ask_ok(&a);
        expect_lines(&a, cases[i].lines, REASON_FINISH_EARLY_EXIT);
    }
    ask_end(&a);
    scripted_free(m);
}

/* An exit that never comes leaves nothing behind but its cost. */
static void test_decode_policies__probes_leave_no_trace(void **state) {
    (void)state;
    scripted *m = scripted_new(script_digest, TAGS_ARE_TOKENS, NULL);
    for (uint64_t seed = 1; seed < 40; seed++) {
        ask plain, probed;
        size_t n_plain, n_probed;
        ask_begin(&plain, m, "hello", 300);
        ask_begin(&probed, m, "hello", 300);
        ask *const both[] = {&plain, &probed};
        m->seed = seed;
        for (size_t i = 0; i < 2; i++) {
            both[i]->thinking.mode = REASON_THINK_ON;
            both[i]->thinking.budget = 60;
            both[i]->request.max_tokens = 100;
            both[i]->sampling.temperature = seed % 2 ? 0 : 1;
            both[i]->sampling.repeat_penalty = seed % 3 ? 1 : 1.3f;
        }
        probed.thinking.exit_confidence = 1;
        probed.thinking.probe_every = (int32_t)(1 + seed % 7);
        probed.thinking.probe_tokens = (int32_t)(1 + seed % 5);
        ask_ok(&plain);
        ask_ok(&probed);
        size_t n = reason_result_n_tokens(plain.result);
        assert_int_equal(reason_result_n_tokens(probed.result), n);
        for (size_t i = 0; i < n; i++) {
            reason_token x = token_at(&plain, i), y = token_at(&probed, i);
            assert_memory_equal(&x, &y, sizeof x);
        }
        assert_int_equal(reason_session_length(plain.session, &n_plain), REASON_OK);
        assert_int_equal(reason_session_length(probed.session, &n_probed), REASON_OK);
        assert_int_equal(n_probed, n_plain);
        assert_int_equal(usage_of(&plain).probe_tokens, 0);
        if (usage_of(&plain).thinking_tokens > 7)
            assert_true(usage_of(&probed).probe_tokens > 0);
        ask_end(&plain);
        ask_end(&probed);
    }
    scripted_free(m);
}

static void test_decode_policies__probes_are_counted(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    a.thinking.mode = REASON_THINK_ON; /* no question for p_think */
    a.thinking.exit_agreement = 3;
    ask_ok(&a); /* three lines, and one of the tag: z z z, each behind a tag and its white
                   space */
    assert_int_equal(usage_of(&a).thinking_tokens, 6);
    assert_int_equal(usage_of(&a).probe_tokens, 3 * (2 + 1));
    a.thinking.exit_agreement = 0;
    a.thinking.exit_entropy = 0.5f;
    ask_ok(&a); /* one token's logits are enough */
    size_t n_lines = usage_of(&a).thinking_tokens / 2;
    assert_int_equal(usage_of(&a).probe_tokens, n_lines * 2);
    a.thinking.exit_entropy = 0;
    a.thinking.exit_confidence = 0.5f;
    a.thinking.probe_text = "so ";
    ask_ok(&a);
    n_lines = usage_of(&a).thinking_tokens / 2;
    assert_true(usage_of(&a).probe_tokens >= n_lines * (2 + 3));
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__exits_compose(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    a.thinking.exit_agreement = 3; /* after 4 lines */
    a.thinking.exit_confidence = 0.999f;
    ask_ok(&a);
    expect_lines(&a, 4, REASON_FINISH_EARLY_EXIT);
    a.thinking.exit_confidence = 0.0001f;
    ask_ok(&a);
    expect_lines(&a, 1, REASON_FINISH_EARLY_EXIT);
    a.thinking.min_tokens = 9; /* not before */
    ask_ok(&a);
    expect_lines(&a, 5, REASON_FINISH_EARLY_EXIT);
    a.thinking.budget = 6; /* a promise is a promise */
    ask_ok(&a);
    expect_lines(&a, 3, REASON_FINISH_BUDGET);
    a.thinking.budget = -1;
    a.thinking.min_tokens = 0;
    a.thinking.close_text = "a\n"; /* written as before a close by the budget */
    a.thinking.exit_confidence = 0;
    ask_ok(&a);
    expect_lines(&a, 5, REASON_FINISH_EARLY_EXIT);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__probe_every(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    a.thinking.exit_agreement = 2;
    a.thinking.probe_every = 4; /* after 2, 4, 6 lines: z z */
    ask_ok(&a);
    expect_lines(&a, 4, REASON_FINISH_EARLY_EXIT);
    ask_end(&a);
    scripted_free(m);
}

/* Where a probe does not fit the context there is none. */
static void test_decode_policies__probe_without_room(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 24);
    a.request.max_tokens = 0;
    a.thinking.exit_agreement = 100;
    a.thinking.probe_tokens = 30;
    ask_ok(&a);
    expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_EOS);
    assert_int_equal(usage_of(&a).probe_tokens, 2); /* of p_think */
    ask_end(&a);
    scripted_free(m);
}

static void cancel_now(scripted *m) {
    if (m->n_forwards == *(size_t *)m->user)
        reason_cancel_token_set(m->cancel);
}

static void test_decode_policies__cancel_in_a_probe(void **state) {
    (void)state;
    for (size_t at = 1; at < 40; at++) {
        ask a;
        size_t n_tokens;
        scripted *m = begin_lines(&a, 200);
        assert_int_equal(reason_cancel_token_new(&m->cancel), REASON_OK);
        a.thinking.mode = REASON_THINK_ON;
        a.thinking.exit_agreement = 100;
        a.request.cancel = m->cancel;
        m->on_forward = cancel_now;
        m->user = &at;
        reason_status status = ask_run(&a);
        if (status == REASON_OK) {
            expect_finish(&a, REASON_FINISH_CANCELLED, REASON_FINISH_CANCELLED);
            /* no token of a question stays: its text alone */
            assert_int_equal(reason_session_length(a.session, &n_tokens), REASON_OK);
            assert_true(n_tokens <= m->seed + reason_result_n_tokens(a.result));
            assert_int_equal(usage_of(&a).answer_tokens, 0);
        } else {
            assert_int_equal(status, REASON_ERR_CANCELLED);
        }
        reason_cancel_token_free(m->cancel);
        ask_end(&a);
        scripted_free(m);
    }
}

/* --- the loop guard ------------------------------------------------------------------- */

/* Whether ids [n] end with a passage that came often enough, tried one by one. */
static bool ends_in_loop(const int32_t *ids, size_t n, size_t times) {
    for (size_t period = 1; period <= 128; period++) {
        size_t long_enough = times * period > 32 ? times * period : 32;
        if (long_enough > n)
            continue;
        bool same = true;
        for (size_t i = n - long_enough + period; i < n && same; i++)
            same = ids[i] == ids[i - period];
        if (same)
            return true;
    }
    return false;
}

static void test_decode_policies__loop_guard(void **state) {
    (void)state;
    static const int32_t TIMES[] = {2, 3, 8, 40};
    uint64_t random = 7;
    int32_t ids[400];
    for (size_t k = 0; k < 60; k++) {
        size_t period = 1 + fixture_random(&random) % 40, n = 0;
        scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
        ids[n++] = token_of(m, "<think>");
        for (size_t lead = fixture_random(&random) % 50; n <= lead; n++)
            ids[n] = (int32_t)('a' + fixture_random(&random) % 26);
        for (size_t first = n; n < 390; n++)
            ids[n] = n < first + period ? (int32_t)('a' + fixture_random(&random) % 26)
                                        : ids[n - period];
        m->ids = ids;
        m->n_ids = n;
        ask a;
        ask_begin(&a, m, "hi", 500);
        a.thinking.loop_guard = TIMES[k % COUNT(TIMES)];
        size_t end = 1;
        while (end < n && !ends_in_loop(ids, end, (size_t)a.thinking.loop_guard))
            end++;
        ask_ok(&a);
        assert_int_equal(usage_of(&a).thinking_tokens, end - 1);
        if (end < n)
            assert_int_equal(reason_result_finish(a.result), REASON_FINISH_LOOP);
        ask_end(&a);
        scripted_free(m);
    }
}

static void test_decode_policies__loop_in_the_answer(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "b", "c", "d");
    ask a;
    ask_begin(&a, m, "hi", 500);
    a.thinking.loop_guard = 3;
    ask_ok(&a);
    expect_finish(&a, REASON_FINISH_LOOP, REASON_FINISH_LOOP);
    assert_int_equal(usage_of(&a).answer_tokens, 32);
    ask_end(&a);
    scripted_free(m);
}

/* --- chunks --------------------------------------------------------------------------- */

/* What the script writes if its context is cut as the paper says, token by token: the
 * prompt, the first `keep` tokens of output, the last `carry` and what came since. */
static size_t slow_chunks(scripted *m, const char *prompt, const reason_thinking *how,
                          const int32_t *output, size_t n) {
    rsn_vocab_ids text = {0};
    float *logits = rsn_alloc2(m->model.hp.n_vocab, sizeof *logits);
    assert_int_equal(rsn_vocab_encode(m->model.vocab, prompt, strlen(prompt), 0, &text),
                     REASON_OK);
    int32_t context[512];
    size_t n_prompt = text.n, n_context = n_prompt, wrong = 0, longest = 0;
    size_t keep = (size_t)how->chunk_keep, chunk = (size_t)how->chunk,
           carry = how->chunk_carry ? (size_t)how->chunk_carry : chunk / 2;
    memcpy(context, text.items, n_prompt * sizeof *context);
    for (size_t i = 0; i < n; i++) {
        size_t best = 0;
        m->script(m, context, n_context, logits);
        for (size_t k = 1; k < m->model.hp.n_vocab; k++)
            best = logits[k] > logits[best] ? k : best;
        wrong += output[i] != (int32_t)best;
        context[n_context++] = output[i];
        longest = n_context > longest ? n_context : longest;
        if (n_context < n_prompt + keep + chunk)
            continue;
        n_context = n_prompt + keep;
        for (size_t k = i + 1 - carry; k <= i; k++)
            context[n_context++] = output[k];
    }
    rsn_free(logits);
    rsn_free(text.items);
    return wrong;
}

/* The digest, but for tags and ends, so that it thinks for ever. */
static void script_think_on(scripted *m, const int32_t *history, size_t n,
                            float *logits) {
    script_digest(m, history, n, logits);
    for (size_t i = 128; i < m->model.hp.n_vocab; i++)
        logits[i] = -1;
}

static void test_decode_policies__chunks(void **state) {
    (void)state;
    static const struct {
        int32_t chunk, carry, keep;
    } cases[] = {{2, 1, 0}, {10, 0, 0}, {10, 9, 0}, {16, 4, 5}, {40, 20, 3}, {64, 1, 0}};
    for (size_t k = 0; k < COUNT(cases); k++) {
        scripted *m = scripted_new(script_think_on, TAGS_ARE_TOKENS, NULL);
        ask a;
        int32_t output[700];
        ask_begin(&a, m, "hello", 100);
        m->seed = k;
        a.thinking.mode = REASON_THINK_ON;
        a.thinking.chunk = cases[k].chunk;
        a.thinking.chunk_carry = cases[k].carry;
        a.thinking.chunk_keep = cases[k].keep;
        a.thinking.budget = 600; /* six contexts */
        a.request.max_tokens = 640;
        ask_ok(&a);
        assert_int_equal(usage_of(&a).thinking_tokens, 600);
        size_t n = 602; /* and the opening tag */
        for (size_t i = 0; i < n; i++)
            output[i] = token_at(&a, i).id;
        /* all but the forced tag are what the script says */
        size_t wrong = slow_chunks(m, "hello", &a.thinking, output, n);
        assert_true(wrong <= 2);
        assert_true(usage_of(&a).kv_bytes <=
                    2 * RSN_KV_BLOCK *
                        rsn_kv_position_bytes(&m->model.hp, rsn_kv_type(0)));
        expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_LENGTH);
        assert_true(usage_of(&a).answer_tokens >= 4);
        ask_end(&a);
        scripted_free(m);
    }
}

static void test_decode_policies__chunk_that_does_not_fit(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 60);
    a.thinking.chunk = 50;
    a.thinking.min_answer = 8;
    expect_refused(&a, REASON_ERR_CONTEXT_FULL, "50 of a chunk");
    a.thinking.chunk = 1;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "chunk 1");
    a.thinking.chunk = 8;
    a.thinking.chunk_carry = 8;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "chunk_carry 8");
    ask_end(&a);
    scripted_free(m);
}

/* --- whether to think ------------------------------------------------------------------ */

/* It opens a block with a share of about 0.3, and never an empty one. */
static void script_doubtful(scripted *m, const int32_t *history, size_t n,
                            float *logits) {
    script_lines(m, history, n, logits);
    if (n > m->seed)
        return;
    flat(m, logits);
    logits[token_of(m, "<think>")] = 1;
    logits[token_of(m, "x")] = 1.847298f; /* 1 + log(7 / 3) */
}

static void test_decode_policies__think_threshold(void **state) {
    (void)state;
    scripted *m = scripted_new(script_doubtful, TAGS_ARE_TOKENS, NULL);
    ask a;
    ask_begin(&a, m, "hi", 200);
    a.request.max_tokens = 40;
    a.sampling.temperature = 1;
    for (uint64_t seed = 0; seed < 20; seed++) {
        a.sampling.seed = seed;
        a.thinking.think_threshold = 0.29f;
        ask_ok(&a);
        assert_true(fabs(reason_result_p_think(a.result) - 0.3) < 1e-3);
        assert_true(usage_of(&a).thinking_tokens > 0);
        a.thinking.think_threshold = 0.31f;
        ask_ok(&a);
        assert_true(fabs(reason_result_p_think(a.result) - 0.3) < 1e-3);
        assert_int_equal(usage_of(&a).thinking_tokens, 0);
        assert_int_equal(usage_of(&a).budget, 0);
        /* nobody denied it to think */
        assert_int_not_equal(reason_result_finish(a.result), REASON_FINISH_BUDGET);
    }
    a.thinking.mode = REASON_THINK_ON; /* asked for: nothing is decided */
    a.thinking.think_threshold = 0.31f;
    ask_ok(&a);
    assert_true(usage_of(&a).thinking_tokens > 0);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__thought(void **state) {
    (void)state;
    ask a;
    scripted *m = begin_lines(&a, 200);
    a.thinking.thought = "a\na\n";
    ask_ok(&a);
    expect_labels(&a, "mmttttmmAM");
    expect_lines(&a, 2, REASON_FINISH_EOS);
    assert_true(isnan(reason_result_p_think(a.result)));
    a.thinking.budget = 4;
    ask_ok(&a);
    expect_lines(&a, 2, REASON_FINISH_EOS);
    a.thinking.budget = 3;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "thought of 4 tokens");
    a.thinking.budget = 0;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "not to think");
    a.thinking.budget = -1;
    a.thinking.mode = REASON_THINK_OFF;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "not to think");
    a.thinking.mode = REASON_THINK_AUTO;
    a.thinking.thought = "no</think>yes";
    expect_refused(&a, REASON_ERR_INVALID_ARG, "thought holds");
    ask_end(&a);
    ask_begin(&a, m, "hi<think>", 200); /* the prompt has opened the block */
    m->seed = 2;
    a.thinking.thought = "a\n";
    ask_ok(&a);
    expect_labels(&a, "ttmmAM");
    expect_texts(&a, "a\n", "y");
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_policies__max_waits(void **state) {
    (void)state;
    int32_t ids[8];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "</think>");
    for (int32_t most = 0; most < 5; most++) {
        ask a;
        ask_begin(&a, m, "hi<think>", 200);
        a.thinking.mode = REASON_THINK_AUTO;
        a.thinking.wait_text = "W";
        a.thinking.min_tokens = 6;
        a.thinking.max_waits = most;
        a.request.max_tokens = 30;
        ask_ok(&a);
        assert_int_equal(usage_of(&a).thinking_tokens, most == 0 ? 6 : most);
        ask_end(&a);
    }
    scripted_free(m);
}

/* --- what makes no sense ---------------------------------------------------------------- */

static void test_decode_policies__refusals(void **state) {
    (void)state;
    static const struct {
        const char *words;
        reason_thinking how;
    } cases[] = {
        {"exit_confidence 2", {.exit_confidence = 2}},
        {"exit_confidence nan", {.exit_confidence = NAN}},
        {"exit_entropy -1", {.exit_entropy = -1}},
        {"exit_variance -1", {.exit_variance = -1}},
        {"exit_agreement 1", {.exit_agreement = 1}},
        {"probe_every -1", {.probe_every = -1}},
        {"probe_tokens 4097", {.probe_tokens = 4097}},
        {"loop_guard 1", {.loop_guard = 1}},
        {"loop_guard -2", {.loop_guard = -2}},
        {"think_threshold 1.5", {.think_threshold = 1.5f}},
        {"chunk -1", {.chunk = -1}},
        {"chunk_keep -1", {.chunk = 8, .chunk_keep = -1}},
        {"chunk 0", {.chunk_carry = 3}},
        {"max_waits -1", {.max_waits = -1}},
    };
    ask a;
    scripted *m = begin_lines(&a, 200);
    for (size_t i = 0; i < COUNT(cases); i++) {
        reason_thinking how = cases[i].how;
        how.size = sizeof how;
        how.budget = how.min_answer = -1;
        how.close_temperature = 1;
        a.request.thinking = &how;
        expect_refused(&a, REASON_ERR_INVALID_ARG, cases[i].words);
    }
    ask_end(&a);
    scripted_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_policies__exit_confidence),
        cmocka_unit_test(test_decode_policies__exit_entropy),
        cmocka_unit_test(test_decode_policies__exit_variance),
        cmocka_unit_test(test_decode_policies__exit_agreement),
        cmocka_unit_test(test_decode_policies__probes_leave_no_trace),
        cmocka_unit_test(test_decode_policies__probes_are_counted),
        cmocka_unit_test(test_decode_policies__exits_compose),
        cmocka_unit_test(test_decode_policies__probe_every),
        cmocka_unit_test(test_decode_policies__probe_without_room),
        cmocka_unit_test(test_decode_policies__cancel_in_a_probe),
        cmocka_unit_test(test_decode_policies__loop_guard),
        cmocka_unit_test(test_decode_policies__loop_in_the_answer),
        cmocka_unit_test(test_decode_policies__chunks),
        cmocka_unit_test(test_decode_policies__chunk_that_does_not_fit),
        cmocka_unit_test(test_decode_policies__think_threshold),
        cmocka_unit_test(test_decode_policies__thought),
        cmocka_unit_test(test_decode_policies__max_waits),
        cmocka_unit_test(test_decode_policies__refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
