/* A growing list of metadata as a GGUF file has it, in an arena: what files of other
 * kinds are translated into. */
#ifndef REASON_FORMAT_PAIRS_H
#define REASON_FORMAT_PAIRS_H

#include "format/gguf.h"

/* Zeroed but for the arena it is empty. The first failure sticks, so a chain of additions
 * needs one check at its end. */
typedef struct rsn_pairs {
    rsn_arena *arena;
    rsn_gguf_pair *items;
    size_t n, cap;
    bool failed; /* an addition found no memory */
} rsn_pairs;

/* Keys and texts are copied, items of arrays are not: they lie in the arena already. A
 * key must not be there yet. */
void rsn_pairs_text(rsn_pairs *pairs, const char *key, rsn_text value);
void rsn_pairs_u32(rsn_pairs *pairs, const char *key, uint32_t value);
void rsn_pairs_f32(rsn_pairs *pairs, const char *key, double value);
void rsn_pairs_bool(rsn_pairs *pairs, const char *key, bool value);
void rsn_pairs_texts(rsn_pairs *pairs, const char *key, const rsn_text *values, size_t n);
void rsn_pairs_items(rsn_pairs *pairs, const char *key, rsn_gguf_type item,
                     const void *items, size_t n);
/* NULL: there is none of this key. */
const rsn_gguf_pair *rsn_pairs_find(const rsn_pairs *pairs, const char *key);

#endif
