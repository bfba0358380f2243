/* Requests as hosts give them. */
#ifndef REASON_API_REQUEST_H
#define REASON_API_REQUEST_H

#include "decode/sequence.h"

/* A request with all of its structs complete. */
typedef struct rsn_complete {
    reason_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    char *thought; /* of an adviser, owned */
} rsn_complete;

/* api_generate.c: reads a host's request, whose structs may be older or left out; `asked`
 * points into *c. INVALID_ARG. */
reason_status rsn_request_read(const reason_request *request, rsn_complete *c,
                               rsn_asked *asked);
/* api_score.c: how responses are scored; NULL: as the head says. Prompt and responses are
 * not looked at. INVALID_ARG. */
reason_status rsn_score_request_read(const reason_score_request *from,
                                     reason_score_request *request);
/* Asks the advisers of n requests that were read, no session being entered. What
 * rsn_advise() returns. */
reason_status rsn_requests_advise(rsn_complete *all, const rsn_asked *asked, size_t n);
/* Frees what n requests own that were read, or are zero. */
void rsn_requests_free(rsn_complete *all, size_t n);

#endif
