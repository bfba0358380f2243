/* One generation: prompt, thinking, answer. */
#ifndef REASON_DECODE_GENERATE_H
#define REASON_DECODE_GENERATE_H

#include "decode/result.h"
#include "decode/session.h"

/* Runs a request whose structs are complete (api/ has read them). The session must be
 * entered. */
reason_status rsn_generate(rsn_session *session, const reason_request *request,
                           const reason_thinking *thinking,
                           const reason_sampling *sampling, rsn_result **result);

#endif
