/* The rules by which tokens merge: which two make which third, and in what order. */
#ifndef REASON_TEXT_RULES_H
#define REASON_TEXT_RULES_H

#include "text/key_map.h"
#include "text/merge.h"
#include "text/tokens.h"

enum { RSN_RULES_MAX = 1 << 26 };

typedef struct rsn_rules {
    rsn_key_map ranks; /* left id << 24 | right id -> rank; smallest first */
    int32_t *merged;   /* [n] the token that a rule makes */
    size_t n;
} rsn_rules;

/* Rules "left right", index = rank; `key` is where they come from, for sentences. Those
 * whose parts or result text may not become are ignored. Leaves *r to rsn_rules_free() in
 * any case. Returns FORMAT, LIMIT, NO_MEMORY. */
reason_status rsn_rules_init(rsn_rules *r, const rsn_tokens *tokens,
                             const rsn_text *rules, size_t n, const char *key);
size_t rsn_rules_held(const rsn_rules *r); /* bytes of memory behind it */
void rsn_rules_free(rsn_rules *r);

static inline uint64_t rsn_rules_key(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 24 | (uint32_t)right;
}

/* For rsn_merge_run(), `how` being the rules and a symbol's id its token. A symbol whose
 * id is -1 is no token; it never merges. */
static inline uint32_t rsn_rules_rank(const void *how, const rsn_symbol *syms,
                                      size_t at) {
    const rsn_rules *r = how;
    int32_t left = syms[at].id, right = syms[syms[at].next].id;
    if (left < 0 || right < 0) return RSN_MERGE_NONE;
    return rsn_key_map_find(&r->ranks, rsn_rules_key(left, right));
}

static inline void rsn_rules_join(const void *how, rsn_symbol *syms, size_t at) {
    const rsn_rules *r = how;
    syms[at].id = r->merged[syms[at].rank];
}

#endif
