/* Products of all block types in AVX-VNNI; the code is product_blocks_impl.h. The
 * instruction adds four products of unsigned and signed bytes in 32 bits, so signed
 * weights are moved up by 128. Invariant: the same bits as product_blocks_generic.c. */
#include "kernels/product.h"

#if defined(__AVXVNNI__)

#include "kernels/rows_avx2.h"

#define BLOCKS_NAME(x) x##_avxvnni
#define TILE_GROUPS 1
#define TILE_TOKENS 4
#define SIGNED_OFFSET 128

RSN_INLINE rows add_byte_dots(rows sums, rows codes, rows x) {
    return (rows)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)codes, (__m256i)x);
}

#include "kernels/runs_dots.h"

#include "kernels/product_blocks_impl.h"

#endif
