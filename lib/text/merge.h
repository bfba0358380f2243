/* Merging neighbours in the order of their ranks, for bpe.c and spm.c: a list of symbols
 * and a heap of pairs. Invariant: each pair of neighbours that has a rank stands in the
 * heap under it; entries whose rank is not their pair's any more are passed over when
 * they come up. */
#ifndef REASON_TEXT_MERGE_H
#define REASON_TEXT_MERGE_H

#include "base/alloc.h"
#include "base/array.h"

#define RSN_MERGE_NONE UINT32_MAX /* no rank; no symbol */

/* A stretch of the text that is one symbol by now; stretches are a list, and dead ones
 * keep their place with no rank. */
typedef struct rsn_symbol {
    int32_t id;    /* the caller's */
    uint32_t rank; /* of the pair that it makes with the next one; smallest first */
    uint32_t prev, next; /* RSN_MERGE_NONE at the ends */
} rsn_symbol;

/* Memory of merging, for one thread: kept from piece to piece. A zeroed one is empty. */
typedef struct rsn_merge_scratch {
    rsn_symbol *symbols;
    size_t symbols_cap;
    uint64_t *heap;
    size_t heap_cap;
} rsn_merge_scratch;

/* Room for n symbols and the pairs that come up while they merge. Returns NO_MEMORY. */
static inline reason_status rsn_merge_reserve(rsn_merge_scratch *m, size_t n) {
    reason_status status = RSN_GROW(&m->symbols, &m->symbols_cap, n);
    return status ? status : RSN_GROW(&m->heap, &m->heap_cap, 2 * n);
}

static inline void rsn_merge_free(rsn_merge_scratch *m) {
    rsn_free(m->symbols);
    rsn_free(m->heap);
    *m = (rsn_merge_scratch){0};
}

/* ---- the heap: four children a node, because its depth is what cache misses are made of
 * ---- */

/* An entry orders by rank, then by place. */
static inline uint64_t rsn_heap_entry(uint32_t rank, size_t at) {
    return (uint64_t)rank << 32 | (uint32_t)at;
}

/* Puts `entry` where slot `at` is free, or above it. Returns the number of moves. */
static inline size_t rsn_heap_up(uint64_t *heap, size_t at, uint64_t entry) {
    size_t moves = 1;
    while (at > 0 && entry < heap[(at - 1) / 4]) {
        heap[at] = heap[(at - 1) / 4];
        at = (at - 1) / 4;
        moves++;
    }
    heap[at] = entry;
    return moves;
}

/* Puts `entry` where slot `at` of n is free, or below it. */
static inline size_t rsn_heap_down(uint64_t *heap, size_t n, size_t at, uint64_t entry) {
    size_t moves = 1;
    for (size_t child = at * 4 + 1; child < n; child = at * 4 + 1) {
        size_t end = child + 4 < n ? child + 4 : n, least = child;
        for (size_t c = child + 1; c < end; c++)
            if (heap[c] < heap[least]) least = c;
        if (entry <= heap[least]) break;
        heap[at] = heap[least];
        at = least;
        moves++;
    }
    heap[at] = entry;
    return moves;
}

/* ---- merging ---- */

/* The rank of the pair that symbol `at` makes with its next one, RSN_MERGE_NONE if it has
 * none. */
typedef uint32_t (*rsn_merge_rank)(const void *how, const rsn_symbol *syms, size_t at);
/* Symbol `at` is about to take in its next one by the rank it has. */
typedef void (*rsn_merge_join)(const void *how, rsn_symbol *syms, size_t at);

static inline size_t rsn_merge_pair(rsn_merge_scratch *m, size_t at, size_t *n_heap,
                                    rsn_merge_rank rank, const void *how) {
    rsn_symbol *sym = &m->symbols[at];
    sym->rank = sym->next == RSN_MERGE_NONE ? RSN_MERGE_NONE : rank(how, m->symbols, at);
    if (sym->rank == RSN_MERGE_NONE) return 1;
    return rsn_heap_up(m->heap, (*n_heap)++, rsn_heap_entry(sym->rank, at)) + 1;
}

/* Merges the list of symbols that begins at 0 until no pair has a rank: the pair of the
 * smallest rank first, of equal ones the leftmost. Returns what it cost in look-ups and
 * moves. Called with constant functions it becomes a loop of its own. A heap never
 * outgrows 2n entries: it begins with fewer than n, and each of fewer than n merges takes
 * one out and puts at most two in. */
static inline uint64_t rsn_merge_run(rsn_merge_scratch *m, rsn_merge_rank rank,
                                     rsn_merge_join join, const void *how) {
    rsn_symbol *syms = m->symbols;
    uint64_t *heap = m->heap, steps = 0;
    size_t n_heap = 0;
    for (uint32_t at = 0; at != RSN_MERGE_NONE; at = syms[at].next) {
        uint32_t found = syms[at].next == RSN_MERGE_NONE ? RSN_MERGE_NONE
                                                         : rank(how, syms, at);
        syms[at].rank = found;
        if (found != RSN_MERGE_NONE) heap[n_heap++] = rsn_heap_entry(found, at);
        steps++;
    }
    for (size_t i = n_heap / 4 + 1; i-- > 0;)
        if (i < n_heap) steps += rsn_heap_down(heap, n_heap, i, heap[i]);
    while (n_heap) {
        uint64_t top = heap[0];
        if (--n_heap) steps += rsn_heap_down(heap, n_heap, 0, heap[n_heap]);
        size_t at = (size_t)(top & UINT32_MAX);
        rsn_symbol *sym = &syms[at];
        if (sym->rank != (uint32_t)(top >> 32)) continue;
        rsn_symbol *gone = &syms[sym->next];
        join(how, syms, at);
        sym->next = gone->next;
        gone->rank = RSN_MERGE_NONE;
        if (sym->next != RSN_MERGE_NONE) syms[sym->next].prev = (uint32_t)at;
        steps += rsn_merge_pair(m, at, &n_heap, rank, how);
        if (sym->prev != RSN_MERGE_NONE)
            steps += rsn_merge_pair(m, sym->prev, &n_heap, rank, how);
    }
    return steps;
}

#endif
