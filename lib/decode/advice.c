/* Advisers. Owns how one is asked, and when it has given up. Left to others: that the
 * thought fits the budget (rules.c). */
#include "decode/advice.h"

#include <string.h>

#include "base/alloc.h"
#include "decode/batch.h"

enum { DEFAULT_TOKENS = 128 };

static const char GIVES_UP[] = "<STOP>";
static const char PROMPT[] =
    "Do not answer the question. Write down, in a few short lines, only the main steps "
    "that lead to its answer. If it is too hard for you to be sure of them, write <STOP> "
    "and nothing else.";

/* A question to an adviser. */
typedef struct question {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    rsn_str messages; /* the conversation behind the adviser's own prompt, as JSON */
} question;

/* [the system message, what is between the brackets of the conversation. */
static reason_status add_messages(question *q, const reason_request *r) {
    const reason_message system = {
        .size = sizeof system, .role = "system", .content = q->request.system};
    const reason_message *const first = &system;
    rsn_str rest = {0};
    reason_status status = rsn_messages_json(&first, 1, &q->messages);
    if (status == REASON_OK && r->messages)
        status = rsn_messages_json(r->messages, r->n_messages, &rest);
    const char *text = r->messages ? rsn_str_text(&rest) : r->messages_json;
    text += strspn(text, " \t\r\n");
    if (status == REASON_OK && *text != '[')
        status = rsn_fail(REASON_ERR_FORMAT, "messages_json is no JSON array");
    rsn_str_cut(&q->messages, q->messages.n - (q->messages.n > 0));
    rsn_str_addz(&q->messages, ",");
    rsn_str_addz(&q->messages, text + (*text == '['));
    rsn_str_free(&rest);
    if (status == REASON_OK && q->messages.failed)
        status = rsn_fail_memory(q->messages.n);
    q->request.messages = NULL;
    q->request.messages_json = rsn_str_text(&q->messages);
    q->request.system = NULL;
    return status;
}

/* The same question, another system message, no thinking, and nobody listens. */
static reason_status make_question(const rsn_asked *asked, question *q, rsn_asked *out) {
    const reason_request *r = asked->request;
    const reason_thinking *how = asked->thinking;
    *q = (question){.request = *r,
                    .sampling = *asked->sampling,
                    .thinking = {.size = sizeof q->thinking,
                                 .mode = REASON_THINK_OFF,
                                 .budget = -1,
                                 .min_answer = -1,
                                 .close_temperature = 1}};
    if (!r->prompt && !r->messages && !r->messages_json)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "an adviser is asked with a prompt or messages, not with text");
    q->request.system = how->advice_prompt ? how->advice_prompt : PROMPT;
    q->request.max_tokens = how->advice_tokens > 0 ? how->advice_tokens : DEFAULT_TOKENS;
    q->request.n_samples = 1;
    q->sampling.n_bias = 0; /* of tokens of another model */
    q->request.stream = NULL;
    q->request.progress = NULL;
    q->request.stops = NULL;
    q->request.n_stops = 0;
    *out = (rsn_asked){.request = &q->request,
                       .thinking = &q->thinking,
                       .sampling = &q->sampling,
                       .inserts = asked->inserts};
    return r->prompt ? REASON_OK : add_messages(q, r);
}

/* *thought stays NULL if the adviser gave up or was stopped. */
static reason_status keep_thought(const rsn_result *result, char **thought) {
    const rsn_str *answer = &result->answer;
    if (answer->n == 0 || result->answer_end == REASON_FINISH_CANCELLED ||
        memmem(answer->data, answer->n, GIVES_UP, strlen(GIVES_UP)))
        return REASON_OK;
    *thought = rsn_alloc2(answer->n + 1, 1);
    if (!*thought)
        return REASON_ERR_NO_MEMORY;
    memcpy(*thought, rsn_str_text(answer), answer->n + 1);
    return REASON_OK;
}

/* Asks one adviser n questions. */
static reason_status run(rsn_session *adviser, const rsn_asked *asked, size_t n,
                         rsn_result **results, char **thoughts) {
    reason_status status = rsn_session_enter(adviser);
    if (status != REASON_OK)
        return status;
    status = rsn_generate_batch(adviser, asked, n, NULL, results);
    rsn_session_leave(adviser);
    for (size_t i = 0; i < n; i++) {
        if (status == REASON_OK)
            status = keep_thought(results[i], &thoughts[i]);
        rsn_result_free(results[i]);
    }
    return status;
}

static reason_status ask(const rsn_asked *asked, size_t n, char **thoughts) {
    question *questions = rsn_calloc2(n, sizeof *questions);
    rsn_asked *all = rsn_calloc2(n, sizeof *all);
    rsn_result **results = rsn_calloc2(n, sizeof(rsn_result *));
    reason_status status =
        questions && all && results ? REASON_OK : REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < n && status == REASON_OK; i++)
        status = make_question(&asked[i], &questions[i], &all[i]);
    if (status == REASON_OK)
        status = run(asked->thinking->adviser, all, n, results, thoughts);
    for (size_t i = 0; questions && i < n; i++)
        rsn_str_free(&questions[i].messages);
    rsn_free(questions);
    rsn_free(all);
    rsn_free(results);
    return status == REASON_OK ? status : rsn_fail_within(status, "the adviser");
}

/* NULL: nobody is asked. */
static const reason_session *adviser_of(const rsn_asked *asked) {
    const reason_thinking *how = asked->thinking;
    bool thinks = how->mode != REASON_THINK_OFF && how->budget != 0 && !how->thought;
    return thinks ? how->adviser : NULL;
}

reason_status rsn_advise(const rsn_asked *asked, size_t n, char **thoughts) {
    reason_status status = REASON_OK;
    memset(thoughts, 0, n * sizeof *thoughts);
    for (size_t i = 0, end; i < n && status == REASON_OK; i = end) {
        const reason_session *adviser = adviser_of(&asked[i]);
        end = i + 1;
        while (end < n && adviser_of(&asked[end]) == adviser)
            end++;
        if (adviser)
            status = ask(asked + i, end - i, thoughts + i);
    }
    if (status != REASON_OK)
        rsn_advice_free(thoughts, n);
    return status;
}

void rsn_advice_free(char **thoughts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        rsn_free(thoughts[i]);
        thoughts[i] = NULL;
    }
}
