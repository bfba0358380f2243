/* One forward pass for sequences, as many of their waiting tokens as a pass takes. */
#ifndef REASON_DECODE_PASS_H
#define REASON_DECODE_PASS_H

#include "decode/sequence.h"
#include "decode/session.h"

/* Runs what sequences[0 .. n) wait for and gives them their logits, which stay valid until
 * the session's next pass. Who waits for one token comes before prompts, each in the order
 * given; whoever does not fit goes on waiting. Guesses are run behind the one token, and
 * forgotten if there is no memory for them. NO_MEMORY, CONTEXT_FULL, CANCELLED: nothing was
 * run. */
reason_status rsn_pass(rsn_session *session, rsn_sequence *const *sequences, size_t n,
                       const rsn_cancel *cancel);

#endif
