/* A trie over tokens: from a place in a text, all tokens that begin there. Most states have
 * one state behind them, made right after them, so an edge is a number only where ways
 * part: 6 bytes for each byte of the tokens, and a map of at most one edge a token. */
#ifndef REASON_TEXT_TRIE_H
#define REASON_TEXT_TRIE_H

#include "base/str.h"
#include "text/key_map.h"

enum { RSN_TRIE_NEXT = 0x100 }; /* in link[]: the state comes from the one before it */

typedef struct rsn_trie {
    rsn_key_map edges;  /* state << 8 | byte -> state, where link[] does not say it */
    uint32_t root[256]; /* the edges of state 0; 0 if there is none */
    uint16_t *link;     /* [n] the byte that leads to a state, RSN_TRIE_NEXT */
    int32_t *token;     /* [n] the token that a state is, -1 */
    size_t n, cap;      /* states */
} rsn_trie;

/* An empty one, with room for so many tokens of so many bytes in all. Leaves *t to
 * rsn_trie_free() in any case. Returns LIMIT, NO_MEMORY. */
reason_status rsn_trie_init(rsn_trie *t, size_t tokens, size_t bytes, uint64_t seed);
size_t rsn_trie_held(const rsn_trie *t); /* bytes of memory behind it */
void rsn_trie_free(rsn_trie *t);

/* The state after one more byte, which is made if there is none. */
uint32_t rsn_trie_extend(rsn_trie *t, uint32_t state, uint8_t byte);

/* Adds a token that is not empty; of equal ones the first stays. */
void rsn_trie_add(rsn_trie *t, rsn_text token, int32_t id);

/* The state after one more byte, 0 if there is none; state 0 is the start. */
static inline uint32_t rsn_trie_step(const rsn_trie *t, uint32_t state, uint8_t byte) {
    if (state == 0) return t->root[byte];
    if (state + 1 < t->n && t->link[state + 1] == (RSN_TRIE_NEXT | byte)) return state + 1;
    uint32_t next = rsn_key_map_find(&t->edges, (uint64_t)state << 8 | byte);
    return next == RSN_KEY_MAP_NONE ? 0 : next;
}

#endif
