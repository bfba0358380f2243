/* Rows of activations in 8 bits, as all kernels of 8-bit kinds read and write them; see
 * quantize_q8 and quantize_q8_256 in table.h. */
#ifndef REASON_KERNELS_Q8_H
#define REASON_KERNELS_Q8_H

#include "kernels/table.h"
#include "quant/half.h"

/* Elements of a block of RSN_ACT_Q8_32, and bytes of a Q8_0 block: a half-precision scale
 * and 32 weights. */
enum { RSN_Q8_BLOCK = 32, RSN_Q8_0_BYTES = 34 };

/* Where the parts of a row begin, in bytes: the 8-bit values at 0, then scales, then
 * sums. */
static inline size_t rsn_q8_scales_at(size_t k) {
    return k;
}

static inline size_t rsn_q8_sums_at(size_t k) {
    return k + k / RSN_Q8_BLOCK * sizeof(float);
}

/* The same for RSN_ACT_Q8_256 and RSN_ACT_Q8_ROW: a scale for each 256 values; the last
 * block may be of fewer, and counts as if zeros followed. The values are filled up to a
 * multiple of 16, then come
 *
 *     float scale[blocks]
 *     int32 sum[blocks + 1]   of each block's values, and of all of them, which may wrap
 *     uint8 digits[blocks][RSN_Q8_256_DIGITS]
 *
 * The digits are for products of groups' sums with scales and minimums of 8 bits: a sum of
 * 16 values plus 2048 is 32 * high + low, that of 32 plus 4096 is 64 * high + low. Of a
 * block first the 16 high digits of 16 values, then their low ones, then the 8 high and 8
 * low ones of 32. */
enum { RSN_Q8_256_BLOCK = 256, RSN_Q8_256_DIGITS = 48 };

static inline size_t rsn_q8_256_blocks(size_t k) {
    return (k + RSN_Q8_256_BLOCK - 1) / RSN_Q8_256_BLOCK;
}

static inline size_t rsn_q8_256_scales_at(size_t k) {
    return (k + 15) / 16 * 16;
}

static inline size_t rsn_q8_256_sums_at(size_t k) {
    return rsn_q8_256_scales_at(k) + rsn_q8_256_blocks(k) * sizeof(float);
}

static inline size_t rsn_q8_256_digits_at(size_t k) {
    return rsn_q8_256_sums_at(k) + (rsn_q8_256_blocks(k) + 1) * sizeof(int32_t);
}

/* The scale of a block whose largest magnitude has the bits `top`, and what to multiply
 * by; 0 leaves the block at zeros. Below 2^-120 the multiplier could overflow. */
static inline float rsn_q8_scale(uint32_t top, float *inverse) {
    *inverse = 0;
    if (top >= 0x7F800000u) return rsn_float_from_bits(0x7FC00000u);
    if (top < rsn_float_bits(0x1p-120f)) return 0;
    *inverse = 127.0f / rsn_float_from_bits(top);
    return rsn_float_from_bits(top) / 127.0f;
}

/* A row of RSN_ACT_Q8_ROW laid out as RSN_ACT_Q8_32 is: the same values, their one scale
 * for each 32 of them. k is a multiple of 32. quantize_generic.c. */
void rsn_q8_from_row(const void *row, size_t k, void *out);

/* RSN_ACT_Q8_ROW takes the largest magnitude of a row to be at least this, as the
 * published models were trained. */
#define RSN_Q8_ROW_LEAST 1e-5f

/* The same for rows of 4-bit values, whose mean magnitude it is that is at least so much;
 * `mean` NaN or infinite: of a row that has no scale. */
#define RSN_SQRT_7 2.6457513110645906f

static inline float rsn_q4_scale(float mean, float *inverse) {
    *inverse = 0;
    if (!(mean < rsn_float_from_bits(0x7F800000u))) return rsn_float_from_bits(0x7FC00000u);
    mean = mean > RSN_Q8_ROW_LEAST ? mean : RSN_Q8_ROW_LEAST;
    *inverse = RSN_SQRT_7 / mean;
    return mean / RSN_SQRT_7;
}

#endif
