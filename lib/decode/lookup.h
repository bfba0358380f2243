/* Guesses by lookup: what followed the last few tokens where they stood before (prompt
 * lookup decoding, Saxena 2023), over all tokens of a timeline. */
#ifndef REASON_DECODE_LOOKUP_H
#define REASON_DECODE_LOOKUP_H

#include "base/status.h"

/* An index of one text that grows; a zeroed one is empty. */
typedef struct rsn_lookup {
    uint32_t *places; /* [cap], by the hash of some tokens: where they ended last; 0: none */
    size_t cap;       /* a power of 2 */
    size_t n;         /* tokens whose places are in it */
} rsn_lookup;

enum { RSN_MAX_LOOKUP = 32 };

/* Guesses up to `most` tokens behind tokens[0 .. n), which begin with those of the call
 * before, by the last place where the last `length` of them stood. Returns how many; 0 also
 * where there is no memory. */
size_t rsn_lookup_guess(rsn_lookup *l, size_t length, const int32_t *tokens, size_t n,
                        size_t most, int32_t *guesses);
void rsn_lookup_free(rsn_lookup *l);

#endif
