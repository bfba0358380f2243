/* Where the steps of a response end. */
#ifndef REASON_REWARD_STEPS_H
#define REASON_REWARD_STEPS_H

#include "reward/guards.h"

/* Bytes [begin, content) of a step, and where the separator behind it ends. */
typedef struct rsn_cut {
    size_t begin, content, end;
} rsn_cut;

typedef struct rsn_cuts {
    rsn_cut *items; /* [n], in order */
    size_t n, cap;
} rsn_cuts; /* a zeroed one is empty; items are the owner's to rsn_free() */

/* Cuts a response at `separator`, or where that is empty at blank lines: of a response
 * with a thought at those in the thought, and what is behind the thought is one step.
 * What is white space alone is no step. NO_MEMORY. */
reason_status rsn_steps_cut(const rsn_tags *tags, rsn_text text, bool open,
                            rsn_text separator, rsn_cuts *cuts);

#endif
