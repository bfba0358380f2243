/* Products of all block types in AVX-VNNI; the code is product_blocks_impl.h. The
 * instruction adds four products of unsigned and signed bytes in 32 bits, so signed
 * weights are moved up by 128. Invariant: the same bits as product_blocks_generic.c. */
#include "kernels/product.h"

#if defined(__AVXVNNI__)

#include "kernels/rows_avx2.h"

#define BLOCKS_NAME(x) x##_avxvnni
#define BLOCKS_FALLBACK(x) x##_generic
#define TILE_TOKENS 4

RSN_INLINE rows add_dots(rows sums, rows codes, rows x) {
    return (rows)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)codes, (__m256i)x);
}

RSN_INLINE rows add_pairs(rows sums, rows a, rows b) {
    return (rows)_mm256_dpwssd_avx_epi32((__m256i)sums, (__m256i)a, (__m256i)b);
}

#include "kernels/runs_vnni.h"

#include "kernels/product_blocks_impl.h"

#endif
