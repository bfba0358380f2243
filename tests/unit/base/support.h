/* What the tests of this folder share: cmocka in the order it needs, an allocator that
 * can be told to fail and that counts what is alive, and random numbers of its own. */
#ifndef REASON_TESTS_BASE_SUPPORT_H
#define REASON_TESTS_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct test_heap {
    size_t n_calls; /* allocations and resizes so far */
    size_t fail_at; /* this call and all after it fail; 0: none */
    size_t alive;   /* blocks not released */
} test_heap;

static inline int heap_refuses(test_heap *heap) {
    heap->n_calls++;
    return heap->fail_at && heap->n_calls >= heap->fail_at;
}

static inline void *heap_alloc(void *user, size_t n_bytes) {
    test_heap *heap = user;
    assert_true(n_bytes > 0);
    if (heap_refuses(heap)) return NULL;
    heap->alive++;
    return malloc(n_bytes);
}

static inline void *heap_resize(void *user, void *p, size_t n_bytes) {
    test_heap *heap = user;
    assert_non_null(p);
    assert_true(n_bytes > 0);
    return heap_refuses(heap) ? NULL : realloc(p, n_bytes);
}

static inline void heap_release(void *user, void *p) {
    test_heap *heap = user;
    assert_non_null(p);
    heap->alive--;
    free(p);
}

/* Everything the library allocates from here on comes from `heap`. */
static inline void heap_use(test_heap *heap, size_t fail_at) {
    reason_allocator hooks = {sizeof hooks, heap_alloc, heap_resize, heap_release, heap};
    memset(heap, 0, sizeof *heap);
    heap->fail_at = fail_at;
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
}

/* Ends heap_use(); nothing may be left. */
static inline void heap_end(const test_heap *heap) {
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
    assert_int_equal(heap->alive, 0);
}

static inline uint64_t random_next(uint64_t *state) { /* xorshift64*: any state but 0 */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline size_t random_below(uint64_t *state, size_t n) {
    return (size_t)(random_next(state) >> 33) % n;
}

#endif
