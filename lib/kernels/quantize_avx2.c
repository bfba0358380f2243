/* The quantizing of activations in AVX2; q8.h has the layout. Invariant: the same bits as
 * rsn_quantize_q8_generic(). The conversion to integers rounds as the control word says,
 * which is to nearest, ties to even. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "kernels/inline.h"
#include "kernels/q8.h"

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

/* Writes 32 values and returns their sum. */
RSN_INLINE int32_t quantize_block(const __m256 *x, float inverse, int8_t *q) {
    __m256 factor = _mm256_set1_ps(inverse);
    __m256i v[4];
    for (size_t j = 0; j < 4; j++) v[j] = _mm256_cvtps_epi32(_mm256_mul_ps(x[j], factor));
    __m256i sum =
        _mm256_add_epi32(_mm256_add_epi32(v[0], v[1]), _mm256_add_epi32(v[2], v[3]));
    /* Packing works in each half, so groups of four bytes come out in the order of
     * `order`. */
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]),
                                       _mm256_packs_epi32(v[2], v[3]));
    _mm256_storeu_si256((void *)q, _mm256_permutevar8x32_epi32(bytes, order));
    return fold_sum_i32(sum);
}

void rsn_quantize_q8_avx2(const float *x, size_t k, void *out) {
    const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    int8_t *q = out;
    float *scales = (float *)out + rsn_q8_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_sums_at(k) / sizeof(int32_t);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_32, k));
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, x += RSN_Q8_BLOCK, q += RSN_Q8_BLOCK) {
        __m256 v[4];
        __m256i top = _mm256_setzero_si256();
        for (size_t j = 0; j < 4; j++) {
            v[j] = _mm256_loadu_ps(x + 8 * j);
            top = _mm256_max_epu32(
                top, _mm256_and_si256(_mm256_castps_si256(v[j]), magnitude));
        }
        float inverse;
        scales[b] = rsn_q8_scale(fold_max_u32(top), &inverse);
        if (inverse != 0) sums[b] = quantize_block(v, inverse, q);
    }
}

#endif
