/* Beams by a scripted model whose thoughts are lines of letters: which paths are kept, what
 * they cost, and that limits hold over all their steps. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "support/gguf_build.h"
#include "support/heap.h"

enum { LETTERS = 4, STEPS = 3, TEXT = 256 };

static bool is_letter(int32_t id) {
    return id >= 'A' && id < 'A' + LETTERS;
}

/* Tokens of the last block that are letters from A to D. */
static size_t count_letters(const int32_t *history, size_t n, int32_t open) {
    size_t letters = 0;
    while (n > 0 && history[n - 1] != open)
        letters += is_letter(history[--n]);
    return letters;
}

/* A if there is none. */
static int32_t last_letter(const int32_t *history, size_t n) {
    while (n > 0 && !is_letter(history[n - 1]))
        n--;
    return n > 0 ? history[n - 1] : 'A';
}

/* <think> A line break twice, three times, </think>, the last letter, the end. */
static void script_steps(scripted *m, const int32_t *history, size_t n, float *logits) {
    int32_t open = token_of(m, "<think>"), close = token_of(m, "</think>");
    int32_t last = history[n - 1];
    size_t tag = n;
    while (tag > 0 && history[tag - 1] != open && history[tag - 1] != close)
        tag--;
    bool answers = tag > 0 && history[tag - 1] == close;
    size_t letters = count_letters(history, n, open);
    flat(m, logits);
    if (answers && last_letter(history + tag, n - tag) == last)
        logits[rsn_vocab_eos(m->model.vocab)] = 30;
    else if (answers)
        logits[last_letter(history, n)] = 30;
    else if (is_letter(last) || (last == '\n' && n > tag + 1 && is_letter(history[n - 2])))
        logits['\n'] = 30;
    else if (letters == STEPS)
        logits[close] = 30;
    else
        for (size_t i = 0; i < LETTERS; i++)
            logits['A' + i] = 30;
}

typedef struct setup {
    scripted *m;
    reason_session *session;
    reason_request request;
    reason_sampling sampling;
    reason_thinking thinking;
    reason_search_options options;
    reason_search_result *result;
    size_t n_calls; /* of the scorer */
} setup;

/* How often C is there, less the other letters a little. */
static double like_c(void *user, const char *text, size_t n) {
    setup *s = user;
    double worth = 0;
    s->n_calls++;
    assert_int_equal(strlen(text), n);
    assert_int_equal(strncmp(text, "<think>", 7), 0);
    for (const char *p = text; *p; p++)
        worth += *p == 'C' ? 1 : *p >= 'A' && *p <= 'D' ? -0.01 * (*p - 'A') : 0;
    return worth;
}

static void begin(setup *s, int32_t n_samples, int32_t n_beams) {
    *s = (setup){.m = scripted_new(script_steps, TAGS_ARE_TOKENS, NULL)};
    reason_session_options o;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_threads = 1;
    o.n_ctx = 400;
    assert_int_equal(reason_session_new(&s->m->model, &o, &s->session), REASON_OK);
    assert_int_equal(reason_request_init(&s->request, sizeof s->request), REASON_OK);
    assert_int_equal(reason_sampling_init(&s->sampling, sizeof s->sampling), REASON_OK);
    assert_int_equal(reason_thinking_init(&s->thinking, sizeof s->thinking), REASON_OK);
    assert_int_equal(reason_search_options_init(&s->options, sizeof s->options),
                     REASON_OK);
    s->request.text = "which";
    s->request.sampling = &s->sampling;
    s->request.thinking = &s->thinking;
    s->sampling.temperature = 1;
    s->thinking.mode = REASON_THINK_ON;
    s->thinking.min_answer = 2;
    s->options.method = REASON_SEARCH_BEAM;
    s->options.n_samples = n_samples;
    s->options.n_beams = n_beams;
    s->options.step_score = like_c;
    s->options.score_user = s;
}

static void search_ok(setup *s) {
    reason_search_result_free(s->result);
    reason_status status =
        reason_search(s->session, &s->request, &s->options, &s->result);
    if (status != REASON_OK)
        print_error("%s\n", reason_last_error());
    assert_int_equal(status, REASON_OK);
}

static void end(setup *s) {
    reason_search_result_free(s->result);
    reason_session_free(s->session);
    scripted_free(s->m);
}

