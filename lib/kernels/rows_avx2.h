/* Groups of 8 rows of Q8_0 in 256-bit registers, for product_q8_0_impl.h. Included by
 * files compiled for AVX2 or AVX-VNNI, which add add_block(); everything is inlined. */
#ifndef REASON_KERNELS_ROWS_AVX2_H
#define REASON_KERNELS_ROWS_AVX2_H

#include <immintrin.h>

#include "kernels/inline.h"
#include "kernels/q8.h"

#define GROUP_ROWS 8

/* part[d], 32-bit lane r: weights 4d to 4d + 3 of row r. */
typedef struct group {
    __m256i part[8];
} group;

typedef __m256 group_floats;

RSN_INLINE __m256 zero_group(void) {
    return _mm256_setzero_ps();
}

RSN_INLINE void store_group(float *out, __m256 v) {
    _mm256_storeu_ps(out, v);
}

/* 16 bytes of row r and, in the upper half, of row r + 4. */
RSN_INLINE __m256i load_two_rows(const uint8_t *w, size_t stride, size_t r) {
    __m128i low = _mm_loadu_si128((const void *)(w + r * stride));
    __m128i high = _mm_loadu_si128((const void *)(w + (r + 4) * stride));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* part[0..3] of 16 bytes of each row: a 4 x 4 transpose of 32-bit lanes in each half. */
RSN_INLINE void load_four_parts(const uint8_t *w, size_t stride, __m256i *part) {
    __m256i a = load_two_rows(w, stride, 0), b = load_two_rows(w, stride, 1);
    __m256i c = load_two_rows(w, stride, 2), d = load_two_rows(w, stride, 3);
    __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    part[0] = _mm256_unpacklo_epi64(ab_low, cd_low);
    part[1] = _mm256_unpackhi_epi64(ab_low, cd_low);
    part[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
    part[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

RSN_INLINE group load_signed_group(const uint8_t *w, size_t stride) {
    group g;
    load_four_parts(w, stride, g.part);
    load_four_parts(w + 16, stride, g.part + 4);
    return g;
}

RSN_INLINE __m256 load_scales(const uint8_t *w, size_t stride) {
    int16_t h[8];
    RSN_UNROLL
    for (size_t r = 0; r < 8; r++) h[r] = (int16_t)rsn_load_u16(w + r * stride);
    return _mm256_cvtph_ps(
        _mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]));
}

/* Four activations in every 32-bit lane. */
RSN_INLINE __m256i broadcast_four(const uint8_t *x) {
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

/* sum + (scales * scale) * products */
RSN_INLINE __m256 add_products(__m256 sum, __m256 scales, float scale, __m256i products) {
    scales = _mm256_mul_ps(scales, _mm256_set1_ps(scale));
    return _mm256_add_ps(sum, _mm256_mul_ps(scales, _mm256_cvtepi32_ps(products)));
}

#endif
