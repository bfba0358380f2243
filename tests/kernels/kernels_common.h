/* What the kernel tests share: the levels to try, random numbers, guarded memory, and
 * equality of floats by bits. */
#ifndef REASON_TESTS_KERNELS_COMMON_H
#define REASON_TESTS_KERNELS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernels/table.h"
#include "quant/half.h"

enum { MAX_LEVELS = 4, GUARD_BYTES = 256, GUARD = 0xA5 };

/* The tables of all levels this CPU and build have, generic first; returns how many. */
static inline size_t find_levels(const rsn_kernels *levels[MAX_LEVELS]) {
    size_t n = 0;
    for (int l = REASON_CPU_GENERIC; l <= REASON_CPU_NEON; l++) {
        const rsn_kernels *kernels = rsn_kernels_for(rsn_cpu_pick((reason_cpu)l));
        if ((int)kernels->level == l) levels[n++] = kernels;
    }
    assert_true(n >= 1 && levels[0]->level == REASON_CPU_GENERIC);
    return n;
}

static inline uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

/* In [-1, 1), with 24 bits. */
static inline float next_float(uint64_t *state) {
    return (float)(next_random(state) >> 8) * 0x1p-23f - 1.0f;
}

static inline void fill_floats(uint64_t *state, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = next_float(state);
}

/* n bytes, `offset` bytes behind a 64-byte boundary, with GUARD bytes around and in them.
 * Those in front and behind must be unchanged when it is freed. */
typedef struct guarded {
    uint8_t *block, *data;
    size_t n;
} guarded;

static inline guarded guarded_new(size_t n, size_t offset) {
    guarded g;
    size_t total = (GUARD_BYTES + offset + n + GUARD_BYTES + 63) / 64 * 64;
    g.block = aligned_alloc(64, total);
    assert_non_null(g.block);
    memset(g.block, GUARD, total);
    g.data = g.block + GUARD_BYTES + offset;
    g.n = n;
    return g;
}

static inline void guarded_free(guarded *g) {
    for (const uint8_t *p = g->block; p < g->data; p++) assert_int_equal(*p, GUARD);
    for (size_t i = 0; i < GUARD_BYTES; i++) assert_int_equal(g->data[g->n + i], GUARD);
    free(g->block);
}

/* Equal bits; a NaN equals any NaN. */
static inline bool same_float(float a, float b) {
    return (a != a && b != b) || rsn_float_bits(a) == rsn_float_bits(b);
}

static inline void assert_same_floats(const float *a, const float *b, size_t n,
                                      reason_cpu level, const char *what, size_t size) {
    for (size_t i = 0; i < n; i++) {
        if (same_float(a[i], b[i])) continue;
        fail_msg("%s, %s, size %zu: element %zu is %a, generic %a", what,
                 rsn_cpu_name(level), size, i, (double)a[i], (double)b[i]);
    }
}

#endif
