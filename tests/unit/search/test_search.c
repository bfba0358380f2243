/* Searches by a scripted model whose samples have known lengths: what wins, what is
 * stopped, what it costs. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "support/gguf_build.h"
#include "support/heap.h"

enum { N = 24, LETTERS = 4 };

/* Full stops behind each letter. */
static const size_t LENGTHS[LETTERS] = {9, 3, 6, 12};

static size_t count_back(const int32_t *history, size_t n, int32_t id) {
    size_t same = 0;
    while (same < n && history[n - 1 - same] == id)
        same++;
    return same;
}

/* A letter from A to D, all alike, then its full stops, then the end; in a block of
 * thought first if the model has tags: letter, full stops, closing tag, letter, end. */
static void script_letters(scripted *m, const int32_t *history, size_t n,
                           float *logits) {
    const rsn_vocab *vocab = m->model.vocab;
    flat(m, logits);
    size_t dots = count_back(history, n, '.');
    int32_t last = dots < n ? history[n - 1 - dots] : -1;
    bool thinks = m->model.tags.open.n > 0;
    int32_t close = thinks ? token_of(m, "</think>") : -1;
    bool is_letter = last >= 'A' && last < 'A' + LETTERS;
    if (is_letter && n > dots + 1 && thinks && history[n - 2 - dots] == close)
        logits[rsn_vocab_eos(vocab)] = 30; /* the answer's own letter */
    else if (is_letter && dots < LENGTHS[last - 'A'])
        logits['.'] = 30;
    else if (is_letter)
        logits[thinks ? close : rsn_vocab_eos(vocab)] = 30;
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
} setup;

static setup begin(script_tags tags, reason_search_method method) {
    setup s = {.m = scripted_new(script_letters, tags, NULL)};
    reason_session_options o;
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_threads = 1;
    o.n_ctx = 200;
    o.n_parallel = N;
    assert_int_equal(reason_session_new(&s.m->model, &o, &s.session), REASON_OK);
    assert_int_equal(reason_request_init(&s.request, sizeof s.request), REASON_OK);
    assert_int_equal(reason_sampling_init(&s.sampling, sizeof s.sampling), REASON_OK);
    assert_int_equal(reason_thinking_init(&s.thinking, sizeof s.thinking), REASON_OK);
    assert_int_equal(reason_search_options_init(&s.options, sizeof s.options), REASON_OK);
    s.request.text = "which";
    s.sampling.temperature = 1;
    s.thinking.mode = tags == NO_TAGS ? REASON_THINK_AUTO : REASON_THINK_ON;
    s.thinking.min_answer = 2;
    s.options.method = method;
    s.options.n_samples = N;
    s.options.answers = REASON_ANSWER_CHOICE;
    return s;
}

static reason_status search(setup *s) {
    s->request.sampling = &s->sampling;
    s->request.thinking = &s->thinking;
    return reason_search(s->session, &s->request, &s->options, &s->result);
}

static void search_ok(setup *s) {
    reason_status status = search(s);
    if (status != REASON_OK)
        print_error("%s\n", reason_last_error());
    assert_int_equal(status, REASON_OK);
}

static void end(setup *s) {
    reason_search_result_free(s->result);
    reason_session_free(s->session);
    scripted_free(s->m);
}

static const reason_result *sample(const setup *s, size_t i) {
    return reason_result_sample(reason_search_samples(s->result), i);
}

static size_t length(const setup *s, size_t i) {
    return reason_result_n_tokens(sample(s, i));
}

static size_t letter_of(const setup *s, size_t i) {
    return (size_t)(reason_result_answer(sample(s, i), NULL)[0] - 'A');
}

static bool is_whole(const setup *s, size_t i) {
    return reason_result_finish(sample(s, i)) != REASON_FINISH_CANCELLED;
}

static reason_search_answer answer_at(const setup *s, size_t i) {
    reason_search_answer a = {.size = sizeof a};
    assert_int_equal(reason_search_answer_at(s->result, i, &a), REASON_OK);
    return a;
}

