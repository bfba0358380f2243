/* The flag that stops running calls, and the two of them that a call may have to watch.
 */
#ifndef REASON_BASE_CANCEL_H
#define REASON_BASE_CANCEL_H

#include <stdatomic.h>

#include "base/status.h"

struct reason_cancel_token {
    atomic_bool set;
};

/* What a call watches: its own token and its session's. Either may be NULL. */
typedef struct rsn_cancel {
    const reason_cancel_token *token, *session;
} rsn_cancel;

/* Relaxed: the flag carries no data, it only says stop, and it is polled again soon. */
static inline bool rsn_cancel_is_set(const reason_cancel_token *token) {
    return token && atomic_load_explicit(&token->set, memory_order_relaxed);
}

static inline bool rsn_cancelled(const rsn_cancel *c) {
    return c && (rsn_cancel_is_set(c->token) || rsn_cancel_is_set(c->session));
}

#endif
