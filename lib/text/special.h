/* Finding the spellings of special tokens in text, in time linear in the text whatever
 * the tokens are. */
#ifndef REASON_TEXT_SPECIAL_H
#define REASON_TEXT_SPECIAL_H

#include "text/tokens.h"
#include "text/trie.h"

/* Bytes of all special tokens together: the automaton takes 10 for each. */
#define RSN_SPECIAL_MAX_BYTES ((size_t)1 << 21)

/* Aho and Corasick's automaton over the spellings read backwards: running it from the end
 * of a text to the start, the state at a position knows the longest token that begins
 * there. */
typedef struct rsn_special {
    rsn_trie trie;  /* no states: the vocabulary has no special token. token[] of a state
                       is the longest token that ends with it */
    uint32_t *fail; /* [trie.n] the state of the longest proper suffix */
} rsn_special;

/* A token that begins at `at`. */
typedef struct rsn_special_hit {
    size_t at;
    int32_t id;
} rsn_special_hit;

typedef struct rsn_special_hits {
    rsn_special_hit *items; /* from the end of the text to its start */
    size_t n, cap;
} rsn_special_hits;

/* Takes in all control and user-defined tokens, and those that are RSN_TOKEN_LITERAL as
 * they are spelt; the first of equal ones counts. Leaves *sp to rsn_special_free() in any
 * case. Returns LIMIT, NO_MEMORY. */
reason_status rsn_special_init(rsn_special *sp, const rsn_tokens *t);
size_t rsn_special_held(const rsn_special *sp); /* bytes of memory behind it */
void rsn_special_free(rsn_special *sp);

/* For each position of s[0..n) at which special tokens begin, the longest of them.
 * Appends to *hits, which is the caller's. Returns NO_MEMORY. */
reason_status rsn_special_scan(const rsn_special *sp, const char *s, size_t n,
                               rsn_special_hits *hits);

#endif