static reason_search_usage usage_of(const setup *s) {
    reason_search_usage u = {.size = sizeof u};
    assert_int_equal(reason_search_usage_of(s->result, &u), REASON_OK);
    return u;
}

/* The answers against sums by letter. */
static void expect_weights(const setup *s, const double *by_letter) {
    size_t n = 0;
    double last = 1e300;
    for (size_t l = 0; l < LETTERS; l++)
        n += by_letter[l] > 0;
    assert_int_equal(reason_search_n_answers(s->result), n);
    for (size_t i = 0; i < n; i++) {
        reason_search_answer a = answer_at(s, i);
        assert_int_equal(strlen(a.text), 1);
        double wanted = by_letter[a.text[0] - 'A'];
        assert_true(fabs(a.weight - wanted) < 1e-9 * wanted);
        assert_true(a.weight <= last);
        last = a.weight;
        assert_int_equal(letter_of(s, a.sample), a.text[0] - 'A');
    }
    assert_ptr_equal(reason_search_best(s->result), sample(s, answer_at(s, 0).sample));
}

/* --- methods ------------------------------------------------------------------------- */

static void test_search__vote(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_VOTE);
    double votes[LETTERS] = {0};
    size_t tokens = 0, longest = 0;
    search_ok(&s);
    for (size_t i = 0; i < N; i++) {
        votes[letter_of(&s, i)]++;
        assert_int_equal(length(&s, i), LENGTHS[letter_of(&s, i)] + 2);
        tokens += length(&s, i);
        longest = length(&s, i) > longest ? length(&s, i) : longest;
    }
    expect_weights(&s, votes);
    reason_search_usage u = usage_of(&s);
    assert_int_equal(u.tokens, tokens);
    assert_int_equal(u.longest, longest);
    assert_int_equal(u.n_stopped, 0);
    assert_int_equal(u.unmade, 0);
    assert_true(u.seconds > 0);
    end(&s);
}

static void test_search__confidence(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_CONFIDENCE);
    double sums[LETTERS] = {0};
    search_ok(&s);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t t = 0; t < length(&s, i); t++) {
            reason_token token = {.size = sizeof token};
            assert_int_equal(reason_result_token(sample(&s, i), t, &token), REASON_OK);
            sum += (double)token.logprob;
        }
        sums[letter_of(&s, i)] += exp(sum / (double)length(&s, i));
    }
    expect_weights(&s, sums);
    end(&s);
}

static double by_length(void *user, const reason_result *sample) {
    const double *sign = user;
    return *sign * (double)reason_result_n_tokens(sample);
}

static void test_search__best(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_BEST);
    double sign = -1;
    s.options.score = by_length;
    s.options.score_user = &sign;
    search_ok(&s);
    reason_search_answer a = answer_at(&s, 0);
    assert_string_equal(a.text, "B"); /* the shortest */
    assert_true(a.weight == -(double)(LENGTHS[1] + 2));
    end(&s);
}

static double only_c(void *user, const reason_result *sample) {
    (void)user;
    return reason_result_answer(sample, NULL)[0] == 'C' ? 0.5 : (double)NAN;
}

static void test_search__weighted(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_WEIGHTED);
    double sign = 1, sums[LETTERS] = {0};
    s.options.score = by_length;
    s.options.score_user = &sign;
    search_ok(&s);
    for (size_t i = 0; i < N; i++)
        sums[letter_of(&s, i)] += (double)length(&s, i);
    expect_weights(&s, sums);
    reason_search_result_free(s.result);
    sign = -1;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    assert_null(s.result);
    s.options.score = only_c; /* NaN leaves the others out */
    search_ok(&s);
    assert_int_equal(reason_search_n_answers(s.result), 1);
    assert_string_equal(answer_at(&s, 0).text, "C");
    end(&s);
}

/* --- a reward model -------------------------------------------------------------------- */

