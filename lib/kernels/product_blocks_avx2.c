/* Products of all block types in AVX2; the code is product_blocks_impl.h. The instruction
 * multiplies unsigned by signed bytes and adds two products in 16 bits, saturating; a run
 * adds such sums up in 16 bits before they are multiplied by scales into 32. With |x| <=
 * 127 a part of codes up to m adds at most 254 m to a run's lane, and parts_in_run(m)
 * parts stay below 2^15:
 *
 *     codes to 7 (Q2_K, Q3_K, TQ, I2_S)     8 parts    14,224
 *     to 15 (Q4_0, Q4_1, Q4_K)              8 parts    30,480
 *     to 31 (Q5_0, Q5_1, Q5_K)              4 parts    31,496
 *     to 63 (Q6_K)                          2 parts    32,004
 *     signed, to 128 (Q8_0, IQ4)            1 part     32,512
 *
 * For signed codes the weight's sign moves to the activation. Invariant: the same bits as
 * product_blocks_generic.c. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include "kernels/rows_avx2.h"

#define BLOCKS_NAME(x) x##_avx2
#define TILE_GROUPS 1
#define TILE_TOKENS 4
#define SIGNED_OFFSET 0
#define RUNS_IN_SUMS false

RSN_INLINE rows signed_codes(rows v) {
    return v;
}

RSN_INLINE rows scale_rows(rows scale) {
    return pair(scale, scale);
}

RSN_INLINE size_t parts_in_run(unsigned most) {
    return most <= 15 ? 8 : most <= 31 ? 4 : most <= 63 ? 2 : 1;
}

RSN_INLINE rows start_run(bool is_signed, rows codes, rows x) {
    __m256i w = (__m256i)codes, four = (__m256i)x;
    if (!is_signed) return (rows)_mm256_maddubs_epi16(w, four);
    return (rows)_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(four, w));
}

RSN_INLINE rows add_to_run(bool is_signed, rows run, rows codes, rows x) {
    return (rows)((row_pairs)run + (row_pairs)start_run(is_signed, codes, x));
}

RSN_INLINE rows add_pairs(rows sums, rows a, rows b) {
    return sums + (rows)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

RSN_INLINE rows end_run(bool has_scale, rows sums, rows run, const rows *scale) {
    return add_pairs(sums, run, has_scale ? *scale : fill_rows(0x00010001));
}

RSN_INLINE rows add_byte_dots(rows sums, rows a, rows b) {
    return add_pairs(sums, (rows)_mm256_maddubs_epi16((__m256i)a, (__m256i)b),
                     fill_rows(0x00010001));
}

#include "kernels/product_blocks_impl.h"

#endif
