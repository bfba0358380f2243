/* Requests to judges as hosts give them. */
#ifndef REASON_API_JUDGE_REQUEST_H
#define REASON_API_JUDGE_REQUEST_H

#include "base/fpstate.h"
#include "reward/judge.h"

enum { RSN_JUDGE_MAX_VOTES = 1 << 16 };

/* A request with all of its structs complete, and its judge. */
typedef struct rsn_judge_complete {
    reason_judge_request request;
    reason_thinking thinking;
    reason_sampling sampling;
    rsn_judge judge; /* points to the three above */
} rsn_judge_complete;

/* api_judge.c: reads a host's request, of a tournament if `many`, into a zeroed *c, whose
 * judge is to be ended either way. INVALID_ARG, NO_MEMORY. */
reason_status rsn_judge_read(const reason_judge_request *request, bool many,
                             rsn_judge_complete *c);
/* api_rank.c: reads options, NULL: defaults. INVALID_ARG. */
reason_status rsn_elo_read(const reason_elo_options *options, reason_elo_options *o);
/* Enters the session if one is needed, and the floating-point state in any case. */
reason_status rsn_judge_enter(reason_session *session, bool needed, rsn_fpstate *state);
void rsn_judge_leave(reason_session *session, bool needed, rsn_fpstate state);

#endif
