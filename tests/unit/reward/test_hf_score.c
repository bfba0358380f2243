/* Scores of Hugging Face folders, from texts: prompts and answers through templates,
 * tokenizers, models and heads, compared with what Transformers computed in float64 of
 * the same conversations (tests/oracle). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason/reason.h"
#include "support/hf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { N_PROMPTS = 4, N_ANSWERS = 3, MAX_ANSWERS = 4 };

/* conversations.json and steps.json, as they are there. */
typedef struct conversation {
    const char *prompt, *answers[MAX_ANSWERS];
} conversation;

static const conversation CONVERSATIONS[N_PROMPTS] = {
    {"What is 6 * 7?", {"6 * 7 = 42.", "It is 47.", "I don't know."}},
    {"Name an even number.", {"Twelve.", "The number is 3.", "12, as 12 = 2 * 6."}},
    {"Is 12 less than 47?", {"Yes.", "No.", "12 is less than 47, so yes."}},
    {"What is left of 90 if half of it is gone?", {"Half of 90 is 45.", "90.", "45"}},
};
static const conversation STEPS[N_PROMPTS] = {
    {"What is 3 * 4 + 5?", {"3 * 4 = 12.", "12 + 5 = 17.", "The answer is 17."}},
    {"What is half of 90?", {"90 is 2 * 46.", "Half of it is 46."}},
    {"Is 51 even?", {"51 = 3 * 17.", "Both are odd.", "So is 51.", "No."}},
    {"What is 1 + 1?", {"It is 2."}},
};

static const char *const AT_THE_END[] = {
    "llama-reward",  "qwen2-reward", "qwen3-reward", "mistral-reward",
    "gemma2-reward", "phi3-reward",  "llama-labels", "qwen2-math-reward",
    "qwen3-labels",
};

/* --- helpers ------------------------------------------------------------------------ */

static void check_ok(reason_status status) {
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
}

static reason_session *start(const char *name) {
    reason_model *model;
    reason_session *session;
    reason_session_options options;
    char *path = hf_path(name, NULL);
    check_ok(reason_model_open(path, NULL, &model));
    check_ok(reason_session_options_init(&options, sizeof options));
    options.kv_type = REASON_KV_F32;
    check_ok(reason_session_new(model, &options, &session));
    reason_model_free(model);
    free(path);
    return session;
}

static reason_scores *score(reason_session *session, const char *prompt,
                            const char *const *answers, size_t n,
                            reason_score_kind kind, reason_session *reference) {
    reason_request asked;
    reason_score_request request;
    reason_scores *scores;
    check_ok(reason_request_init(&asked, sizeof asked));
    check_ok(reason_score_request_init(&request, sizeof request));
    asked.prompt = prompt;
    request.prompt = &asked;
    request.responses = answers;
    request.n_responses = n;
    request.kind = kind;
    request.reference = reference;
    request.beta = reference ? 1 : 0;
    check_ok(reason_score(session, &request, &scores));
    return scores;
}

static reason_scored scored_at(const reason_scores *scores, size_t i) {
    reason_scored scored = {.size = sizeof scored};
    check_ok(reason_scores_at(scores, i, &scored));
    return scored;
}

static double distance(const double *found, const float *wanted, size_t n) {
    double error = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        error += pow(found[i] - (double)wanted[i], 2);
        size += pow((double)wanted[i], 2);
    }
    return sqrt(error / size);
}

static void check_near(const double *found, const char *name, const char *file,
                       const char *array, size_t n) {
    size_t n_wanted;
    float *wanted = hf_floats(name, file, array, &n_wanted);
    assert_non_null(wanted);
    assert_int_equal(n, n_wanted);
    double error = distance(found, wanted, n);
    print_message("%-20s %s: error %.1e, at most 1e-5\n", name, array, error);
    if (!(error <= 1e-5))
        fail_msg("%s, %s: error %g", name, array, error);
    free(wanted);
}

/* --- heads -------------------------------------------------------------------------- */

static void check_at_the_end(const char *name) {
    double found[N_PROMPTS * N_ANSWERS * 3];
    size_t n = 0;
    reason_session *session = start(name);
    for (size_t i = 0; i < N_PROMPTS; i++) {
        reason_scores *scores =
            score(session, CONVERSATIONS[i].prompt, CONVERSATIONS[i].answers, N_ANSWERS,
                  REASON_SCORE_HEAD, NULL);
        for (size_t j = 0; j < N_ANSWERS; j++) {
            reason_scored scored = scored_at(scores, j);
            memcpy(found + n, scored.raw, scored.n_raw * sizeof *found);
            n += scored.n_raw;
        }
        reason_scores_free(scores);
    }
    check_near(found, name, "expected.npz", "outputs", n);
    reason_session_free(session);
}

