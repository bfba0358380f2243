/* The quantizing of activations in AVX2; the loops over blocks are quantize_impl.h.
 * Invariant: the same bits as quantize_generic.c. The conversion to integers rounds as
 * the control word says, which is to nearest, ties to even. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "kernels/inline.h"
#include "kernels/q8.h"
#include "kernels/rowops.h"

RSN_INLINE uint32_t fold_max_u32(__m256i v) {
    __m128i m4 = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i m2 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, _MM_SHUFFLE(1, 0, 3, 2)));
    __m128i m1 = _mm_max_epu32(m2, _mm_shuffle_epi32(m2, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(m1);
}

RSN_INLINE int32_t fold_sum_i32(__m256i v) {
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, _MM_SHUFFLE(1, 0, 3, 2)));
    __m128i s1 = _mm_add_epi32(s2, _mm_shuffle_epi32(s2, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(s1);
}

RSN_INLINE uint32_t top_bits(const float *x, size_t n) {
    const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    __m256i top = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(x + i));
        top = _mm256_max_epu32(top, _mm256_and_si256(bits, magnitude));
    }
    uint32_t largest = fold_max_u32(top);
    for (; i < n; i++) {
        uint32_t bits = rsn_float_bits(x[i]) & 0x7FFFFFFFu;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

/* 16 values to bytes; returns the sums of pairs. */
RSN_INLINE __m256i round_16(const float *x, __m256 factor, int8_t *q) {
    __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor));
    __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor));
    /* Packing works in each half; the quarters come out in the order 0, 2, 1, 3. */
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high),
                                             _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((void *)q, _mm_packs_epi16(_mm256_castsi256_si128(words),
                                                _mm256_extracti128_si256(words, 1)));
    return _mm256_add_epi32(low, high);
}

RSN_INLINE int32_t round_values(const float *x, size_t n, float inverse, int8_t *q) {
    const __m256 factor = _mm256_set1_ps(inverse);
    __m256i sums = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        sums = _mm256_add_epi32(sums, round_16(x + i, factor, q + i));
    if (i < n) {
        float last[16] = {0};
        int8_t bytes[16];
        memcpy(last, x + i, (n - i) * sizeof *x);
        sums = _mm256_add_epi32(sums, round_16(last, factor, bytes));
        memcpy(q + i, bytes, n - i);
    }
    return fold_sum_i32(sums);
}

#define QUANTIZE_NAME(x) x##_avx2
#include "kernels/quantize_impl.h"

#endif