static size_t n_kept(const setup *s) {
    return reason_result_n_samples(reason_search_samples(s->result));
}

static const reason_result *kept(const setup *s, size_t i) {
    return reason_result_sample(reason_search_samples(s->result), i);
}

static reason_search_usage usage_of(const setup *s) {
    reason_search_usage u = {.size = sizeof u};
    assert_int_equal(reason_search_usage_of(s->result, &u), REASON_OK);
    return u;
}

/* The letters of a path; every label and count must be that of one generation. */
static void read_path(const setup *s, const reason_result *r, char *letters) {
    size_t n = 0, counts[3] = {0};
    reason_usage u = {.size = sizeof u};
    char text[TEXT] = "";
    for (size_t t = 0; t < reason_result_n_tokens(r); t++) {
        reason_token token = {.size = sizeof token};
        assert_int_equal(reason_result_token(r, t, &token), REASON_OK);
        counts[token.label]++;
        if (is_letter(token.id))
            letters[n++] = (char)token.id;
        if (token.label == REASON_LABEL_THINK)
            (void)strncat(text, rsn_vocab_bytes(s->m->model.vocab, token.id).data, 1);
    }
    letters[n] = '\0';
    assert_int_equal(reason_result_usage(r, &u), REASON_OK);
    assert_int_equal(u.thinking_tokens, counts[REASON_LABEL_THINK]);
    assert_int_equal(u.answer_tokens, counts[REASON_LABEL_ANSWER]);
    assert_int_equal(u.markup_tokens, counts[REASON_LABEL_MARKUP]);
    assert_string_equal(reason_result_thinking(r, NULL), text);
}

/* --- what is found --------------------------------------------------------------------- */

static void test_beam__finds_what_is_liked(void **state) {
    (void)state;
    setup s;
    begin(&s, 32, 4);
    search_ok(&s);
    char letters[TEXT];
    read_path(&s, reason_search_best(s.result), letters);
    assert_string_equal(letters, "CCCC"); /* the answer's is the last one's */
    assert_string_equal(reason_result_thinking(kept(&s, 0), NULL), "C\n\nC\n\nC\n\n");
    assert_int_equal(n_kept(&s), 4);
    reason_search_answer a = {.size = sizeof a};
    assert_int_equal(reason_search_answer_at(s.result, 0, &a), REASON_OK);
    assert_string_equal(a.text, "C");
    assert_true(a.weight == 4);
    for (size_t i = 0; i < n_kept(&s); i++) {
        read_path(&s, kept(&s, i), letters);
        assert_int_equal(strlen(letters), STEPS + 1);
        assert_int_equal(reason_result_finish(kept(&s, i)), REASON_FINISH_EOS);
        for (size_t k = 0; k < i; k++) { /* none is there twice */
            char other[TEXT];
            read_path(&s, kept(&s, k), other);
            assert_string_not_equal(letters, other);
        }
    }
    assert_int_equal(usage_of(&s).reward_tokens, 0);
    end(&s);
}

/* By another separator the same steps are two each. */
static void test_beam__separator(void **state) {
    (void)state;
    setup s;
    reason_score_request how;
    char letters[TEXT], longer[100];
    begin(&s, 32, 4);
    assert_int_equal(reason_score_request_init(&how, sizeof how), REASON_OK);
    how.step_separator = "\n";
    s.options.scoring = &how;
    s.options.max_steps = 2;
    search_ok(&s);
    assert_string_equal(reason_result_thinking(kept(&s, 0), NULL), "C\n\nC\n");
    s.options.max_steps = 0;
    search_ok(&s);
    read_path(&s, reason_search_best(s.result), letters);
    assert_string_equal(letters, "CCCC");
    memset(longer, '-', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    how.step_separator = longer;
    reason_search_result *none;
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &none),
                     REASON_ERR_INVALID_ARG);
    end(&s);
}

/* Rounds of at most n_samples paths, each scored once; what stays is not run again. */
static void test_beam__costs(void **state) {
    (void)state;
    setup s;
    begin(&s, 8, 2);
    search_ok(&s);
    assert_true(s.n_calls >= 8 * 2 && s.n_calls <= 8 * (STEPS + 1));
    reason_search_usage u = usage_of(&s);
    /* Beside what was made: the prompt, and the last token before each way to go on. */
    assert_true(s.m->n_tokens <= u.tokens + strlen("which") + 8 * (STEPS + 1));
    assert_true(u.n_stopped > 0 && u.n_stopped < s.n_calls);
    end(&s);
}

