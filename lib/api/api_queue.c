/* Public functions of requests that are submitted and polled. */
#include "api/options.h"
#include "api/request.h"
#include "decode/queue.h"

reason_status reason_submit(reason_session *session, const reason_request *request,
                            uint64_t *ticket) {
    rsn_complete c;
    rsn_asked asked;
    if (ticket)
        *ticket = 0;
    if (!session || !request || !ticket)
        return rsn_fail_null("session, request or ticket");
    reason_status status = rsn_request_read(request, &c, &asked);
    if (status == REASON_OK)
        status = rsn_requests_advise(&c, &asked, 1);
    if (status == REASON_OK)
        status = rsn_queue_submit(session, &asked, ticket);
    rsn_requests_free(&c, 1);
    return status;
}

reason_status reason_poll(reason_session *session, int32_t timeout_ms, uint64_t *ticket,
                          reason_result **result) {
    if (ticket)
        *ticket = 0;
    if (result)
        *result = NULL;
    if (!session || !ticket || !result)
        return rsn_fail_null("session, ticket or result");
    return rsn_queue_poll(session, timeout_ms, ticket, result);
}

reason_status reason_withdraw(reason_session *session, uint64_t ticket) {
    if (!session)
        return rsn_fail_null("session");
    return rsn_queue_withdraw(session, ticket);
}

reason_status reason_pending(reason_session *session, size_t *n_requests) {
    if (n_requests)
        *n_requests = 0;
    if (!session || !n_requests)
        return rsn_fail_null("session or n_requests");
    *n_requests = rsn_queue_pending(session);
    return REASON_OK;
}
