/* Owns the states and edges of a trie. Invariant: a state other than 0 has exactly one
 * edge to it, from a smaller one, so a walk takes as many steps as it has bytes. */
#include "text/trie.h"

#include <string.h>

#include "base/array.h"

enum { FIRST_STATES = 1024 };

reason_status rsn_trie_init(rsn_trie *t, uint64_t seed) {
    memset(t, 0, sizeof *t);
    reason_status status = rsn_key_map_init(&t->edges, FIRST_STATES, seed);
    if (status == REASON_OK) status = RSN_GROW(&t->token, &t->cap, FIRST_STATES);
    if (status != REASON_OK) return status;
    t->token[0] = -1;
    t->n = 1;
    return REASON_OK;
}

size_t rsn_trie_held(const rsn_trie *t) {
    return rsn_key_map_held(&t->edges) + t->cap * sizeof *t->token;
}

void rsn_trie_free(rsn_trie *t) {
    rsn_key_map_free(&t->edges);
    rsn_free(t->token);
    memset(t, 0, sizeof *t);
}

static reason_status make_room(rsn_trie *t) {
    if (t->n < t->cap) return REASON_OK;
    if (t->n >= RSN_KEY_MAP_NONE / 2)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: more than %zu different beginnings of "
                        "tokens",
                        t->n);
    reason_status status = rsn_key_map_grow(&t->edges, 2 * t->n);
    return status ? status : RSN_GROW(&t->token, &t->cap, 2 * t->n);
}

reason_status rsn_trie_add(rsn_trie *t, rsn_text token, int32_t id) {
    uint32_t state = 0;
    for (size_t i = 0; i < token.n; i++) {
        uint8_t byte = (uint8_t)token.data[i];
        reason_status status = make_room(t);
        if (status != REASON_OK) return status;
        uint32_t fresh = (uint32_t)t->n;
        uint32_t next = rsn_key_map_add(&t->edges, (uint64_t)state << 8 | byte, fresh);
        if (next == fresh) {
            t->token[t->n++] = -1;
            if (state == 0) t->root[byte] = fresh;
        }
        state = next;
    }
    if (t->token[state] < 0) t->token[state] = id;
    return REASON_OK;
}