static void test_beam__is_the_same_every_time(void **state) {
    (void)state;
    char wanted[8][TEXT], letters[TEXT];
    for (int32_t n_parallel = 1; n_parallel <= 64; n_parallel *= 4) {
        setup s;
        begin(&s, 16, 3);
        reason_session_options o;
        reason_session_free(s.session);
        assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
        o.n_threads = 1;
        o.n_ctx = 400;
        o.n_parallel = n_parallel;
        assert_int_equal(reason_session_new(&s.m->model, &o, &s.session), REASON_OK);
        s.sampling.seed = 7;
        search_ok(&s);
        assert_int_equal(n_kept(&s), 3);
        for (size_t i = 0; i < n_kept(&s); i++) {
            read_path(&s, kept(&s, i), letters);
            if (n_parallel == 1)
                (void)strcpy(wanted[i], letters);
            assert_string_equal(letters, wanted[i]);
        }
        end(&s);
    }
}

/* --- limits ------------------------------------------------------------------------------ */

static void test_beam__the_budget_holds_over_steps(void **state) {
    (void)state;
    for (int32_t budget = 1; budget <= 12; budget++) {
        setup s;
        begin(&s, 8, 2);
        s.thinking.budget = budget;
        search_ok(&s);
        assert_non_null(reason_search_best(s.result));
        for (size_t i = 0; i < n_kept(&s); i++) {
            reason_usage u = {.size = sizeof u};
            assert_int_equal(reason_result_usage(kept(&s, i), &u), REASON_OK);
            assert_true(u.thinking_tokens <= (uint64_t)budget);
            assert_true(u.budget <= budget);
            assert_true(u.answer_tokens >= 1);
        }
        end(&s);
    }
}

static void test_beam__limits(void **state) {
    (void)state;
    setup s;
    begin(&s, 8, 2);
    s.options.max_steps = 2; /* nobody is done by then */
    search_ok(&s);
    assert_null(reason_search_best(s.result));
    assert_int_equal(n_kept(&s), 2);
    assert_int_equal(reason_result_finish(kept(&s, 0)), REASON_FINISH_CANCELLED);
    assert_int_equal(strlen(reason_result_thinking(kept(&s, 0), NULL)), 6);
    s.options.max_steps = 0;
    for (int64_t most = 1; most < 200; most += 17) {
        s.options.max_tokens = most;
        search_ok(&s);
        assert_true(usage_of(&s).tokens <= (uint64_t)most);
    }
    s.options.max_tokens = 0;
    s.request.max_tokens = 9; /* THINK ON is one, then two steps, closer and answer */
    search_ok(&s);
    for (size_t i = 0; i < n_kept(&s); i++)
        assert_true(reason_result_n_tokens(kept(&s, i)) <= 9);
    end(&s);
}

/* --- who judges -------------------------------------------------------------------------- */

static double dislike_all(void *user, const char *text, size_t n) {
    (void)user;
    (void)text;
    (void)n;
    return (double)NAN;
}

static double only_b(void *user, const char *text, size_t n) {
    (void)user;
    (void)n;
    return strpbrk(text, "ACD") ? (double)NAN : 1;
}

static void test_beam__not_a_number_drops(void **state) {
    (void)state;
    setup s;
    char letters[TEXT];
    begin(&s, 64, 4);
    s.options.step_score = only_b;
    search_ok(&s);
    assert_int_equal(n_kept(&s), 1); /* all others would be twins */
    read_path(&s, kept(&s, 0), letters);
    assert_string_equal(letters, "BBBB");
    s.options.step_score = dislike_all;
    search_ok(&s);
    assert_null(reason_search_best(s.result));
    assert_int_equal(reason_search_n_answers(s.result), 0);
    end(&s);
}

