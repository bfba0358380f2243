/* Public functions of answers and of searches. */
#include <string.h>

#include "api/options.h"
#include "api/request.h"
#include "search/search.h"

enum { DEFAULT_SAMPLES = 8 };

static const reason_search_options OPTIONS = {.size = sizeof OPTIONS};

/* --- answers ------------------------------------------------------------------------- */

static reason_status check_kind(reason_answer_kind kind) {
    return (size_t)kind <= REASON_ANSWER_CHOICE
               ? REASON_OK
               : rsn_fail(REASON_ERR_INVALID_ARG, "kind %d is none of its enum",
                          (int)kind);
}

reason_status reason_answer_normalize(const char *text, int64_t n_bytes,
                                      reason_answer_kind kind, char **normal) {
    rsn_str out = {0};
    if (normal)
        *normal = NULL;
    if (!normal || (!text && n_bytes != 0))
        return rsn_fail_null("text or normal");
    reason_status status = check_kind(kind);
    if (status == REASON_OK)
        status = rsn_check_length(n_bytes);
    if (status != REASON_OK)
        return status;
    rsn_answer_normalize(
        (rsn_text){text ? text : "", n_bytes < 0 ? strlen(text) : (size_t)n_bytes}, kind,
        &out);
    *normal = rsn_str_take(&out);
    return *normal ? REASON_OK : rsn_fail_memory((size_t)n_bytes);
}

reason_status reason_answer_check(const char *text, const char *gold,
                                  reason_answer_kind kind, bool *right) {
    if (right)
        *right = false;
    if (!text || !gold || !right)
        return rsn_fail_null("text, gold or right");
    reason_status status = check_kind(kind);
    if (status != REASON_OK)
        return status;
    return rsn_answer_check((rsn_text){text, strlen(text)},
                            (rsn_text){gold, strlen(gold)}, kind, right);
}

double reason_pass_at_k(uint64_t n, uint64_t right, uint64_t k) {
    return rsn_pass_at_k(n, right, k);
}

/* --- searches ------------------------------------------------------------------------ */

reason_status reason_search_options_init(reason_search_options *options, size_t size) {
    return rsn_options_init(options, size, &OPTIONS, sizeof OPTIONS, "options");
}

const char *reason_search_method_name(reason_search_method method) {
    const char *name = rsn_search_name(method);
    return name ? name : "unknown";
}

static reason_status set_samples(const reason_search_options *o, rsn_complete *c) {
    if (o->n_samples < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_samples %d, 0 or more expected",
                        o->n_samples);
    if (o->n_samples > 0)
        c->request.n_samples = o->n_samples;
    if (c->request.n_samples == 0)
        c->request.n_samples = DEFAULT_SAMPLES;
    return rsn_search_check(o, (size_t)c->request.n_samples);
}

/* The sessions of a reward model, each claimed once, before the search begins: *n of them
 * that are not the one that searches. */
static reason_status claim_rewards(const reason_session *session,
                                   reason_session *const *all, reason_session **claimed,
                                   size_t *n) {
    for (size_t i = 0; i < 2; i++) {
        if (!all[i] || all[i] == session)
            continue;
        reason_status status = rsn_session_claim(all[i]);
        if (status != REASON_OK)
            return rsn_fail_within(status, i == 0 ? "reward" : "reference");
        claimed[(*n)++] = all[i];
    }
    return REASON_OK;
}

static reason_status search(reason_session *session, const rsn_search_asked *asked,
                            reason_search_result **result) {
    reason_session *const all[] = {asked->options->reward,
                                   asked->options->reward ? asked->scoring->reference
                                                          : NULL};
    reason_session *claimed[2];
    size_t n = 0;
    if (all[0] && all[0] == all[1])
        return rsn_fail(REASON_ERR_INVALID_ARG, "the reference is the reward itself");
    reason_status status = claim_rewards(session, all, claimed, &n);
    if (status == REASON_OK)
        status = rsn_session_enter(session);
    if (status == REASON_OK) {
        status = rsn_search(session, asked, result);
        rsn_session_leave(session);
    }
    while (n-- > 0)
        rsn_session_release(claimed[n]);
    return status;
}

reason_status reason_search(reason_session *session, const reason_request *request,
                            const reason_search_options *options,
                            reason_search_result **result) {
    reason_search_options o = OPTIONS;
    reason_score_request scoring;
    rsn_complete c;
    rsn_asked asked;
    if (result)
        *result = NULL;
    if (!session || !request || !result)
        return rsn_fail_null("session, request or result");
    reason_status status = rsn_options_read(options, &o, sizeof o, "options");
    if (status == REASON_OK)
        status = rsn_score_request_read(o.scoring, &scoring);
    if (status == REASON_OK)
        status = rsn_request_read(request, &c, &asked);
    if (status == REASON_OK)
        status = set_samples(&o, &c);
    if (status == REASON_OK)
        status = rsn_requests_advise(&c, &asked, 1);
    if (status != REASON_OK)
        return status;
    const rsn_search_asked what = {&asked, &o, &scoring};
    status = search(session, &what, result);
    rsn_requests_free(&c, 1);
    return status;
}

void reason_search_result_free(reason_search_result *result) {
    rsn_search_result_free(result);
}

const reason_result *reason_search_samples(const reason_search_result *result) {
    return result ? result->samples : NULL;
}

const reason_result *reason_search_best(const reason_search_result *result) {
    return result && result->n_answers > 0
               ? reason_result_sample(result->samples, result->answers[0].sample)
               : NULL;
}

size_t reason_search_n_answers(const reason_search_result *result) {
    return result ? result->n_answers : 0;
}

reason_status reason_search_answer_at(const reason_search_result *result, size_t index,
                                      reason_search_answer *answer) {
    if (!result)
        return rsn_fail_null("result");
    if (index >= result->n_answers)
        return rsn_fail(REASON_ERR_INVALID_ARG, "answer %zu, the search has %zu", index,
                        result->n_answers);
    const rsn_search_answer *a = &result->answers[index];
    reason_search_answer out = {sizeof out, rsn_str_text(&a->text), a->weight,
                                a->n_samples, a->sample};
    return rsn_options_write(answer, &out, sizeof out, "answer");
}

reason_status reason_search_usage_of(const reason_search_result *result,
                                     reason_search_usage *usage) {
    if (!result)
        return rsn_fail_null("result");
    return rsn_options_write(usage, &result->usage, sizeof result->usage, "usage");
}