typedef struct judge {
    char *path;
    reason_model *model;
    reason_session *session;
} judge;

static judge judge_new(void) {
    judge j = {.path = build_tiny_model("llama", &(tiny_options){.head_out = 1, .seed = 3})};
    reason_session_options o;
    assert_int_equal(reason_model_open(j.path, NULL, &j.model), REASON_OK);
    assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
    o.n_threads = 1;
    assert_int_equal(reason_session_new(j.model, &o, &j.session), REASON_OK);
    return j;
}

static void judge_free(judge *j) {
    reason_session_free(j->session);
    reason_model_free(j->model);
    gguf_remove(j->path);
}

/* What the judge says of a text behind the search's prompt. */
static double ask_judge(const setup *s, const judge *j, const char *text) {
    reason_score_request r;
    reason_scores *scores;
    reason_scored found = {.size = sizeof found};
    assert_int_equal(reason_score_request_init(&r, sizeof r), REASON_OK);
    r.prompt = &s->request;
    r.responses = &text;
    r.n_responses = 1;
    assert_int_equal(reason_score(j->session, &r, &scores), REASON_OK);
    assert_int_equal(reason_scores_at(scores, 0, &found), REASON_OK);
    reason_scores_free(scores);
    return found.score;
}

/* The bytes of all of a sample's tokens but the end. */
static void write_all(const setup *s, size_t i, char *text) {
    size_t n = 0;
    for (size_t t = 0; t < length(s, i); t++) {
        reason_token token = {.size = sizeof token};
        assert_int_equal(reason_result_token(sample(s, i), t, &token), REASON_OK);
        rsn_text bytes = rsn_vocab_bytes(s->m->model.vocab, token.id);
        if (token.id == rsn_vocab_eos(s->m->model.vocab))
            continue;
        assert_true(n + bytes.n < 300);
        memcpy(text + n, bytes.data, bytes.n);
        n += bytes.n;
    }
    text[n] = '\0';
}

static void test_search__best_by_a_model(void **state) {
    (void)state;
    for (int answers_only = 0; answers_only < 2; answers_only++) {
        setup s = begin(TAGS_ARE_TOKENS, REASON_SEARCH_BEST);
        judge j = judge_new();
        double best[LETTERS];
        for (size_t l = 0; l < LETTERS; l++)
            best[l] = -INFINITY;
        s.options.reward = j.session;
        s.options.answers_only = answers_only;
        search_ok(&s);
        for (size_t i = 0; i < N; i++) {
            char all[300];
            write_all(&s, i, all);
            assert_true(strncmp(all, "<think>", 7) == 0 && strstr(all, "</think>"));
            double score = ask_judge(
                &s, &j, answers_only ? reason_result_answer(sample(&s, i), NULL) : all);
            double *of = &best[letter_of(&s, i)];
            *of = score > *of ? score : *of;
        }
        for (size_t i = 0; i < reason_search_n_answers(s.result); i++) {
            reason_search_answer a = answer_at(&s, i);
            assert_true(a.weight == best[a.text[0] - 'A']);
            assert_true(i == 0 || a.weight <= answer_at(&s, i - 1).weight);
        }
        assert_true(usage_of(&s).reward_tokens > N);
        judge_free(&j);
        end(&s);
    }
}