/* A model that judges steps: each path's weight is what it says of the whole of it. */
static void test_beam__by_a_model(void **state) {
    (void)state;
    setup s;
    reason_model *model;
    reason_session *judge;
    reason_session_options so;
    reason_score_request how;
    gguf_bytes pairs = {0};
    gguf_put_string(&pairs, "reason.head.kind", "steps");
    char *path = build_tiny_model(
        "qwen2", &(tiny_options){.head_out = 2, .pairs = &pairs, .n_pairs = 1});
    gguf_free(&pairs);
    assert_int_equal(reason_model_open(path, NULL, &model), REASON_OK);
    assert_int_equal(reason_session_options_init(&so, sizeof so), REASON_OK);
    so.n_threads = 1;
    assert_int_equal(reason_session_new(model, &so, &judge), REASON_OK);
    assert_int_equal(reason_score_request_init(&how, sizeof how), REASON_OK);
    how.aggregate = REASON_AGGREGATE_MIN;
    begin(&s, 16, 4);
    s.options.step_score = NULL;
    s.options.reward = judge;
    s.options.scoring = &how;
    search_ok(&s);
    char text[TEXT] = "<think>";
    const char *one = text;
    reason_scored found = {.size = sizeof found};
    reason_search_answer a = {.size = sizeof a};
    reason_scores *scores;
    (void)strcat(text, "\n"); /* is no part of the thought */
    (void)strcat(text, reason_result_thinking(reason_search_best(s.result), NULL));
    (void)strcat(text, "</think>");
    (void)strcat(text, reason_result_answer(reason_search_best(s.result), NULL));
    how.prompt = &s.request;
    how.responses = &one;
    how.n_responses = 1;
    assert_int_equal(reason_score(judge, &how, &scores), REASON_OK);
    assert_int_equal(reason_scores_at(scores, 0, &found), REASON_OK);
    assert_int_equal(reason_search_answer_at(s.result, 0, &a), REASON_OK);
    assert_int_equal(found.n_steps, STEPS + 1);
    assert_true(a.weight == found.score);
    assert_true(usage_of(&s).reward_tokens > 0);
    reason_scores_free(scores);
    end(&s);
    reason_session_free(judge);
    reason_model_free(model);
    gguf_remove(path);
}

static void test_beam__refusals(void **state) {
    (void)state;
    setup s;
    begin(&s, 8, 9);
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &s.result),
                     REASON_ERR_INVALID_ARG);
    s.options.n_beams = 0;
    s.options.step_score = NULL;
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &s.result),
                     REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "step_score"));
    s.options.step_score = like_c;
    s.options.max_steps = -1;
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &s.result),
                     REASON_ERR_INVALID_ARG);
    s.options.max_steps = 0;
    s.thinking.chunk = 10;
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &s.result),
                     REASON_ERR_INVALID_ARG);
    s.thinking.chunk = 0;
    s.options.method = REASON_SEARCH_VOTE;
    assert_int_equal(reason_search(s.session, &s.request, &s.options, &s.result),
                     REASON_ERR_INVALID_ARG);
    end(&s);
}

static void test_beam__every_allocation_may_fail(void **state) {
    (void)state;
    bool refused = true;
    size_t n_failed = 0;
    for (size_t fail_at = 1; refused; fail_at += 1 + fail_at / 40) {
        setup s;
        counted_heap heap;
        begin(&s, 4, 2);
        reason_session_free(s.session);
        reason_session_options o;
        assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
        o.n_threads = 1;
        o.n_ctx = 200;
        heap_begin(&heap, 0, false);
        assert_int_equal(reason_session_new(&s.m->model, &o, &s.session), REASON_OK);
        heap.fail_at = heap.n_calls + fail_at;
        reason_status status =
            reason_search(s.session, &s.request, &s.options, &s.result);
        refused = heap.n_calls >= heap.fail_at;
        n_failed += status != REASON_OK;
        assert_true(status == REASON_OK || (refused && status == REASON_ERR_NO_MEMORY));
        assert_int_equal(s.result != NULL, status == REASON_OK);
        reason_search_result_free(s.result);
        reason_session_free(s.session);
        assert_int_equal(heap.alive, 0);
        heap_end();
        scripted_free(s.m);
    }
    assert_true(n_failed > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beam__finds_what_is_liked),
        cmocka_unit_test(test_beam__separator),
        cmocka_unit_test(test_beam__costs),
        cmocka_unit_test(test_beam__is_the_same_every_time),
        cmocka_unit_test(test_beam__the_budget_holds_over_steps),
        cmocka_unit_test(test_beam__limits),
        cmocka_unit_test(test_beam__not_a_number_drops),
        cmocka_unit_test(test_beam__by_a_model),
        cmocka_unit_test(test_beam__refusals),
        cmocka_unit_test(test_beam__every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
