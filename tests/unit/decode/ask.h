/* One request to a scripted model, greedy unless a test says otherwise, and what is
 * expected of its result. */
#ifndef REASON_TESTS_ASK_H
#define REASON_TESTS_ASK_H

#include "unit/decode/scripted_model.h"

typedef struct ask {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    scripted *m;
    reason_session *session;
    reason_result *result;
} ask;

/* Greedy, in a session of its own. The model's script starts behind the prompt. */
static inline void ask_begin(ask *a, scripted *m, const char *prompt, int32_t n_ctx) {
    memset(a, 0, sizeof *a);
    assert_int_equal(reason_request_init(&a->request, sizeof a->request), REASON_OK);
    assert_int_equal(reason_thinking_init(&a->thinking, sizeof a->thinking), REASON_OK);
    assert_int_equal(reason_sampling_init(&a->sampling, sizeof a->sampling), REASON_OK);
    a->sampling.temperature = 0;
    a->thinking.min_answer = 4;
    a->request.text = prompt;
    a->request.thinking = &a->thinking;
    a->request.sampling = &a->sampling;
    a->m = m;
    m->seed = count_tokens(m, prompt);
    m->n_forwards = m->cancel_at = 0;
    a->session = scripted_session(m, n_ctx, 64);
}

static inline reason_status ask_run(ask *a) {
    reason_result_free(a->result);
    a->m->n_forwards = 0;
    return reason_generate(a->session, &a->request, &a->result);
}

static inline void ask_ok(ask *a) {
    reason_status status = ask_run(a);
    if (status != REASON_OK)
        print_error("%s\n", reason_last_error());
    assert_int_equal(status, REASON_OK);
    assert_non_null(a->result);
}

static inline void expect_refused(ask *a, reason_status expected, const char *words) {
    reason_result_free(a->result);
    a->result = (reason_result *)a; /* is set on failure */
    a->m->n_forwards = 0;
    assert_int_equal(reason_generate(a->session, &a->request, &a->result), expected);
    assert_null(a->result);
    assert_non_null(strstr(reason_last_error(), words));
    assert_int_equal(a->m->n_forwards, 0);
}

static inline void ask_end(ask *a) {
    reason_result_free(a->result);
    reason_session_free(a->session);
    a->result = NULL;
    a->session = NULL;
}

static inline reason_usage usage_of(const ask *a) {
    reason_usage u = {.size = sizeof u};
    assert_int_equal(reason_result_usage(a->result, &u), REASON_OK);
    return u;
}

static inline reason_token token_at(const ask *a, size_t i) {
    reason_token t = {.size = sizeof t};
    assert_int_equal(reason_result_token(a->result, i, &t), REASON_OK);
    return t;
}

/* Labels of the tokens as T, A and M, forced ones in lower case. */
static inline void expect_labels(const ask *a, const char *expected) {
    char found[256] = "";
    size_t n = reason_result_n_tokens(a->result);
    assert_true(n < sizeof found);
    for (size_t i = 0; i < n; i++) {
        reason_token t = token_at(a, i);
        found[i] = (t.origin == REASON_FORCED ? "tam" : "TAM")[t.label];
    }
    assert_string_equal(found, expected);
}

static inline void expect_texts(const ask *a, const char *thinking, const char *answer) {
    assert_string_equal(reason_result_thinking(a->result, NULL), thinking);
    assert_string_equal(reason_result_answer(a->result, NULL), answer);
}

static inline void expect_finish(const ask *a, reason_finish finish,
                                 reason_finish answer_end) {
    assert_int_equal(reason_result_finish(a->result), finish);
    assert_int_equal(reason_result_answer_end(a->result), answer_end);
}

/* Makes a script of these texts, a token each; `ids` must have room for them. */
#define SCRIPT(m, ids, ...)                                                              \
    set_script(m, ids, (const char *const[]){__VA_ARGS__},                               \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static inline void set_script(scripted *m, int32_t *ids, const char *const *texts,
                              size_t n) {
    for (size_t i = 0; i < n; i++)
        ids[i] = token_of(m, texts[i]);
    m->ids = ids;
    m->n_ids = n;
}

#endif
