/* Q8_0 products in AVX2; the code is product_q8_0_impl.h. There is no instruction for
 * signed bytes times signed bytes, so the weight's sign moves to the activation: |w| <=
 * 128 and |x| <= 127 keep the 16-bit sums of two products below 2^15. Invariant: the same
 * bits as product_q8_0_generic.c. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include "kernels/rows_avx2.h"

#define TILE_TOKENS 4
#define GROUP_PRODUCT rsn_product_q8_0_avx2
#define GROUP_FALLBACK rsn_product_q8_0_generic

RSN_INLINE bool leave_to_fallback(size_t w_stride, size_t n_tokens) {
    (void)w_stride;
    (void)n_tokens;
    return false;
}

RSN_INLINE group load_group(const uint8_t *w, size_t stride) {
    return load_signed_group(w, stride);
}

RSN_INLINE __m256 add_block(__m256 sum, const group *weights, __m256 scales,
                            const uint8_t *x, float scale, int32_t q_sum) {
    __m256i products = _mm256_setzero_si256(), ones = _mm256_set1_epi16(1);
    (void)q_sum;
    RSN_UNROLL
    for (size_t d = 0; d < 8; d++) {
        __m256i w = weights->part[d];
        __m256i signed_x = _mm256_sign_epi8(broadcast_four(x + 4 * d), w);
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), signed_x);
        products = _mm256_add_epi32(products, _mm256_madd_epi16(pairs, ones));
    }
    return add_products(sum, scales, scale, products);
}

#include "kernels/product_q8_0_impl.h"

#endif
