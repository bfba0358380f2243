/* The tree of prefixes. Invariant: a node that something follows is a whole block; of two
 * nodes behind the same one neither's tokens begin the other's. */
#include "decode/prefixes.h"

#include <string.h>

#include "base/alloc.h"

struct rsn_prefix {
    int32_t tokens[RSN_KV_BLOCK];
    size_t n; /* of them */
    rsn_kv_block *block;
    uint64_t used; /* when it was used last */
    rsn_prefix *next, *behind, *before; /* beside it; the first that follows; what it
                                           follows */
};

/* The node, of those beside each other, that has most of the tokens; NULL: none has one. */
static rsn_prefix *best_of(rsn_prefix *node, const int32_t *tokens, size_t n,
                           size_t *same) {
    rsn_prefix *best = NULL;
    *same = 0;
    for (; node; node = node->next) {
        size_t own = rsn_same_tokens(node->tokens, tokens, n < node->n ? n : node->n);
        if (own > *same) {
            *same = own;
            best = node;
        }
    }
    return best;
}

size_t rsn_prefixes_match(const rsn_prefixes *p, const int32_t *tokens, size_t n) {
    size_t at = 0, same = RSN_KV_BLOCK;
    for (rsn_prefix *node = p->first; node && same == RSN_KV_BLOCK; at += same) {
        const rsn_prefix *best = best_of(node, tokens + at, n - at, &same);
        node = best ? best->behind : NULL;
    }
    return at;
}

reason_status rsn_prefixes_find(rsn_prefixes *p, const int32_t *tokens, size_t n,
                                rsn_timeline *line) {
    reason_status status = REASON_OK;
    size_t same = RSN_KV_BLOCK;
    p->now++;
    for (rsn_prefix *node = p->first; node && same == RSN_KV_BLOCK;) {
        size_t at = line->kv.n;
        rsn_prefix *best = best_of(node, tokens + at, n - at, &same);
        if (!best)
            break;
        status = rsn_kv_append(&line->kv, best->block);
        if (status != REASON_OK)
            break;
        best->used = p->now;
        line->kv.n += same;
        node = best->behind;
    }
    if (status == REASON_OK)
        status = rsn_timeline_add(line, tokens, line->kv.n);
    if (status != REASON_OK)
        line->kv.n = 0;
    return status;
}

static rsn_prefix **list_behind(rsn_prefixes *p, rsn_prefix *before) {
    return before ? &before->behind : &p->first;
}

static rsn_prefix *add_node(rsn_prefixes *p, rsn_prefix *before) {
    rsn_prefix *node = rsn_calloc2(1, sizeof *node), **list = list_behind(p, before);
    if (!node)
        return NULL;
    node->before = before;
    node->next = *list;
    *list = node;
    p->n++;
    return node;
}

/* The node behind `before` for a block of n tokens: one that has them, or is their
 * beginning and takes them on, or a new one. NULL: no memory. */
static rsn_prefix *node_for(rsn_prefixes *p, rsn_prefix *before, const rsn_kv *kv,
                            size_t index, const int32_t *tokens, size_t n) {
    size_t same;
    rsn_prefix *node = best_of(*list_behind(p, before), tokens, n, &same);
    if (node && same == n)
        return node;
    if (!node || same < node->n)
        node = add_node(p, before);
    if (!node)
        return NULL;
    rsn_kv_let_go(node->block);
    node->block = rsn_kv_hold(kv, index);
    node->n = n;
    memcpy(node->tokens, tokens, n * sizeof *tokens);
    return node;
}

reason_status rsn_prefixes_keep(rsn_prefixes *p, const rsn_timeline *line, size_t n) {
    rsn_prefix *node = NULL;
    p->now++;
    for (size_t at = 0; at < n; at += RSN_KV_BLOCK) {
        size_t part = n - at < RSN_KV_BLOCK ? n - at : RSN_KV_BLOCK;
        node = node_for(p, node, &line->kv, at / RSN_KV_BLOCK, line->tokens + at, part);
        if (!node)
            return REASON_ERR_NO_MEMORY;
        node->used = p->now;
    }
    return REASON_OK;
}

/* The tree in an order that needs no stack, however deep it is. */
static rsn_prefix *node_after(rsn_prefix *node) {
    if (node->behind)
        return node->behind;
    while (node && !node->next)
        node = node->before;
    return node ? node->next : NULL;
}

static void drop_leaf(rsn_prefixes *p, rsn_prefix *leaf) {
    rsn_prefix **at = list_behind(p, leaf->before);
    while (*at != leaf)
        at = &(*at)->next;
    *at = leaf->next;
    rsn_kv_let_go(leaf->block);
    rsn_free(leaf);
    p->n--;
}

/* Leaves that a timeline holds would give no memory back. */
bool rsn_prefixes_drop(rsn_prefixes *p) {
    rsn_prefix *oldest = NULL;
    for (rsn_prefix *node = p->first; node; node = node_after(node))
        if (!node->behind && rsn_kv_holders(node->block) == 1 &&
            (!oldest || node->used < oldest->used))
            oldest = node;
    if (oldest)
        drop_leaf(p, oldest);
    return oldest != NULL;
}

void rsn_prefixes_free(rsn_prefixes *p) {
    while (p->first) {
        rsn_prefix *node = p->first;
        while (node->behind)
            node = node->behind;
        drop_leaf(p, node);
    }
}
