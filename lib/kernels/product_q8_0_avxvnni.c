/* Q8_0 products in AVX-VNNI; the code is product_q8_0_impl.h. The instruction wants
 * unsigned times signed, so weights are moved up by 128 and 128 times the activations'
 * sum is taken off. Invariant: the same bits as product_q8_0_generic.c. */
#include "kernels/product.h"

#if defined(__AVXVNNI__)

#include "kernels/rows_avx2.h"

#define TILE_TOKENS 4
#define GROUP_PRODUCT rsn_product_q8_0_avxvnni
#define GROUP_FALLBACK rsn_product_q8_0_generic

RSN_INLINE bool leave_to_fallback(size_t w_stride, size_t n_tokens) {
    (void)w_stride;
    (void)n_tokens;
    return false;
}

RSN_INLINE group load_group(const uint8_t *w, size_t stride) {
    group g = load_signed_group(w, stride);
    RSN_UNROLL
    for (size_t d = 0; d < 8; d++) {
        g.part[d] = _mm256_xor_si256(g.part[d], _mm256_set1_epi8(-128));
    }
    return g;
}

RSN_INLINE __m256 add_block(__m256 sum, const group *weights, __m256 scales,
                            const uint8_t *x, float scale, int32_t q_sum) {
    __m256i products = _mm256_set1_epi32(-128 * q_sum);
    RSN_UNROLL
    for (size_t d = 0; d < 8; d++) {
        products = _mm256_dpbusd_avx_epi32(products, weights->part[d],
                                           broadcast_four(x + 4 * d));
    }
    return add_products(sum, scales, scale, products);
}

#include "kernels/product_q8_0_impl.h"

#endif
