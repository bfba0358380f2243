/* An allocator that counts what the library takes and can be told to refuse. Not for
 * calls that use several threads. */
#ifndef REASON_TESTS_SUPPORT_HEAP_H
#define REASON_TESTS_SUPPORT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

typedef struct counted_heap {
    size_t n_calls; /* allocations and resizes so far */
    size_t fail_at; /* this call is refused; 0: none */
    bool sticky;    /* and all after it */
    size_t largest; /* blocks above this size are refused; 0: none */
    size_t alive;   /* blocks not released */
    size_t n_bytes; /* in them */
    size_t peak;    /* the most that n_bytes was */
} counted_heap;

/* Before each block; its size keeps what follows aligned for every type. */
typedef union heap_block {
    size_t n_bytes;
    max_align_t align;
} heap_block;

static inline bool heap_refuses(counted_heap *heap, size_t n_bytes) {
    heap->n_calls++;
    if (heap->largest && n_bytes > heap->largest)
        return true;
    return heap->fail_at && (heap->sticky ? heap->n_calls >= heap->fail_at
                                          : heap->n_calls == heap->fail_at);
}

static inline void *heap_finish(counted_heap *heap, heap_block *block, size_t n_bytes) {
    block->n_bytes = n_bytes;
    heap->n_bytes += n_bytes;
    heap->peak = heap->n_bytes > heap->peak ? heap->n_bytes : heap->peak;
    return block + 1;
}

static inline void *heap_alloc(void *user, size_t n_bytes) {
    counted_heap *heap = user;
    if (heap_refuses(heap, n_bytes))
        return NULL;
    heap_block *block = malloc(sizeof *block + n_bytes);
    if (!block)
        return NULL;
    heap->alive++;
    return heap_finish(heap, block, n_bytes);
}

static inline void *heap_resize(void *user, void *p, size_t n_bytes) {
    counted_heap *heap = user;
    heap_block *old = (heap_block *)p - 1;
    size_t before = old->n_bytes;
    if (heap_refuses(heap, n_bytes))
        return NULL;
    heap_block *block = realloc(old, sizeof *block + n_bytes);
    if (!block)
        return NULL;
    void *moved = heap_finish(heap, block, n_bytes);
    heap->n_bytes -= before; /* both were there while it was copied */
    return moved;
}

static inline void heap_release(void *user, void *p) {
    counted_heap *heap = user;
    heap_block *block = (heap_block *)p - 1;
    heap->alive--;
    heap->n_bytes -= block->n_bytes;
    free(block);
}

/* From here on the library's memory comes from `heap`; fail_at 0: without refusals. */
static inline void heap_begin(counted_heap *heap, size_t fail_at, bool sticky) {
    reason_allocator hooks = {sizeof hooks, heap_alloc, heap_resize, heap_release, heap};
    memset(heap, 0, sizeof *heap);
    heap->fail_at = fail_at;
    heap->sticky = sticky;
    (void)rsn_alloc_set(&hooks);
}

/* Ends it; whether blocks are left is the caller's to check. */
static inline void heap_end(void) {
    (void)rsn_alloc_set(NULL);
}

#endif
