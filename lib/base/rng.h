/* Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011): a number is a
 * function of (seed, sample, position, draw) alone, so a sample's text does not depend on
 * its neighbours. */
#ifndef REASON_BASE_RNG_H
#define REASON_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* 128 bits for key = seed and counter = (sample, position, draw). */
void rsn_rng_block(uint64_t seed, uint32_t sample, uint64_t position, uint32_t draw,
                   uint32_t out[4]);
/* A double in [0, 1) with 53 random bits. */
double rsn_rng_uniform(uint64_t seed, uint32_t sample, uint64_t position, uint32_t draw);
/* The seed of item i of a list that has one: the odd number next to 2^64 / golden ratio
 * puts neighbours far apart. */
static inline uint64_t rsn_rng_seed(uint64_t seed, uint64_t i) {
    return seed + i * UINT64_C(0x9E3779B97F4A7C15);
}
/* Puts [n] in an order that is as likely as any other; draws are those of `sample` at
 * positions below n. */
void rsn_rng_shuffle(uint64_t seed, uint32_t sample, size_t *order, size_t n);

#endif
