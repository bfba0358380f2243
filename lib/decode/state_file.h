/* A session's tokens, keys and values in a file. The layout is in docs/FORMATS.md. */
#ifndef REASON_DECODE_STATE_FILE_H
#define REASON_DECODE_STATE_FILE_H

#include "decode/session.h"

/* The session must be claimed. INVALID_ARG (the path is the model's), IO, NO_MEMORY,
 * CANCELLED: what was at the path is as it was. */
reason_status rsn_state_save(const rsn_session *session, const char *path);
/* The session must be claimed. IO, FORMAT, UNSUPPORTED, MISMATCH, CONTEXT_FULL,
 * NO_MEMORY, CANCELLED: the session is as it was. */
reason_status rsn_state_load(rsn_session *session, const char *path);

#endif