static void test_search__weighted_by_a_model(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_WEIGHTED);
    judge j = judge_new();
    reason_score_request how;
    double sums[LETTERS] = {0};
    s.options.reward = j.session;
    search_ok(&s);
    for (size_t i = 0; i < N; i++) {
        const char *text = reason_result_answer(sample(&s, i), NULL);
        sums[letter_of(&s, i)] += 1 / (1 + exp(-ask_judge(&s, &j, text)));
    }
    expect_weights(&s, sums);
    reason_search_result_free(s.result);
    assert_int_equal(reason_score_request_init(&how, sizeof how), REASON_OK);
    how.kind = REASON_SCORE_MEAN_LOGPROB; /* the one that searches judges itself */
    s.options.reward = s.session;
    s.options.scoring = &how;
    search_ok(&s);
    for (size_t i = 0; i < reason_search_n_answers(s.result); i++)
        assert_true(answer_at(&s, i).weight > 0);
    reason_search_result_free(s.result);
    how.kind = REASON_SCORE_REWARD;
    assert_int_equal(search(&s), REASON_ERR_MISMATCH);
    assert_non_null(strstr(reason_last_error(), "the reward model"));
    how.kind = (reason_score_kind)77;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    how.kind = REASON_SCORE_HEAD;
    s.options.method = REASON_SEARCH_VOTE;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    s.options.method = REASON_SEARCH_BEST;
    s.options.score = only_c;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    judge_free(&j);
    end(&s);
}

/* Sample 0 computes the prompt and is a token ahead of all others. */
static size_t time_of(const setup *s, size_t i) {
    return length(s, i) + (i > 0);
}

static void test_search__first(void **state) {
    (void)state;
    for (size_t first = 1; first <= 5; first += 2) {
        setup all = begin(NO_TAGS, REASON_SEARCH_VOTE),
              s = begin(NO_TAGS, REASON_SEARCH_FIRST);
        search_ok(&all);
        s.options.n_first = (int32_t)first;
        search_ok(&s);
        uint64_t voters = 0, unmade = 0, n_whole = 0;
        size_t last = 0;
        for (size_t i = 0; i < reason_search_n_answers(s.result); i++)
            voters += answer_at(&s, i).n_samples;
        assert_int_equal(voters, first);
        for (size_t i = 0; i < N; i++)
            if (is_whole(&s, i)) {
                n_whole++;
                last = time_of(&s, i) > last ? time_of(&s, i) : last;
                assert_int_equal(length(&s, i), length(&all, i));
            } else {
                unmade += 200 - 5 - length(&s, i);
            }
        for (size_t i = 0; i < N; i++) /* nobody who was faster is missing */
            assert_true(is_whole(&s, i) || time_of(&all, i) >= last);
        assert_int_equal(usage_of(&s).n_stopped, N - n_whole);
        assert_int_equal(usage_of(&s).unmade, unmade);
        assert_true(usage_of(&s).tokens < usage_of(&all).tokens);
        end(&all);
        end(&s);
    }
}

static void test_search__short(void **state) {
    (void)state;
    setup all = begin(TAGS_ARE_TOKENS, REASON_SEARCH_VOTE),
          s = begin(TAGS_ARE_TOKENS, REASON_SEARCH_SHORT);
    search_ok(&all);
    search_ok(&s);
    size_t n_whole = 0, longest = 0, stopped_thinking = 0;
    uint64_t voters = 0;
    for (size_t i = 0; i < reason_search_n_answers(s.result); i++)
        voters += answer_at(&s, i).n_samples;
    assert_int_equal(voters, 3);
    for (size_t i = 0; i < N; i++) {
        reason_usage u = {.size = sizeof u};
        assert_int_equal(reason_result_usage(sample(&s, i), &u), REASON_OK);
        if (is_whole(&s, i)) {
            n_whole++;
            longest = u.thinking_tokens > longest ? u.thinking_tokens : longest;
        } else {
            stopped_thinking += u.answer_tokens == 0;
        }
    }
    assert_int_equal(n_whole, 3);
    assert_true(stopped_thinking > N / 2);
    for (size_t i = 0; i < N; i++) {
        reason_usage u = {.size = sizeof u};
        assert_int_equal(reason_result_usage(sample(&all, i), &u), REASON_OK);
        assert_true(is_whole(&s, i) || u.thinking_tokens + 1 >= longest);
    }
    end(&all);
    end(&s);
}

/* --- limits and refusals --------------------------------------------------------------- */

