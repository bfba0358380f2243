/* Owns the states and edges of a trie. Invariant: a state other than 0 has exactly one
 * edge to it, from a smaller one, so a walk takes as many steps as it has bytes. */
#include "text/trie.h"

#include <string.h>

reason_status rsn_trie_init(rsn_trie *t, size_t tokens, size_t bytes, uint64_t seed) {
    memset(t, 0, sizeof *t);
    if (bytes >= RSN_KEY_MAP_NONE - 1)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: tokens of %zu bytes in all; the limit is "
                        "%llu",
                        bytes, (unsigned long long)RSN_KEY_MAP_NONE - 2);
    t->cap = bytes + 1;
    t->link = rsn_alloc2(t->cap, sizeof *t->link);
    t->token = rsn_alloc2(t->cap, sizeof *t->token);
    if (!t->link || !t->token) return REASON_ERR_NO_MEMORY;
    t->link[0] = 0;
    t->token[0] = -1;
    t->n = 1;
    return rsn_key_map_init(&t->edges, tokens, seed);
}

size_t rsn_trie_held(const rsn_trie *t) {
    return rsn_key_map_held(&t->edges) + t->cap * (sizeof *t->link + sizeof *t->token);
}

void rsn_trie_free(rsn_trie *t) {
    rsn_key_map_free(&t->edges);
    rsn_free(t->link);
    rsn_free(t->token);
    memset(t, 0, sizeof *t);
}

uint32_t rsn_trie_extend(rsn_trie *t, uint32_t state, uint8_t byte) {
    uint32_t next = rsn_trie_step(t, state, byte);
    if (next) return next;
    uint32_t fresh = (uint32_t)t->n++;
    bool follows = state && state + 1 == fresh;
    t->link[fresh] = (uint16_t)((follows ? RSN_TRIE_NEXT : 0) | byte);
    t->token[fresh] = -1;
    if (state == 0)
        t->root[byte] = fresh;
    else if (!follows)
        (void)rsn_key_map_add(&t->edges, (uint64_t)state << 8 | byte, fresh);
    return fresh;
}

void rsn_trie_add(rsn_trie *t, rsn_text token, int32_t id) {
    uint32_t state = 0;
    for (size_t i = 0; i < token.n; i++)
        state = rsn_trie_extend(t, state, (uint8_t)token.data[i]);
    if (t->token[state] < 0) t->token[state] = id;
}
