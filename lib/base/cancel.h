/* The flag that stops running calls, and the two of them that a call may have to watch.
 */
#ifndef REASON_BASE_CANCEL_H
#define REASON_BASE_CANCEL_H

#include <stdatomic.h>

#include "base/status.h"

struct reason_cancel_token {
    atomic_bool set;
};

/* What a call watches: its own token and its session's, either may be NULL; of a call in
 * several sessions also what the next one's is, NULL at the last. */
typedef struct rsn_cancel {
    const reason_cancel_token *token, *session;
    const struct rsn_cancel *next;
} rsn_cancel;

/* Relaxed: the flag carries no data, it only says stop, and it is polled again soon. */
static inline bool rsn_cancel_is_set(const reason_cancel_token *token) {
    return token && atomic_load_explicit(&token->set, memory_order_relaxed);
}

static inline bool rsn_cancelled(const rsn_cancel *c) {
    for (; c; c = c->next)
        if (rsn_cancel_is_set(c->token) || rsn_cancel_is_set(c->session)) return true;
    return false;
}

#endif
