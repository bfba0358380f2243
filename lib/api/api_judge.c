/* Public functions of judges. */
#include <stdio.h>

#include "api/judge_request.h"
#include "api/options.h"
#include "base/fpstate.h"
#include "reward/judgement.h"

static const reason_judge_request REQUEST = {
    .size = sizeof REQUEST, .n_votes = 1, .lowest = 1, .highest = 10};

reason_status reason_judge_request_init(reason_judge_request *request, size_t size) {
    return rsn_options_init(request, size, &REQUEST, sizeof REQUEST, "request");
}

/* --- what is given ------------------------------------------------------------------- */

/* [n] texts that are all there. */
static reason_status check_texts(const char *name, const char *const *texts, size_t n) {
    if (n > 0 && !texts)
        return rsn_fail_null(name);
    for (size_t i = 0; i < n; i++)
        if (!texts[i])
            return rsn_fail(REASON_ERR_INVALID_ARG, "%s %zu is NULL", name, i);
    return REASON_OK;
}

static reason_status check_numbers(const reason_judge_request *r) {
    if ((size_t)r->kind > REASON_JUDGE_CHECKLIST || (size_t)r->order > REASON_ORDER_GIVEN)
        return rsn_fail(REASON_ERR_INVALID_ARG, "kind %d or order %d is none of its enum",
                        (int)r->kind, (int)r->order);
    if (r->n_votes < 1 || r->n_votes > RSN_JUDGE_MAX_VOTES || r->max_tokens < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "n_votes %d (1 to %d) or max_tokens %d (0 or more)", r->n_votes,
                        RSN_JUDGE_MAX_VOTES, r->max_tokens);
    if (r->lowest >= r->highest)
        return rsn_fail(REASON_ERR_INVALID_ARG, "scores from %d to %d, a range expected",
                        r->lowest, r->highest);
    return REASON_OK;
}

static reason_status check_request(const reason_judge_request *r, size_t least,
                                   size_t most) {
    reason_status status = check_numbers(r);
    if (status != REASON_OK)
        return status;
    if (!r->query)
        return rsn_fail_null("query");
    if (r->n_responses < least || r->n_responses > most)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        least == most ? "%zu responses, %zu expected"
                                      : "%zu responses, %zu or more expected",
                        r->n_responses, least);
    if (r->kind == REASON_JUDGE_CHECKLIST && r->n_checklist == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "the checklist is empty");
    if (r->judge && r->kind != REASON_JUDGE_PAIR)
        return rsn_fail(REASON_ERR_INVALID_ARG, "a judge of your own judges pairs only");
    if ((r->verdict_1 && !r->verdict_1[0]) || (r->verdict_2 && !r->verdict_2[0]))
        return rsn_fail(REASON_ERR_INVALID_ARG, "verdict_1 or verdict_2 is empty");
    status = check_texts("response", r->responses, r->n_responses);
    return status == REASON_OK ? check_texts("item", r->checklist, r->n_checklist)
                               : status;
}

reason_status rsn_judge_read(const reason_judge_request *request, bool many,
                             rsn_judge_complete *c) {
    c->request = REQUEST;
    if (!request)
        return rsn_fail_null("request");
    reason_status status = rsn_options_read(request, &c->request, sizeof c->request,
                                            "request");
    if (status == REASON_OK)
        status = reason_thinking_init(&c->thinking, sizeof c->thinking);
    if (status == REASON_OK)
        status = reason_sampling_init(&c->sampling, sizeof c->sampling);
    c->sampling.top_p = 1;
    if (status == REASON_OK)
        status = rsn_options_read(c->request.thinking, &c->thinking, sizeof c->thinking,
                                  "thinking");
    if (status == REASON_OK)
        status = rsn_options_read(c->request.sampling, &c->sampling, sizeof c->sampling,
                                  "sampling");
    bool pair = c->request.kind == REASON_JUDGE_PAIR;
    if (status == REASON_OK && many && !pair)
        status = rsn_fail(REASON_ERR_INVALID_ARG, "a tournament is of pairs");
    if (status == REASON_OK)
        status = check_request(&c->request, pair ? 2 : 1, pair && !many ? 2 : SIZE_MAX);
    if (status == REASON_OK && c->thinking.adviser)
        status = rsn_fail(REASON_ERR_INVALID_ARG, "a judge has no adviser");
    if (status == REASON_OK)
        status = rsn_judge_begin(&c->judge, &c->request, &c->thinking, &c->sampling);
    return status;
}

/* --- judging ------------------------------------------------------------------------- */

reason_status rsn_judge_enter(reason_session *session, bool needed, rsn_fpstate *state) {
    if (needed && !session)
        return rsn_fail_null("session");
    if (needed)
        return rsn_session_enter(session);
    *state = rsn_fpstate_enter();
    return REASON_OK;
}

