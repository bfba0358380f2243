/* The quantizing of activations in AVX-512; the loops over blocks are quantize_impl.h.
 * Invariant: the same bits as quantize_generic.c. The conversion to integers rounds as
 * the control word says, which is to nearest, ties to even. */
#include "kernels/product.h"

#if defined(__AVX512F__)

#include <immintrin.h>

#include "kernels/inline.h"
#include "kernels/q8.h"
#include "kernels/rowops.h"

/* The first n lanes, all if there are more. */
RSN_INLINE __mmask16 first_lanes(size_t n) {
    return (__mmask16)(0xFFFFu >> (n < 16 ? 16 - n : 0));
}

RSN_INLINE uint32_t top_bits(const float *x, size_t n) {
    const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    __m512i top = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 16) {
        __m512i bits = _mm512_maskz_loadu_epi32(first_lanes(n - i), x + i);
        top = _mm512_max_epu32(top, _mm512_and_si512(bits, magnitude));
    }
    return _mm512_reduce_max_epu32(top);
}

RSN_INLINE int32_t round_values(const float *x, size_t n, float inverse, int8_t *q) {
    const __m512 factor = _mm512_set1_ps(inverse);
    __m512i sums = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 values = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor);
        __m512i rounded = _mm512_cvtps_epi32(values);
        _mm512_mask_cvtepi32_storeu_epi8(q + i, lanes, rounded);
        sums = _mm512_add_epi32(sums, rounded);
    }
    return _mm512_reduce_add_epi32(sums);
}

#define QUANTIZE_NAME(x) x##_avx512
#include "kernels/quantize_impl.h"

#endif
