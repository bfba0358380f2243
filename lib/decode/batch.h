/* Many generations in one session, in the same forward passes: they join and leave at
 * token boundaries, share the blocks of what they have in common, and give what each gives
 * alone. */
#ifndef REASON_DECODE_BATCH_H
#define REASON_DECODE_BATCH_H

#include "decode/sequence.h"

/* Runs n requests, results[i] being that of asked[i] with all its samples. The session
 * must be entered; its own timeline is left alone. What rsn_sequence_open() refuses is
 * refused before anything runs, and named by its place; a request that is cancelled has
 * a result that says so. */
reason_status rsn_generate_batch(rsn_session *session, const rsn_asked *asked, size_t n,
                                 rsn_result **results);

#endif
