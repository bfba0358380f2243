/* Requests that come from any thread, at any time, while one thread runs the session. */
#ifndef REASON_DECODE_QUEUE_H
#define REASON_DECODE_QUEUE_H

#include "decode/engine.h"

/* Checks, renders and tokenizes in the calling thread, and queues what is left to do.
 * Statuses of rsn_sequence_open(), and BUSY while another call than a poll is inside:
 * then nothing is left behind. *ticket is above 0. */
reason_status rsn_queue_submit(rsn_session *session, const rsn_asked *asked,
                               uint64_t *ticket);
/* Runs until a request has ended, or as long as timeout_ms says: reason_poll() has the
 * rules. NO_MEMORY with a ticket: that request failed; with ticket 0 nothing is lost. */
reason_status rsn_queue_poll(rsn_session *session, int32_t timeout_ms, uint64_t *ticket,
                             rsn_result **result);
/* INVALID_ARG for a ticket that is not pending. */
reason_status rsn_queue_withdraw(rsn_session *session, uint64_t ticket);
size_t rsn_queue_pending(rsn_session *session);
/* NULL is fine. Nobody may be inside the session any more. */
void rsn_queue_free(rsn_queue *queue);

#endif
