/* A trie over tokens: from a place in a text, all tokens that begin there. */
#ifndef REASON_TEXT_TRIE_H
#define REASON_TEXT_TRIE_H

#include "base/str.h"
#include "text/key_map.h"

typedef struct rsn_trie {
    rsn_key_map edges;  /* state << 8 | byte -> state */
    uint32_t root[256]; /* the edges of state 0; 0 if there is none */
    int32_t *token;     /* [n] the token that a state is, -1 */
    size_t n, cap;      /* states */
} rsn_trie;

/* An empty one. Leaves *t to rsn_trie_free() in any case. Returns NO_MEMORY. */
reason_status rsn_trie_init(rsn_trie *t, uint64_t seed);
size_t rsn_trie_held(const rsn_trie *t); /* bytes of memory behind it */
void rsn_trie_free(rsn_trie *t);

/* Adds a token that is not empty; of equal ones the first stays. Returns LIMIT,
 * NO_MEMORY. */
reason_status rsn_trie_add(rsn_trie *t, rsn_text token, int32_t id);

/* The state after one more byte, 0 if there is none; state 0 is the start. */
static inline uint32_t rsn_trie_step(const rsn_trie *t, uint32_t state, uint8_t byte) {
    if (state == 0) return t->root[byte];
    uint32_t next = rsn_key_map_find(&t->edges, (uint64_t)state << 8 | byte);
    return next == RSN_KEY_MAP_NONE ? 0 : next;
}

#endif
