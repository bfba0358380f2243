/* 16 lanes of float32 in AVX2: two registers. What product_float_impl.h and rowops_impl.h
 * are written in. Included by files compiled for AVX2 only; everything is inlined. */
#ifndef REASON_KERNELS_LANES_AVX2_H
#define REASON_KERNELS_LANES_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/inline.h"

typedef struct lanes {
    __m256 low, high;
} lanes;

RSN_INLINE lanes make_lanes(__m256 low, __m256 high) {
    lanes v;
    v.low = low;
    v.high = high;
    return v;
}

RSN_INLINE lanes fill_lanes(float x) {
    return make_lanes(_mm256_set1_ps(x), _mm256_set1_ps(x));
}

RSN_INLINE lanes load_f32(const void *p) {
    const float *x = p;
    return make_lanes(_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8));
}

RSN_INLINE lanes load_f16(const void *p) {
    const __m128i *h = p;
    return make_lanes(_mm256_cvtph_ps(_mm_loadu_si128(h)),
                      _mm256_cvtph_ps(_mm_loadu_si128(h + 1)));
}

RSN_INLINE __m256 widen_bf16(__m128i h) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

RSN_INLINE lanes load_bf16(const void *p) {
    const __m128i *h = p;
    return make_lanes(widen_bf16(_mm_loadu_si128(h)), widen_bf16(_mm_loadu_si128(h + 1)));
}

/* Signed bytes. */
RSN_INLINE lanes load_i8(const void *p) {
    __m128i bytes = _mm_loadu_si128(p);
    __m256i low = _mm256_cvtepi8_epi32(bytes);
    __m256i high = _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8));
    return make_lanes(_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high));
}

/* The lower and the upper halves of 16 bytes. */
RSN_INLINE void load_nibbles(const void *p, lanes *low, lanes *high) {
    __m128i bytes = _mm_loadu_si128(p), four = _mm_set1_epi8(15);
    __m128i halves[2] = {_mm_and_si128(bytes, four),
                         _mm_and_si128(_mm_srli_epi16(bytes, 4), four)};
    *low = load_i8(&halves[0]);
    *high = load_i8(&halves[1]);
}

RSN_INLINE void store_f32(float *p, lanes v) {
    _mm256_storeu_ps(p, v.low);
    _mm256_storeu_ps(p + 8, v.high);
}

RSN_INLINE void store_f16(void *p, lanes v) {
    __m128i *h = p;
    _mm_storeu_si128(h, _mm256_cvtps_ph(v.low, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(h + 1, _mm256_cvtps_ph(v.high, _MM_FROUND_TO_NEAREST_INT));
}

RSN_INLINE lanes add(lanes a, lanes b) {
    return make_lanes(_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high));
}

RSN_INLINE lanes sub(lanes a, lanes b) {
    return make_lanes(_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high));
}

RSN_INLINE lanes mul(lanes a, lanes b) {
    return make_lanes(_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high));
}

/* a * b + c, rounded once. */
RSN_INLINE lanes fuse(lanes a, lanes b, lanes c) {
    return make_lanes(_mm256_fmadd_ps(a.low, b.low, c.low),
                      _mm256_fmadd_ps(a.high, b.high, c.high));
}

RSN_INLINE lanes divide(lanes a, lanes b) {
    return make_lanes(_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high));
}

/* a > b ? a : b, so b where either is NaN. */
RSN_INLINE lanes max(lanes a, lanes b) {
    return make_lanes(_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high));
}

/* a < b ? a : b, so b where either is NaN. */
RSN_INLINE lanes min(lanes a, lanes b) {
    return make_lanes(_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high));
}

/* a > b ? x : y */
RSN_INLINE lanes select_greater(lanes a, lanes b, lanes x, lanes y) {
    return make_lanes(
        _mm256_blendv_ps(y.low, x.low, _mm256_cmp_ps(a.low, b.low, _CMP_GT_OQ)),
        _mm256_blendv_ps(y.high, x.high, _mm256_cmp_ps(a.high, b.high, _CMP_GT_OQ)));
}

/* Lane j takes lane j xor 1, 2, 4 or 8: neighbours change places, or pairs, or fours, or
 * the halves. */
RSN_INLINE lanes swap_1(lanes v) {
    return make_lanes(_mm256_permute_ps(v.low, _MM_SHUFFLE(2, 3, 0, 1)),
                      _mm256_permute_ps(v.high, _MM_SHUFFLE(2, 3, 0, 1)));
}

RSN_INLINE lanes swap_2(lanes v) {
    return make_lanes(_mm256_permute_ps(v.low, _MM_SHUFFLE(1, 0, 3, 2)),
                      _mm256_permute_ps(v.high, _MM_SHUFFLE(1, 0, 3, 2)));
}

RSN_INLINE lanes swap_4(lanes v) {
    return make_lanes(_mm256_permute2f128_ps(v.low, v.low, 1),
                      _mm256_permute2f128_ps(v.high, v.high, 1));
}

RSN_INLINE lanes swap_8(lanes v) {
    return make_lanes(v.high, v.low);
}

/* Lane j takes in lane j + 8, j + 4, j + 2, j + 1. */
RSN_INLINE float fold_sum(lanes v) {
    __m256 s8 = _mm256_add_ps(v.low, v.high);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}

RSN_INLINE float fold_max(lanes v) {
    __m256 s8 = _mm256_max_ps(v.high, v.low);
    __m128 s4 = _mm_max_ps(_mm256_extractf128_ps(s8, 1), _mm256_castps256_ps128(s8));
    __m128 s2 = _mm_max_ps(_mm_movehl_ps(s4, s4), s4);
    return _mm_cvtss_f32(_mm_max_ss(_mm_movehdup_ps(s2), s2));
}

/* The bits of 2^(n - 128), n < 383, in each lane. */
RSN_INLINE __m256 power_of_two(__m256i n) {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(-1)), 23));
}

RSN_INLINE __m256 scale_half(__m256 p, __m256 biased, __m256 round) {
    __m256i exponent =
        _mm256_sub_epi32(_mm256_castps_si256(biased), _mm256_castps_si256(round));
    exponent = _mm256_add_epi32(exponent, _mm256_set1_epi32(256));
    __m256i half = _mm256_srli_epi32(exponent, 1);
    p = _mm256_mul_ps(p, power_of_two(half));
    return _mm256_mul_ps(p, power_of_two(_mm256_sub_epi32(exponent, half)));
}

/* p * 2^n in the two steps of rsn_expf(), n being the integer in the low bits of
 * `biased`. */
RSN_INLINE lanes scale_by_power(lanes p, lanes biased, lanes round) {
    return make_lanes(scale_half(p.low, biased.low, round.low),
                      scale_half(p.high, biased.high, round.high));
}

#endif
