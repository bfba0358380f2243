/* 16 lanes of float32 in AVX-512: one register. What product_float_impl.h and
 * rowops_impl.h are written in; the same functions as lanes_avx2.h. Included by files
 * compiled for AVX-512 only; everything is inlined. */
#ifndef REASON_KERNELS_LANES_AVX512_H
#define REASON_KERNELS_LANES_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

typedef __m512 lanes;

RSN_INLINE lanes fill_lanes(float x) {
    return _mm512_set1_ps(x);
}

RSN_INLINE lanes load_f32(const void *p) {
    return _mm512_loadu_ps(p);
}

RSN_INLINE lanes load_f16(const void *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(p));
}

RSN_INLINE lanes load_bf16(const void *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* Signed bytes. */
RSN_INLINE lanes load_i8(const void *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p)));
}

/* The lower and the upper halves of 16 bytes. */
RSN_INLINE void load_nibbles(const void *p, lanes *low, lanes *high) {
    __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(p));
    *low = _mm512_cvtepi32_ps(_mm512_and_si512(bytes, _mm512_set1_epi32(15)));
    *high = _mm512_cvtepi32_ps(_mm512_srli_epi32(bytes, 4));
}

RSN_INLINE void store_f32(float *p, lanes v) {
    _mm512_storeu_ps(p, v);
}

RSN_INLINE void store_f16(void *p, lanes v) {
    _mm256_storeu_si256(p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

RSN_INLINE lanes add(lanes a, lanes b) {
    return _mm512_add_ps(a, b);
}

RSN_INLINE lanes sub(lanes a, lanes b) {
    return _mm512_sub_ps(a, b);
}

RSN_INLINE lanes mul(lanes a, lanes b) {
    return _mm512_mul_ps(a, b);
}

/* a * b + c, rounded once. */
RSN_INLINE lanes fuse(lanes a, lanes b, lanes c) {
    return _mm512_fmadd_ps(a, b, c);
}

RSN_INLINE lanes divide(lanes a, lanes b) {
    return _mm512_div_ps(a, b);
}

/* a > b ? a : b, so b where either is NaN. */
RSN_INLINE lanes max(lanes a, lanes b) {
    return _mm512_max_ps(a, b);
}

/* a < b ? a : b, so b where either is NaN. */
RSN_INLINE lanes min(lanes a, lanes b) {
    return _mm512_min_ps(a, b);
}

/* a > b ? x : y */
RSN_INLINE lanes select_greater(lanes a, lanes b, lanes x, lanes y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x);
}

/* Lane j takes lane j xor 1, 2, 4 or 8: neighbours change places, or pairs, or fours, or
 * the halves. */
RSN_INLINE lanes swap_1(lanes v) {
    return _mm512_permute_ps(v, _MM_SHUFFLE(2, 3, 0, 1));
}

RSN_INLINE lanes swap_2(lanes v) {
    return _mm512_permute_ps(v, _MM_SHUFFLE(1, 0, 3, 2));
}

RSN_INLINE lanes swap_4(lanes v) {
    return _mm512_shuffle_f32x4(v, v, _MM_SHUFFLE(2, 3, 0, 1));
}

RSN_INLINE lanes swap_8(lanes v) {
    return _mm512_shuffle_f32x4(v, v, _MM_SHUFFLE(1, 0, 3, 2));
}

/* Lane j takes in lane j + 8, j + 4, j + 2, j + 1. */
RSN_INLINE float fold_sum(lanes v) {
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

RSN_INLINE float fold_max(lanes v) {
    __m256 s8 = _mm256_max_ps(_mm512_extractf32x8_ps(v, 1), _mm512_castps512_ps256(v));
    __m128 s4 = _mm_max_ps(_mm256_extractf128_ps(s8, 1), _mm256_castps256_ps128(s8));
    __m128 s2 = _mm_max_ps(_mm_movehl_ps(s4, s4), s4);
    return _mm_cvtss_f32(_mm_max_ss(_mm_movehdup_ps(s2), s2));
}

/* The bits of 2^(n - 128), n < 383, in each lane. */
RSN_INLINE __m512 power_of_two(__m512i n) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(-1)), 23));
}

/* p * 2^n in the two steps of rsn_expf(), n being the integer in the low bits of
 * `biased`. */
RSN_INLINE lanes scale_by_power(lanes p, lanes biased, lanes round) {
    __m512i exponent =
        _mm512_sub_epi32(_mm512_castps_si512(biased), _mm512_castps_si512(round));
    exponent = _mm512_add_epi32(exponent, _mm512_set1_epi32(256));
    __m512i half = _mm512_srli_epi32(exponent, 1);
    p = _mm512_mul_ps(p, power_of_two(half));
    return _mm512_mul_ps(p, power_of_two(_mm512_sub_epi32(exponent, half)));
}

#endif
