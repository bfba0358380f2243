/* The quantizing of activations in AVX-512; q8.h has the layout. Invariant: the same bits
 * as rsn_quantize_q8_generic(). The conversion to integers rounds as the control word
 * says, which is to nearest, ties to even. */
#include "kernels/product.h"

#if defined(__AVX512F__)

#include <immintrin.h>

#include "kernels/q8.h"

void rsn_quantize_q8_avx512(const float *x, size_t k, void *out) {
    const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    uint8_t *q = out;
    float *scales = (float *)out + rsn_q8_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_sums_at(k) / sizeof(int32_t);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_32, k));
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, x += RSN_Q8_BLOCK, q += RSN_Q8_BLOCK) {
        __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
        __m512i low_bits = _mm512_and_si512(_mm512_castps_si512(low), magnitude);
        __m512i high_bits = _mm512_and_si512(_mm512_castps_si512(high), magnitude);
        __m512i top = _mm512_max_epu32(low_bits, high_bits);
        float inverse;
        scales[b] = rsn_q8_scale(_mm512_reduce_max_epu32(top), &inverse);
        if (inverse == 0) continue;
        __m512 factor = _mm512_set1_ps(inverse);
        __m512i q_low = _mm512_cvtps_epi32(_mm512_mul_ps(low, factor));
        __m512i q_high = _mm512_cvtps_epi32(_mm512_mul_ps(high, factor));
        _mm_storeu_si128((void *)q, _mm512_cvtepi32_epi8(q_low));
        _mm_storeu_si128((void *)(q + 16), _mm512_cvtepi32_epi8(q_high));
        sums[b] = _mm512_reduce_add_epi32(_mm512_add_epi32(q_low, q_high));
    }
}

#endif