void rsn_judge_leave(reason_session *session, bool needed, rsn_fpstate state) {
    if (needed)
        rsn_session_leave(session);
    else
        rsn_fpstate_leave(state);
}

static reason_status run(reason_session *session, rsn_judge_complete *all,
                         rsn_judge **judges, size_t n, reason_judgement **judgements) {
    bool needed = false;
    rsn_fpstate state = 0;
    for (size_t i = 0; i < n; i++) {
        judges[i] = &all[i].judge;
        needed = needed || !all[i].request.judge;
    }
    reason_status status = rsn_judge_enter(session, needed, &state);
    if (status != REASON_OK)
        return status;
    status = rsn_judge_all(needed ? session : NULL, judges, n, judgements);
    rsn_judge_leave(session, needed, state);
    return status;
}

static reason_status read_all(const reason_judge_request *const *requests, size_t n,
                              rsn_judge_complete *all) {
    reason_status status = REASON_OK;
    char place[48];
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        status = rsn_judge_read(requests[i], false, &all[i]);
        snprintf(place, sizeof place, "request %zu", i);
        if (status != REASON_OK && n > 1)
            status = rsn_fail_within(status, place);
    }
    return status;
}

reason_status reason_judge_batch(reason_session *session,
                                 const reason_judge_request *const *requests, size_t n,
                                 reason_judgement **judgements) {
    for (size_t i = 0; judgements && i < n; i++)
        judgements[i] = NULL;
    if (!requests || !judgements)
        return rsn_fail_null("requests or judgements");
    if (n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n is 0, at least 1 expected");
    rsn_judge_complete *all = rsn_calloc2(n, sizeof *all);
    rsn_judge **judges = rsn_calloc2(n, sizeof(rsn_judge *));
    reason_status status = all && judges ? read_all(requests, n, all)
                                         : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = run(session, all, judges, n, judgements);
    for (size_t i = 0; all && i < n; i++)
        rsn_judge_end(&all[i].judge);
    rsn_free(all);
    rsn_free(judges);
    return status;
}

reason_status reason_judge(reason_session *session, const reason_judge_request *request,
                           reason_judgement **judgement) {
    if (judgement)
        *judgement = NULL;
    if (!request || !judgement)
        return rsn_fail_null("request or judgement");
    return reason_judge_batch(session, &request, 1, judgement);
}

/* --- what was found ------------------------------------------------------------------ */

void reason_judgement_free(reason_judgement *judgement) {
    rsn_judgement_free(judgement);
}

reason_status reason_judgement_summary_of(const reason_judgement *judgement,
                                          reason_judgement_summary *summary) {
    reason_judgement_summary out = {.size = sizeof out};
    if (!judgement)
        return rsn_fail_null("judgement");
    rsn_judgement_summary(judgement, &out);
    return rsn_options_write(summary, &out, sizeof out, "summary");
}

reason_status reason_judgement_score(const reason_judgement *judgement, size_t response,
                                     int32_t item, reason_judge_score *score) {
    reason_judge_score out = {.size = sizeof out};
    if (!judgement)
        return rsn_fail_null("judgement");
    if (judgement->kind == REASON_JUDGE_PAIR)
        return rsn_fail(REASON_ERR_INVALID_ARG, "a pair has votes, no scores");
    size_t n_items = judgement->kind == REASON_JUDGE_CHECKLIST ? judgement->n_items : 0;
    if (response >= judgement->n_responses || item < -1 || item >= (int64_t)n_items)
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "response %zu and item %d, the judgement has %zu and %zu",
                        response, item, judgement->n_responses, n_items);
    rsn_judgement_score(judgement, response, item, &out);
    return rsn_options_write(score, &out, sizeof out, "score");
}

size_t reason_judgement_n_verdicts(const reason_judgement *judgement) {
    return judgement ? judgement->n_verdicts : 0;
}

reason_status reason_judgement_verdict(const reason_judgement *judgement, size_t index,
                                       reason_judge_verdict *verdict) {
    if (!judgement)
        return rsn_fail_null("judgement");
    if (index >= judgement->n_verdicts)
        return rsn_fail(REASON_ERR_INVALID_ARG, "verdict %zu, the judgement has %zu",
                        index, judgement->n_verdicts);
    const rsn_judged *v = &judgement->verdicts[index];
    bool checks = judgement->kind == REASON_JUDGE_CHECKLIST;
    reason_judge_verdict out = {.size = sizeof out,
                                .first = v->first,
                                .second = v->second,
                                .item = checks ? (int32_t)v->item : -1,
                                .vote = (int32_t)v->vote,
                                .verdict = v->ruling.verdict,
                                .value = v->ruling.value,
                                .result = v->ruling.result};
    return rsn_options_write(verdict, &out, sizeof out, "verdict");
}
