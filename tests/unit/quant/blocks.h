/* What the tests of block types share: random blocks, halves by their definition, and
 * what holds for every type. */
#ifndef REASON_TESTS_UNIT_QUANT_BLOCKS_H
#define REASON_TESTS_UNIT_QUANT_BLOCKS_H

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/types.h"

enum { MOST_ELEMS = 256, MOST_BYTES = 210, N_RANDOM_BLOCKS = 10000 };

/* Decodes one block by the formula of its type. */
typedef void (*formula_fn)(const uint8_t *in, float *y);

static inline uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

static inline void random_bytes(uint64_t *state, uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(next_random(state) >> 11);
}

/* Sums of twelve uniform numbers: much like a normal distribution of deviation 1. */
static inline float random_normal(uint64_t *state) {
    double sum = 0;
    for (int i = 0; i < 12; i++) sum += (double)next_random(state) * 0x1p-32 - 0.5;
    return (float)sum;
}

/* The half at p, lowest byte first, by its definition. */
static inline float half_at(const uint8_t *p) {
    int h = p[0] | p[1] << 8, exponent = h >> 10 & 31, fraction = h & 1023;
    double size =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    if (exponent == 31) size = fraction ? (double)NAN : (double)INFINITY;
    return (float)(h >> 15 ? -size : size);
}

/* Bit for bit, any NaN like any other. */
static inline void check_same(const float *found, const float *wanted, size_t n,
                              const char *what) {
    for (size_t i = 0; i < n; i++) {
        if (isnan(found[i]) && isnan(wanted[i])) continue;
        if (memcmp(&found[i], &wanted[i], sizeof *found) != 0)
            fail_msg("%s: weight %zu is %a, %a expected", what, i, (double)found[i],
                     (double)wanted[i]);
    }
}

static inline const rsn_type_info *type_of(rsn_type type) {
    const rsn_type_info *info = rsn_type_info_get(type);
    assert_non_null(info);
    return info;
}

/* Blocks of any bytes at all, at odd addresses too, against the formula. */
static inline void check_formula(rsn_type type, formula_fn formula) {
    const rsn_type_info *info = type_of(type);
    uint64_t state = 1000 + (uint64_t)type;
    uint8_t bytes[1 + MOST_BYTES];
    float found[MOST_ELEMS], wanted[MOST_ELEMS];
    for (int round = 0; round < N_RANDOM_BLOCKS; round++) {
        uint8_t *block = bytes + round % 2;
        random_bytes(&state, block, info->block_bytes);
        rsn_type_decode(info, block, found, info->block_elems);
        formula(block, wanted);
        check_same(found, wanted, info->block_elems, info->name);
    }
}

static inline void put_half(uint8_t *p, uint16_t half) {
    p[0] = (uint8_t)half;
    p[1] = (uint8_t)(half >> 8);
}

static inline void decode_block(rsn_type type, const uint8_t *bytes, float *x) {
    rsn_type_decode(type_of(type), bytes, x, type_of(type)->block_elems);
}

static inline void encode_decode(const rsn_type_info *info, const float *x, float *y,
                                 size_t n) {
    size_t n_bytes = rsn_type_row_bytes(info, n);
    uint8_t *bytes = malloc(n_bytes + 3);
    assert_non_null(bytes);
    memset(bytes, 0xA5, n_bytes + 3);
    info->encode(x, NULL, bytes + 1, n);
    assert_int_equal(bytes[0], 0xA5); /* nothing beside the blocks is written */
    assert_int_equal(bytes[n_bytes + 1], 0xA5);
    rsn_type_decode(info, bytes + 1, y, n);
    free(bytes);
}

/* ||y - x|| / ||x|| over normal weights is at most `limit`, and not so small that the
 * type could not have done it. */
static inline void check_error(rsn_type type, double limit) {
    enum { N = 64 * 256 };
    const rsn_type_info *info = type_of(type);
    static float x[N], y[N];
    uint64_t state = 7;
    double error = 0, size = 0;
    for (size_t i = 0; i < N; i++) x[i] = 0.02f * random_normal(&state);
    encode_decode(info, x, y, N);
    for (size_t i = 0; i < N; i++) {
        error += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        size += (double)x[i] * (double)x[i];
    }
    error = sqrt(error / size);
    print_message("%-13s %6.3f%% of normal weights' size, at most %.3f%% allowed\n",
                  info->name, 100 * error, 100 * limit);
    if (!(error <= limit && error > 0.9 * limit))
        fail_msg("%s: error %g, between %g and %g expected", info->name, error,
                 0.9 * limit, limit);
}

/* Encoding what came out of decoding gives the same bytes again. */
static inline void check_idempotent(rsn_type type) {
    const rsn_type_info *info = type_of(type);
    uint8_t first[MOST_BYTES], second[MOST_BYTES];
    float x[MOST_ELEMS], y[MOST_ELEMS];
    uint64_t state = 8;
    for (int round = 0; round < 2000; round++) {
        float factor = ldexpf(1, (int)(next_random(&state) % 16) - 8);
        for (size_t i = 0; i < info->block_elems; i++)
            x[i] = factor * random_normal(&state);
        info->encode(x, NULL, first, info->block_elems);
        rsn_type_decode(info, first, y, info->block_elems);
        info->encode(y, NULL, second, info->block_elems);
        assert_memory_equal(first, second, info->block_bytes);
    }
}

/* NaN and infinity anywhere make their own block NaN and leave the next one alone. */
static inline void check_not_finite(rsn_type type) {
    const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    const rsn_type_info *info = type_of(type);
    size_t n = info->block_elems;
    float x[2 * MOST_ELEMS], y[2 * MOST_ELEMS];
    for (size_t v = 0; v < 4; v++)
        for (size_t at = 0; at < 2 * n; at += 5) {
            for (size_t i = 0; i < 2 * n; i++) x[i] = i % 2 ? 1.0f : -1.0f;
            x[at] = bad[v];
            encode_decode(info, x, y, 2 * n);
            for (size_t i = 0; i < 2 * n; i++)
                assert_true(i / n == at / n ? isnan(y[i]) : fabsf(y[i] - x[i]) < 0.35f);
        }
}

/* Finite weights of any size decode to finite ones, of no larger error than their size
 * and some last places of a half; zeros to zeros. */
static inline void check_extremes(rsn_type type) {
    const float sizes[] = {0,     1e-45f, 1e-40f, 1e-38f, 1e-30f, 1e-8f, 3e-8f,
                           1e-6f, 1e-4f,  1e4f,   65504,  65520,  1e6f,  8.3e6f,
                           1e10f, 1e20f,  1e30f,  1e38f,  FLT_MAX};
    const rsn_type_info *info = type_of(type);
    float x[MOST_ELEMS], y[MOST_ELEMS];
    uint64_t state = 9;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int round = 0; round < 40; round++) {
            for (size_t i = 0; i < info->block_elems; i++) {
                double u = (double)next_random(&state) * 0x1p-32;
                x[i] = (float)((double)sizes[s] * (round % 4 < 2 ? 2 * u - 1 : u));
                if (round % 4 == 1) x[i] = next_random(&state) % 2 ? sizes[s] : -sizes[s];
                if (round % 4 == 3) x[i] = -sizes[s];
            }
            encode_decode(info, x, y, info->block_elems);
            for (size_t i = 0; i < info->block_elems; i++) {
                assert_true(isfinite(y[i]));
                assert_true(fabs((double)y[i] - (double)x[i]) <=
                            1.01 * (double)sizes[s] + 4 * 0x1p-24 * (sizes[s] > 0));
            }
        }
}

#endif
