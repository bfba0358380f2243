/* Owns the random numbers of samplers: Philox 4x32 with 10 rounds (Salmon, Moraes, Dror
 * and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). What is drawn with them
 * is left to the caller. Invariant: no state; the layout below is part of "same seed,
 * same text" and must never change: key = seed (low word first), counter = sample,
 * position (low word first), draw. */
#include "base/rng.h"

void rsn_rng_block(uint64_t seed, uint32_t sample, uint64_t position, uint32_t draw,
                   uint32_t out[4]) {
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = sample, c3 = draw;
    uint32_t c1 = (uint32_t)position, c2 = (uint32_t)(position >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = UINT64_C(0xD2511F53) * c0, b = UINT64_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)a;
        key0 += UINT32_C(0x9E3779B9); /* the golden ratio */
        key1 += UINT32_C(0xBB67AE85); /* the square root of 3, less 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

double rsn_rng_uniform(uint64_t seed, uint32_t sample, uint64_t position, uint32_t draw) {
    uint32_t block[4];
    rsn_rng_block(seed, sample, position, draw, block);
    uint64_t bits = (uint64_t)block[0] << 32 | block[1];
    return (double)(bits >> 11) * 0x1p-53;
}

void rsn_rng_shuffle(uint64_t seed, uint32_t sample, size_t *order, size_t n) {
    for (size_t i = n; i-- > 1;) {
        double u = rsn_rng_uniform(seed, sample, i, 0);
        size_t other = (size_t)(u * (double)(i + 1)), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}
