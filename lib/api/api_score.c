/* Public functions of scores. */
#include <string.h>

#include "api/options.h"
#include "api/request.h"
#include "decode/prompt.h"
#include "reward/score.h"

static const reason_score_request REQUEST = {.size = sizeof REQUEST, .label = -1};
static const reason_request PROMPT = {.size = sizeof PROMPT, .n_text = -1};

reason_status reason_score_request_init(reason_score_request *request, size_t size) {
    return rsn_options_init(request, size, &REQUEST, sizeof REQUEST, "request");
}

const char *reason_score_kind_name(reason_score_kind kind) {
    const rsn_score_kind *row = rsn_score_kind_of(kind);
    return row ? row->name : "unknown";
}

const char *reason_aggregate_name(reason_aggregate aggregate) {
    const char *name = rsn_aggregate_name(aggregate);
    return name ? name : "unknown";
}

/* --- what is asked ------------------------------------------------------------------- */

static reason_status check_responses(const reason_score_request *r) {
    if (!r->responses)
        return rsn_fail_null("responses");
    if (r->n_responses == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_responses is 0, at least 1 expected");
    for (size_t i = 0; i < r->n_responses; i++) {
        reason_status status =
            r->response_bytes ? rsn_check_length(r->response_bytes[i]) : REASON_OK;
        if (status == REASON_OK && !r->responses[i])
            status = rsn_fail(REASON_ERR_INVALID_ARG, "response %zu is NULL", i);
        if (status != REASON_OK)
            return status;
    }
    return REASON_OK;
}

static reason_status check_numbers(const reason_score_request *r) {
    const struct {
        const char *name;
        int value, most;
    } enums[] = {{"kind", (int)r->kind, REASON_SCORE_DPO},
                 {"transform", (int)r->transform, REASON_TRANSFORM_SOFTMAX},
                 {"aggregate", (int)r->aggregate, REASON_AGGREGATE_MEAN}};
    for (size_t i = 0; i < sizeof enums / sizeof *enums; i++)
        if (enums[i].value < 0 || enums[i].value > enums[i].most)
            return rsn_fail(REASON_ERR_INVALID_ARG, "%s %d is none of its enum",
                            enums[i].name, enums[i].value);
    if (r->label < -1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "label %d, -1 or more expected", r->label);
    if (!(r->beta >= 0 && r->beta <= 1e6f))
        return rsn_fail(REASON_ERR_INVALID_ARG, "beta %g, 0 to 1e6 expected",
                        (double)r->beta);
    if (r->step_separator && r->step_separator[0] == '\0')
        return rsn_fail(REASON_ERR_INVALID_ARG, "step_separator is empty");
    if ((r->kind == REASON_SCORE_DPO) != (r->reference != NULL))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        r->reference ? "a reference is of kind dpo only"
                                     : "kind dpo needs a reference");
    return REASON_OK;
}

reason_status rsn_score_request_read(const reason_score_request *from,
                                     reason_score_request *request) {
    *request = REQUEST;
    reason_status status = rsn_options_read(from, request, sizeof *request, "request");
    return status == REASON_OK ? check_numbers(request) : status;
}

static reason_status read_prompt(const reason_request *from, reason_request *prompt) {
    if (!from)
        return rsn_fail_null("prompt");
    reason_status status = rsn_options_read(from, prompt, sizeof *prompt, "prompt");
    if (status == REASON_OK && prompt->text)
        status = rsn_check_length(prompt->n_text);
    if (status == REASON_OK && prompt->messages)
        status = rsn_messages_check(prompt->messages, prompt->n_messages);
    return status == REASON_OK ? rsn_prompt_check(prompt) : status;
}

/* Both sessions are claimed before either works, so that neither is waited for. */
static reason_status score(reason_session *session, const rsn_score_asked *asked,
                           reason_scores **scores) {
    reason_session *reference = asked->request->reference;
    if (reference == session)
        return rsn_fail(REASON_ERR_INVALID_ARG, "the reference is the session itself");
    reason_status status = rsn_session_claim(session);
    if (status != REASON_OK)
        return status;
    if (reference && (status = rsn_session_claim(reference)) != REASON_OK) {
        rsn_session_release(session);
        return rsn_fail_within(status, "reference");
    }
    status = rsn_score(session, asked, scores);
    if (reference)
        rsn_session_release(reference);
    rsn_session_release(session);
    return status;
}

