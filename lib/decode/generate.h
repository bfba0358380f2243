/* One generation: prompt, thinking, answer. */
#ifndef REASON_DECODE_GENERATE_H
#define REASON_DECODE_GENERATE_H

#include "decode/sequence.h"

/* Runs a request in the session's own timeline. The session must be entered. */
reason_status rsn_generate(rsn_session *session, const rsn_asked *asked,
                           rsn_result **result);

#endif