static void test_search__a_limit_on_all_tokens(void **state) {
    (void)state;
    for (int64_t limit = 1; limit < 400; limit += 13) {
        setup s = begin(NO_TAGS, REASON_SEARCH_VOTE);
        s.options.max_tokens = limit;
        search_ok(&s);
        uint64_t n_whole = 0, voters = 0;
        for (size_t i = 0; i < N; i++)
            n_whole += is_whole(&s, i);
        for (size_t i = 0; i < reason_search_n_answers(s.result); i++)
            voters += answer_at(&s, i).n_samples;
        assert_true(usage_of(&s).tokens <= (uint64_t)limit);
        assert_int_equal(voters, n_whole);
        assert_int_equal(reason_search_best(s.result) != NULL, n_whole > 0);
        assert_int_equal(usage_of(&s).n_stopped, N - n_whole);
        end(&s);
    }
}

static void test_search__what_is_refused(void **state) {
    (void)state;
    setup s = begin(NO_TAGS, REASON_SEARCH_BEST);
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "method best needs a score"));
    s.options.method = (reason_search_method)7;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    s.options.method = REASON_SEARCH_FIRST;
    s.options.n_first = N + 1;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    assert_non_null(strstr(reason_last_error(), "n_first 25 (0 to 24 samples)"));
    s.options.n_first = 0;
    s.options.answers = (reason_answer_kind)9;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    s.options.answers = REASON_ANSWER_AUTO;
    s.options.n_samples = -1;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    s.options.n_samples = 1;
    s.options.max_tokens = -1;
    assert_int_equal(search(&s), REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_search(NULL, &s.request, NULL, &s.result),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_search(s.session, NULL, NULL, &s.result),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_search(s.session, &s.request, NULL, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_null(s.result);
    assert_int_equal(reason_search(s.session, &s.request, NULL, &s.result), REASON_OK);
    assert_int_equal(reason_result_n_samples(reason_search_samples(s.result)), 8);
    reason_search_answer a = {.size = sizeof a};
    assert_int_equal(
        reason_search_answer_at(s.result, reason_search_n_answers(s.result), &a),
        REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_search_answer_at(NULL, 0, &a), REASON_ERR_INVALID_ARG);
    assert_null(reason_search_samples(NULL));
    assert_null(reason_search_best(NULL));
    assert_int_equal(reason_search_n_answers(NULL), 0);
    reason_search_result_free(NULL);
    for (int method = -1; method <= 7; method++) {
        bool known = method >= 0 && method < 7;
        const char *name = reason_search_method_name((reason_search_method)method);
        assert_int_equal(strcmp(name, "unknown") != 0, known);
    }
    end(&s);
}

static void test_search__every_allocation_may_fail(void **state) {
    (void)state;
    size_t n_failed = 0;
    bool refused = true;
    for (size_t fail_at = 1; refused; fail_at++) {
        setup s = begin(TAGS_ARE_TOKENS, REASON_SEARCH_SHORT);
        counted_heap heap;
        s.options.n_samples = 5;
        reason_session_free(s.session);
        reason_session_options o;
        assert_int_equal(reason_session_options_init(&o, sizeof o), REASON_OK);
        o.n_threads = 1;
        heap_begin(&heap, 0, false);
        assert_int_equal(reason_session_new(&s.m->model, &o, &s.session), REASON_OK);
        heap.fail_at = heap.n_calls + fail_at;
        reason_status status = search(&s);
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
        cmocka_unit_test(test_search__vote),
        cmocka_unit_test(test_search__confidence),
        cmocka_unit_test(test_search__best),
        cmocka_unit_test(test_search__weighted),
        cmocka_unit_test(test_search__best_by_a_model),
        cmocka_unit_test(test_search__weighted_by_a_model),
        cmocka_unit_test(test_search__first),
        cmocka_unit_test(test_search__short),
        cmocka_unit_test(test_search__a_limit_on_all_tokens),
        cmocka_unit_test(test_search__what_is_refused),
        cmocka_unit_test(test_search__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
