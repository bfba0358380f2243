/* Requests that are known beforehand, run together. */
#ifndef REASON_DECODE_BATCH_H
#define REASON_DECODE_BATCH_H

#include "decode/engine.h"

typedef struct rsn_batch rsn_batch;

/* Looks at a batch between two passes and may end members of it, of which there is one
 * for each sample of each request, in their order. */
typedef struct rsn_batch_watch {
    reason_status (*look)(void *user, rsn_batch *batch); /* NO_MEMORY ends all */
    void *user;
    bool in_step; /* whom it ends depends on everyone making one token a pass: no guesses */
} rsn_batch_watch;

/* The samples of a request as its one result, which takes them. NO_MEMORY: they stay
 * where they are. */
reason_status rsn_samples_join(rsn_member *members, size_t n, rsn_result **result);

size_t rsn_batch_n(const rsn_batch *batch);
/* A member's generation; NULL once it has ended, and what it made; NULL until then. */
const rsn_sequence *rsn_batch_sequence(const rsn_batch *batch, size_t i);
const rsn_result *rsn_batch_result(const rsn_batch *batch, size_t i);
/* Ends it before the next pass, with finish reason CANCELLED. */
void rsn_batch_cancel(rsn_batch *batch, size_t i);

/* Runs n requests, results[i] being that of asked[i] with all its samples. The session
 * must be entered; its own timeline is left alone. What rsn_sequence_open() refuses is
 * refused before anything runs, and named by its place; a request that is cancelled has
 * a result that says so. `watch` may be NULL. */
reason_status rsn_generate_batch(rsn_session *session, const rsn_asked *asked, size_t n,
                                 const rsn_batch_watch *watch, rsn_result **results);

#endif