reason_status reason_score(reason_session *session, const reason_score_request *request,
                           reason_scores **scores) {
    reason_score_request r;
    reason_request prompt = PROMPT;
    if (scores)
        *scores = NULL;
    if (!session || !request || !scores)
        return rsn_fail_null("session, request or scores");
    reason_status status = rsn_score_request_read(request, &r);
    if (status == REASON_OK)
        status = read_prompt(r.prompt, &prompt);
    if (status == REASON_OK)
        status = check_responses(&r);
    const rsn_score_asked asked = {&r, &prompt, NULL};
    return status == REASON_OK ? score(session, &asked, scores) : status;
}

/* --- what came out ------------------------------------------------------------------- */

void reason_scores_free(reason_scores *scores) {
    rsn_scores_free(scores);
}

size_t reason_scores_n(const reason_scores *scores) {
    return scores ? scores->n : 0;
}

reason_score_kind reason_scores_kind(const reason_scores *scores) {
    return scores ? scores->kind : REASON_SCORE_HEAD;
}

const char *reason_scores_transform(const reason_scores *scores) {
    return scores ? scores->transform : rsn_transform_name(RSN_TRANSFORM_NONE);
}

const char *reason_scores_label(const reason_scores *scores, size_t index) {
    return scores && scores->labels && index < scores->n_out ? scores->labels[index]
                                                             : NULL;
}

static reason_status find_candidate(const reason_scores *scores, size_t index,
                                    const rsn_candidate **c) {
    if (!scores)
        return rsn_fail_null("scores");
    if (index >= scores->n)
        return rsn_fail(REASON_ERR_INVALID_ARG, "response %zu, there are %zu", index,
                        scores->n);
    *c = &scores->list[index];
    return REASON_OK;
}

reason_status reason_scores_at(const reason_scores *scores, size_t index,
                               reason_scored *scored) {
    const rsn_candidate *c = NULL;
    reason_status status = find_candidate(scores, index, &c);
    if (status != REASON_OK)
        return status;
    const rsn_guards *g = &c->guards;
    bool sums = rsn_score_kind_of(scores->kind)->ahead;
    const reason_scored out = {
        .size = sizeof out,
        .score = c->score,
        .raw = sums ? c->raw : c->outputs + (c->n_places - 1) * scores->n_out,
        .n_raw = scores->n_raw,
        .n_steps = scores->has_steps ? c->n_places : 0,
        .n_tokens = c->ids.n,
        .n_scored = c->end > c->n_prompt ? c->end - c->n_prompt : 0,
        .n_bytes = g->n_bytes,
        .response_tokens = g->n_tokens,
        .thinking_tokens = g->n_thinking,
        .answer_tokens = g->n_answer,
        .control_tokens = g->n_control,
        .thinking_closed = g->closed,
        .has_answer = g->has_answer,
        .repeated = g->repeated};
    return rsn_options_write(scored, &out, sizeof out, "scored");
}

reason_status reason_scores_step(const reason_scores *scores, size_t index, size_t step,
                                 reason_scored_step *scored) {
    const rsn_candidate *c = NULL;
    reason_status status = find_candidate(scores, index, &c);
    if (status != REASON_OK)
        return status;
    size_t n = scores->has_steps ? c->n_places : 0;
    if (step >= n)
        return rsn_fail(REASON_ERR_INVALID_ARG, "step %zu, response %zu has %zu", step,
                        index, n);
    const reason_scored_step out = {.size = sizeof out,
                                    .score = c->steps[step],
                                    .raw = c->outputs + step * scores->n_out,
                                    .n_raw = scores->n_out,
                                    .position = c->places[step],
                                    .token = c->ids.items[c->places[step]]};
    return rsn_options_write(scored, &out, sizeof out, "scored");
}

reason_status reason_scores_usage(const reason_scores *scores,
                                  reason_score_usage *usage) {
    if (!scores)
        return rsn_fail_null("scores");
    return rsn_options_write(usage, &scores->usage, sizeof scores->usage, "usage");
}
