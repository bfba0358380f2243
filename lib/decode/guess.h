/* Speculative decoding: guesses at the next tokens of sequences, to be run behind the one
 * that waits. Whether they were right a sequence finds out by choosing as if there were
 * none. */
#ifndef REASON_DECODE_GUESS_H
#define REASON_DECODE_GUESS_H

#include "decode/draft.h"
#include "decode/lookup.h"
#include "decode/sequence.h"

enum { RSN_MAX_GUESS = 64, RSN_USUAL_LOOKUP = 3 };

/* What guessing knows of one sequence. */
typedef struct rsn_guess {
    rsn_sequence *q; /* borrowed */
    rsn_drafter *drafter; /* the session's; NULL: none */
    rsn_lookup lookup;
    rsn_draft draft;
    size_t most;                /* tokens that are guessed at once, 1 or more */
    size_t pause, pauses;       /* passes without guesses: left, and when it misses again */
    uint64_t guessed, accepted; /* of the sequence when this was looked at last */
    size_t room, n;             /* of this pass: guesses wanted, and found */
    int32_t tokens[RSN_MAX_GUESS];
} rsn_guess;

/* Of a sequence that has begun. */
void rsn_guess_open(rsn_guess *g, const rsn_session *session, rsn_sequence *q);
/* Guesses for all sequences of the next pass, before it is run and when none has logits
 * left to look at: as many as fit it and take
 * `spare` blocks of keys and values at most. Without memory there are none. */
void rsn_guess_ahead(rsn_session *session, rsn_guess *const *all, size_t n, size_t spare,
                     const rsn_cancel *cancel);
/* Lets go of what it holds; a zeroed one is fine, and one that was closed is zeroed. */
void rsn_guess_close(rsn_guess *g);

#endif
