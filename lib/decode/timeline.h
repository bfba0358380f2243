/* Tokens in order with their keys and values. The cache holds a first part of them; the
 * others wait to be run. Behind them may stand guesses at the next ones, which are run too
 * but are none of its tokens until they are met. */
#ifndef REASON_DECODE_TIMELINE_H
#define REASON_DECODE_TIMELINE_H

#include "model/kvcache.h"

/* Stands for a position whose input was no token's. */
enum { RSN_NO_TOKEN = -1 };

typedef struct rsn_timeline {
    rsn_kv kv;       /* of tokens[0 .. kv.n) */
    int32_t *tokens; /* [n + n_ahead] */
    size_t n, cap;   /* n + n_ahead >= kv.n */
    size_t n_ahead;  /* guesses behind the n */
} rsn_timeline;

/* An empty one. MISMATCH, LIMIT as rsn_kv_init(). */
reason_status rsn_timeline_init(rsn_timeline *line, const rsn_hparams *hp, size_t n_ctx,
                                const rsn_type_info *type);
void rsn_timeline_free(rsn_timeline *line);
/* A second one with the tokens that were run. `fork` must be uninitialized. */
reason_status rsn_timeline_fork(const rsn_timeline *line, rsn_timeline *fork);
/* Makes room for it to become n tokens long and be run. CONTEXT_FULL, NO_MEMORY. */
reason_status rsn_timeline_reserve(rsn_timeline *line, size_t n);
/* Appends tokens that wait to be run; guesses are forgotten. NO_MEMORY. */
reason_status rsn_timeline_add(rsn_timeline *line, const int32_t *tokens, size_t n);
/* Forgets all but the first n tokens, and guesses. */
void rsn_timeline_truncate(rsn_timeline *line, size_t n);
/* Puts guesses behind its tokens, in place of those that were there. NO_MEMORY. */
reason_status rsn_timeline_guess(rsn_timeline *line, const int32_t *guesses, size_t n);
/* The next token is known: whether it was guessed and run, and so is one of its tokens now.
 * If not, guesses are forgotten and it is left to be added. */
bool rsn_timeline_meet(rsn_timeline *line, int32_t token);
/* How many tokens wait to be run, guesses not counted. */
static inline size_t rsn_timeline_waiting(const rsn_timeline *line) {
    return line->n > line->kv.n ? line->n - line->kv.n : 0;
}
/* How many of the first `most` tokens are the same. */
static inline size_t rsn_same_tokens(const int32_t *a, const int32_t *b, size_t most) {
    size_t same = 0;
    while (same < most && a[same] == b[same])
        same++;
    return same;
}
/* How many of these tokens, from the first on, it has been run with. */
size_t rsn_timeline_match(const rsn_timeline *line, const int32_t *tokens, size_t n);

#endif
