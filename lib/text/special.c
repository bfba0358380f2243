/* Owns the automaton that finds special tokens in text. Which of overlapping finds are
 * taken is left to vocab.c. Invariant: a state stands for the bytes on its way from state
 * 0, and fail[] always leads to fewer bytes, so every walk along it ends. */
#include "text/special.h"

#include <string.h>

#include "base/array.h"

/* What is only needed while the automaton is built. */
typedef struct trie {
    uint32_t *parent; /* [states] */
    uint8_t *byte;    /* [states] on the edge from the parent */
    uint32_t *order;  /* [states] all states, by depth */
    uint32_t *depth;  /* [states] */
    uint32_t *first;  /* [longest + 2] where a depth begins in order[] */
} trie;

static inline uint64_t edge_key(uint32_t state, uint8_t byte) {
    return (uint64_t)state << 8 | byte;
}

/* The state after one more byte. Each edge that leads back undoes one that led on before,
 * so a text costs at most twice as many steps as it has bytes. */
static inline uint32_t step(const rsn_special *sp, uint32_t state, uint8_t byte) {
    while (state) {
        uint32_t next = rsn_key_map_find(&sp->edges, edge_key(state, byte));
        if (next != RSN_KEY_MAP_NONE) return next;
        state = sp->fail[state];
    }
    return sp->root[byte];
}

static void add_token(rsn_special *sp, trie *tr, rsn_text token, int32_t id) {
    uint32_t state = 0;
    for (size_t i = token.n; i-- > 0;) {
        uint8_t byte = (uint8_t)token.data[i];
        uint32_t fresh = (uint32_t)sp->n_states;
        uint32_t next = rsn_key_map_add(&sp->edges, edge_key(state, byte), fresh);
        if (next == fresh) {
            sp->n_states++;
            tr->parent[fresh] = state;
            tr->byte[fresh] = byte;
            tr->depth[fresh] = tr->depth[state] + 1;
            sp->token[fresh] = -1;
            if (state == 0) sp->root[byte] = fresh;
        }
        state = next;
    }
    if (state && sp->token[state] < 0) sp->token[state] = id;
}

/* Fills order[]: a counting sort of the states by depth. */
static void sort_by_depth(const rsn_special *sp, trie *tr, size_t longest) {
    memset(tr->first, 0, (longest + 2) * sizeof *tr->first);
    for (size_t s = 0; s < sp->n_states; s++) tr->first[tr->depth[s] + 1]++;
    for (size_t d = 0; d <= longest; d++) tr->first[d + 1] += tr->first[d];
    for (size_t s = 0; s < sp->n_states; s++)
        tr->order[tr->first[tr->depth[s]]++] = (uint32_t)s;
}

static void link_states(rsn_special *sp, const trie *tr) {
    sp->fail[0] = 0;
    for (size_t i = 1; i < sp->n_states; i++) {
        uint32_t state = tr->order[i], parent = tr->parent[state];
        sp->fail[state] = parent ? step(sp, sp->fail[parent], tr->byte[state]) : 0;
        if (sp->token[state] < 0) sp->token[state] = sp->token[sp->fail[state]];
    }
}

static reason_status make_room(rsn_special *sp, trie *tr, size_t states, size_t longest,
                               uint64_t seed) {
    reason_status status = rsn_key_map_init(&sp->edges, states, seed);
    if (status != REASON_OK) return status;
    sp->fail = rsn_alloc2(states, sizeof *sp->fail);
    sp->token = rsn_alloc2(states, sizeof *sp->token);
    tr->parent = rsn_alloc2(states, sizeof *tr->parent);
    tr->byte = rsn_alloc(states);
    tr->order = rsn_alloc2(states, sizeof *tr->order);
    tr->depth = rsn_alloc2(states, sizeof *tr->depth);
    tr->first = rsn_alloc2(longest + 2, sizeof *tr->first);
    if (!sp->fail || !sp->token || !tr->parent || !tr->byte || !tr->order || !tr->depth ||
        !tr->first)
        return REASON_ERR_NO_MEMORY;
    return REASON_OK;
}

reason_status rsn_special_init(rsn_special *sp, const rsn_tokens *t) {
    memset(sp, 0, sizeof *sp);
    size_t states = 1;
    for (size_t i = 0; i < t->n; i++)
        if (t->flags[i] & RSN_TOKEN_SPECIAL) states += rsn_tokens_get(t, (int32_t)i).n;
    if (states == 1) return REASON_OK;
    if (states >= RSN_KEY_MAP_NONE)
        return rsn_fail(REASON_ERR_LIMIT,
                        "tokenizer.ggml.tokens: special tokens of %zu bytes in all; the "
                        "limit is %llu",
                        states - 1, (unsigned long long)RSN_KEY_MAP_NONE - 2);
    trie tr = {0};
    reason_status status = make_room(sp, &tr, states, t->longest, t->seed);
    if (status == REASON_OK) {
        sp->n_states = 1;
        sp->token[0] = -1;
        tr.depth[0] = tr.parent[0] = 0;
        for (size_t i = 0; i < t->n; i++)
            if (t->flags[i] & RSN_TOKEN_SPECIAL)
                add_token(sp, &tr, rsn_tokens_get(t, (int32_t)i), (int32_t)i);
        sort_by_depth(sp, &tr, t->longest);
        link_states(sp, &tr);
    }
    rsn_free(tr.parent);
    rsn_free(tr.byte);
    rsn_free(tr.order);
    rsn_free(tr.depth);
    rsn_free(tr.first);
    return status;
}

size_t rsn_special_held(const rsn_special *sp) {
    if (!sp->fail) return 0;
    return rsn_key_map_held(&sp->edges) +
           sp->n_states * (sizeof *sp->fail + sizeof *sp->token);
}

void rsn_special_free(rsn_special *sp) {
    rsn_key_map_free(&sp->edges);
    rsn_free(sp->fail);
    rsn_free(sp->token);
    memset(sp, 0, sizeof *sp);
}

reason_status rsn_special_scan(const rsn_special *sp, const char *s, size_t n,
                               rsn_special_hits *hits) {
    if (sp->n_states == 0) return REASON_OK;
    uint32_t state = 0;
    for (size_t at = n; at-- > 0;) {
        state = step(sp, state, (uint8_t)s[at]);
        if (sp->token[state] < 0) continue;
        reason_status status = RSN_GROW(&hits->items, &hits->cap, hits->n + 1);
        if (status != REASON_OK) return status;
        hits->items[hits->n++] = (rsn_special_hit){at, sp->token[state]};
    }
    return REASON_OK;
}
