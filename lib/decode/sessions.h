/* Several sessions of one model and one pool in one call. */
#ifndef REASON_DECODE_SESSIONS_H
#define REASON_DECODE_SESSIONS_H

#include "decode/session.h"

/* Appends tokens[i] to sessions[i], n of both, in passes of as many as the first one's
 * chunk; logits [n][n_vocab] or NULL. INVALID_ARG for sessions that do not share model
 * and pool or for a token outside the vocabulary; BUSY, also for a session that is there
 * twice; CONTEXT_FULL, NO_MEMORY, CANCELLED. Then no session has changed. */
reason_status rsn_sessions_append(rsn_session *const *sessions, const int32_t *tokens,
                                  size_t n, float *logits);

#endif
