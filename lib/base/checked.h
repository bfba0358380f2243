/* Arithmetic that says when it overflows: sizes and offsets from files go through here.
 */
#ifndef REASON_BASE_CHECKED_H
#define REASON_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns false on overflow and then leaves *out undefined. */
static inline bool rsn_add_u64(uint64_t a, uint64_t b, uint64_t *out) {
    *out = a + b;
    return *out >= a;
}

static inline bool rsn_mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
    *out = a * b;
    return a == 0 || *out / a == b;
}

static inline bool rsn_to_size(uint64_t a, size_t *out) {
    *out = (size_t)a;
    return *out == a;
}

/* a rounded up to a multiple of `to`, a power of two. */
static inline bool rsn_round_up_u64(uint64_t a, uint64_t to, uint64_t *out) {
    bool fits = rsn_add_u64(a, to - 1, out);
    *out &= ~(to - 1);
    return fits;
}

#endif
