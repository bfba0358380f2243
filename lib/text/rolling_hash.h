/* A hash of byte strings from which that of any part follows in one step: a polynomial
 * over the field of 2^61 - 1, in a base that who makes texts or files does not know. */
#ifndef REASON_TEXT_ROLLING_HASH_H
#define REASON_TEXT_ROLLING_HASH_H

#include <stdint.h>

#define RSN_HASH_PRIME ((UINT64_C(1) << 61) - 1)

static inline uint64_t rsn_hash_reduce(uint64_t x) {
    x = (x & RSN_HASH_PRIME) + (x >> 61);
    return x >= RSN_HASH_PRIME ? x - RSN_HASH_PRIME : x;
}

/* a * b in the field, of factors in it, in words of 64 bits: the factors are cut at bit
 * 31, and as 2^61 is 1, 2^62 is 2. */
static inline uint64_t rsn_hash_multiply(uint64_t a, uint64_t b) {
    const uint64_t low31 = (UINT64_C(1) << 31) - 1, low30 = (UINT64_C(1) << 30) - 1;
    uint64_t a1 = a >> 31, a0 = a & low31, b1 = b >> 31, b0 = b & low31;
    uint64_t middle = a0 * b1 + a1 * b0;
    return rsn_hash_reduce(a1 * b1 * 2 + (middle >> 30) + ((middle & low30) << 31) +
                           a0 * b0);
}

/* A base from any 64 random bits. */
static inline uint64_t rsn_hash_base(uint64_t random) {
    return (random >> 4) + (UINT64_C(1) << 32);
}

/* The hash of a string with one more byte; that of the empty string is 0. */
static inline uint64_t rsn_hash_step(uint64_t base, uint64_t hash, uint8_t byte) {
    return rsn_hash_reduce(rsn_hash_multiply(hash, base) + byte + 1);
}

/* The hash of a string without its first part, whose hash is `first`; power is the base
 * to the length of what is left. */
static inline uint64_t rsn_hash_behind(uint64_t hash, uint64_t first, uint64_t power) {
    return rsn_hash_reduce(hash + RSN_HASH_PRIME - rsn_hash_multiply(first, power));
}

#endif
