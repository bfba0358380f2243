/* Q8_0 products in AVX-512 with VNNI, 16 rows at once; the code is product_q8_0_impl.h.
 * The instruction wants unsigned times signed, so weights are moved up by 128 and 128
 * times the activations' sum is taken off. Invariant: the same bits as
 * product_q8_0_generic.c. */
#include "kernels/product.h"

#if defined(__AVX512VNNI__)

#include <immintrin.h>

#include "kernels/inline.h"
#include "kernels/q8.h"

#define GROUP_ROWS 16
#define TILE_TOKENS 8
#define GROUP_PRODUCT rsn_product_q8_0_avx512
#define GROUP_FALLBACK rsn_product_q8_0_avx2

/* One token means as fast as memory gives: then 16 long rows and the next 16 on their way
 * should not be more than the first-level cache holds. */
RSN_INLINE bool leave_to_fallback(size_t w_stride, size_t n_tokens) {
    return n_tokens == 1 && w_stride > 1536;
}

/* part[d], 32-bit lane r: weights 4d to 4d + 3 of row r, plus 128. */
typedef struct group {
    __m512i part[8];
} group;

typedef __m512 group_floats;

RSN_INLINE __m512 zero_group(void) {
    return _mm512_setzero_ps();
}

RSN_INLINE void store_group(float *out, __m512 v) {
    _mm512_storeu_ps(out, v);
}

/* 32 bytes of row r and, in the upper half, of row r + 4. */
RSN_INLINE __m512i load_two_rows(const uint8_t *w, size_t stride, size_t r) {
    __m256i low = _mm256_loadu_si256((const void *)(w + r * stride));
    __m256i high = _mm256_loadu_si256((const void *)(w + (r + 4) * stride));
    __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    return _mm512_xor_si512(both, _mm512_set1_epi8(-128));
}

/* Of 8 rows, a 4 x 4 transpose of 32-bit lanes in each quarter; quarters of part[d]:
 * parts d and d + 4 of the first four rows, then of the other four. */
RSN_INLINE void load_eight_rows(const uint8_t *w, size_t stride, __m512i *part) {
    __m512i a = load_two_rows(w, stride, 0), b = load_two_rows(w, stride, 1);
    __m512i c = load_two_rows(w, stride, 2), d = load_two_rows(w, stride, 3);
    __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    part[0] = _mm512_unpacklo_epi64(ab_low, cd_low);
    part[1] = _mm512_unpackhi_epi64(ab_low, cd_low);
    part[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
    part[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

RSN_INLINE group load_group(const uint8_t *w, size_t stride) {
    __m512i first[4], last[4];
    group g;
    load_eight_rows(w, stride, first);
    load_eight_rows(w + 8 * stride, stride, last);
    RSN_UNROLL
    for (size_t d = 0; d < 4; d++) {
        g.part[d] = _mm512_shuffle_i32x4(first[d], last[d], 0x88);
        g.part[d + 4] = _mm512_shuffle_i32x4(first[d], last[d], 0xDD);
    }
    return g;
}

RSN_INLINE __m128i load_eight_halves(const uint8_t *w, size_t stride) {
    int16_t h[8];
    RSN_UNROLL
    for (size_t r = 0; r < 8; r++) h[r] = (int16_t)rsn_load_u16(w + r * stride);
    return _mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
}

RSN_INLINE __m512 load_scales(const uint8_t *w, size_t stride) {
    __m128i low = load_eight_halves(w, stride);
    __m128i high = load_eight_halves(w + 8 * stride, stride);
    return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
}

RSN_INLINE __m512 add_block(__m512 sum, const group *weights, __m512 scales,
                            const uint8_t *x, float scale, int32_t q_sum) {
    __m512i products = _mm512_set1_epi32(-128 * q_sum);
    RSN_UNROLL
    for (size_t d = 0; d < 8; d++) {
        int32_t four;
        memcpy(&four, x + 4 * d, sizeof four);
        products =
            _mm512_dpbusd_epi32(products, weights->part[d], _mm512_set1_epi32(four));
    }
    scales = _mm512_mul_ps(scales, _mm512_set1_ps(scale));
    return _mm512_add_ps(sum, _mm512_mul_ps(scales, _mm512_cvtepi32_ps(products)));
}

#include "kernels/product_q8_0_impl.h"

#endif