static void test_hf_score__at_the_end(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(AT_THE_END); i++)
        check_at_the_end(AT_THE_END[i]);
}

static void test_hf_score__steps(void **state) {
    (void)state;
    double found[32];
    size_t n = 0;
    reason_session *session = start("qwen2-math-process");
    for (size_t i = 0; i < N_PROMPTS; i++) {
        char text[256] = "";
        const char *answer = text;
        for (size_t j = 0; j < MAX_ANSWERS && STEPS[i].answers[j]; j++)
            (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s<extra_0>",
                           STEPS[i].answers[j]);
        reason_scores *scores =
            score(session, STEPS[i].prompt, &answer, 1, REASON_SCORE_STEPS, NULL);
        for (size_t j = 0; j < scored_at(scores, 0).n_steps; j++) {
            reason_scored_step step = {.size = sizeof step};
            check_ok(reason_scores_step(scores, 0, j, &step));
            found[n++] = step.score;
        }
        reason_scores_free(scores);
    }
    check_near(found, "qwen2-math-process", "expected.npz", "scores", n);
    reason_session_free(session);
}

/* --- likelihoods -------------------------------------------------------------------- */

static void check_likelihoods(reason_score_kind kind, const char *array) {
    double found[N_PROMPTS * N_ANSWERS];
    size_t n = 0;
    reason_session *session = start("qwen2-yarn");
    reason_session *reference = kind == REASON_SCORE_DPO ? start("qwen3") : NULL;
    for (size_t i = 0; i < N_PROMPTS; i++) {
        reason_scores *scores =
            score(session, CONVERSATIONS[i].prompt, CONVERSATIONS[i].answers, N_ANSWERS,
                  kind, reference);
        for (size_t j = 0; j < N_ANSWERS; j++)
            found[n++] = scored_at(scores, j).score;
        reason_scores_free(scores);
    }
    check_near(found, "qwen2-yarn", "likelihoods.npz", array, n);
    reason_session_free(session);
    reason_session_free(reference);
}

static void test_hf_score__likelihoods(void **state) {
    (void)state;
    check_likelihoods(REASON_SCORE_LOGPROB, "sums");
    check_likelihoods(REASON_SCORE_DPO, "margins");
}

static double yes_of(reason_session *session, const char *text, const char *answer) {
    reason_request asked;
    reason_score_request request;
    reason_scores *scores;
    check_ok(reason_request_init(&asked, sizeof asked));
    check_ok(reason_score_request_init(&request, sizeof request));
    asked.text = text;
    request.prompt = &asked;
    request.responses = &answer;
    request.n_responses = 1;
    request.kind = REASON_SCORE_YESNO;
    check_ok(reason_score(session, &request, &scores));
    double yes = scored_at(scores, 0).score;
    reason_scores_free(scores);
    return yes;
}

/* The questions are stored as they were rendered; what is judged begins at its tag, where
 * no token can reach across. */
static void test_hf_score__yes_and_no(void **state) {
    (void)state;
    static const char name[] = "qwen3-reranker";
    double found[N_PROMPTS * N_ANSWERS];
    size_t n_bytes, n;
    int32_t *bytes = hf_ints(name, "expected.npz", "text", &n_bytes);
    int32_t *ends = hf_ints(name, "expected.npz", "text_ends", &n);
    reason_session *session = start(name);
    assert_true(bytes && ends && n == COUNT(found));
    for (size_t i = 0, at = 0; i < n; at = (size_t)ends[i++]) {
        char text[512] = "", answer[512];
        assert_true((size_t)ends[i] - at < sizeof text);
        for (size_t j = at; j < (size_t)ends[i]; j++)
            text[j - at] = (char)bytes[j];
        char *document = strstr(text, "<Document>");
        assert_non_null(document);
        memcpy(answer, document, strlen(document) + 1);
        *document = '\0';
        found[i] = yes_of(session, text, answer);
    }
    check_near(found, name, "expected.npz", "scores", n);
    reason_session_free(session);
    free(bytes);
    free(ends);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hf_score__at_the_end),
        cmocka_unit_test(test_hf_score__steps),
        cmocka_unit_test(test_hf_score__likelihoods),
        cmocka_unit_test(test_hf_score__yes_and_no),
    };
    return cmocka_run_group_tests_name("hf_score", tests, NULL, NULL);
}
