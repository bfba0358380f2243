/* Public functions of generation: requests, one at a time or many. */
#include <stdio.h>
#include <string.h>

#include "api/options.h"
#include "api/request.h"
#include "base/alloc.h"
#include "decode/advice.h"
#include "decode/batch.h"
#include "decode/generate.h"

static const reason_thinking THINKING = {
    .size = sizeof THINKING, .budget = -1, .min_answer = -1, .close_temperature = 1};
static const reason_sampling SAMPLING = {.size = sizeof SAMPLING,
                                         .temperature = 0.6f,
                                         .top_p = 0.95f,
                                         .repeat_penalty = 1,
                                         .penalty_window = 64};
static const reason_request REQUEST = {.size = sizeof REQUEST, .n_text = -1};

reason_status reason_thinking_init(reason_thinking *thinking, size_t size) {
    return rsn_options_init(thinking, size, &THINKING, sizeof THINKING, "thinking");
}

reason_status reason_sampling_init(reason_sampling *sampling, size_t size) {
    return rsn_options_init(sampling, size, &SAMPLING, sizeof SAMPLING, "sampling");
}

reason_status reason_request_init(reason_request *request, size_t size) {
    return rsn_options_init(request, size, &REQUEST, sizeof REQUEST, "request");
}

static reason_status check_request(const reason_request *r) {
    if (r->stops == NULL && r->n_stops > 0)
        return rsn_fail_null("stops");
    for (size_t i = 0; i < r->n_stops; i++)
        if (!r->stops[i] || r->stops[i][0] == '\0')
            return rsn_fail(REASON_ERR_INVALID_ARG, "stop text %zu is NULL or empty", i);
    if (r->text && r->n_text < -1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_text %lld, -1 or more expected",
                        (long long)r->n_text);
    if (r->n_samples < 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_samples %d, 0 or more expected",
                        r->n_samples);
    return r->messages ? rsn_messages_check(r->messages, r->n_messages) : REASON_OK;
}

reason_status rsn_request_read(const reason_request *request, rsn_complete *c,
                               rsn_asked *asked) {
    *c = (rsn_complete){REQUEST, THINKING, SAMPLING, NULL};
    *asked = (rsn_asked){.request = &c->request,
                         .thinking = &c->thinking,
                         .sampling = &c->sampling};
    reason_status status =
        rsn_options_read(request, &c->request, sizeof c->request, "request");
    if (status == REASON_OK)
        status = rsn_options_read(c->request.thinking, &c->thinking, sizeof c->thinking,
                                  "thinking");
    if (status == REASON_OK)
        status = rsn_options_read(c->request.sampling, &c->sampling, sizeof c->sampling,
                                  "sampling");
    return status == REASON_OK ? check_request(&c->request) : status;
}

reason_status rsn_requests_advise(rsn_complete *all, const rsn_asked *asked, size_t n) {
    char **thoughts = rsn_calloc2(n, sizeof *thoughts);
    if (!thoughts)
        return REASON_ERR_NO_MEMORY;
    reason_status status = rsn_advise(asked, n, thoughts);
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        all[i].thought = thoughts[i];
        if (thoughts[i])
            all[i].thinking.thought = thoughts[i];
    }
    rsn_free(thoughts);
    return status;
}

void rsn_requests_free(rsn_complete *all, size_t n) {
    for (size_t i = 0; all && i < n; i++)
        rsn_free(all[i].thought);
}

reason_status reason_generate(reason_session *session, const reason_request *request,
                              reason_result **result) {
    rsn_complete c;
    rsn_asked asked;
    if (result)
        *result = NULL;
    if (!session || !request || !result)
        return rsn_fail_null("session, request or result");
    reason_status status = rsn_request_read(request, &c, &asked);
    if (status == REASON_OK)
        status = rsn_requests_advise(&c, &asked, 1);
    if (status == REASON_OK)
        status = rsn_session_enter(session);
    if (status == REASON_OK) {
        status = c.request.n_samples > 1
                     ? rsn_generate_batch(session, &asked, 1, NULL, result)
                     : rsn_generate(session, &asked, result);
        rsn_session_leave(session);
    }
    rsn_requests_free(&c, 1);
    return status;
}

static reason_status read_requests(const reason_request *const *requests, size_t n,
                                   rsn_complete *all, rsn_asked *asked) {
    reason_status status = REASON_OK;
    char place[48];
    for (size_t i = 0; i < n && status == REASON_OK; i++) {
        status = requests[i] ? rsn_request_read(requests[i], &all[i], &asked[i])
                             : rsn_fail_null("it");
        snprintf(place, sizeof place, "request %zu", i);
        if (status != REASON_OK)
            status = rsn_fail_within(status, place);
    }
    return status;
}

reason_status reason_generate_batch(reason_session *session,
                                    const reason_request *const *requests, size_t n,
                                    reason_result **results) {
    for (size_t i = 0; results && i < n; i++)
        results[i] = NULL;
    if (!session || !requests || !results)
        return rsn_fail_null("session, requests or results");
    if (n == 0)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n is 0, at least 1 expected");
    rsn_complete *all = rsn_calloc2(n, sizeof *all);
    rsn_asked *asked = rsn_alloc2(n, sizeof *asked);
    reason_status status = all && asked ? read_requests(requests, n, all, asked)
                                        : REASON_ERR_NO_MEMORY;
    if (status == REASON_OK)
        status = rsn_requests_advise(all, asked, n);
    if (status == REASON_OK)
        status = rsn_session_enter(session);
    if (status == REASON_OK) {
        status = rsn_generate_batch(session, asked, n, NULL, results);
        rsn_session_leave(session);
    }
    rsn_requests_free(all, n);
    rsn_free(all);
    rsn_free(asked);
    return status;
}
