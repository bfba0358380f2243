/* Products of all block types in AVX-512 with VNNI, 16 rows at once; the code is
 * product_blocks_impl.h. The instruction adds four products of unsigned and signed bytes
 * in 32 bits, so signed weights are moved up by 128. Invariant: the same bits as
 * product_blocks_generic.c. */
#include "kernels/product.h"

#if defined(__AVX512VNNI__)

#include "kernels/rows_avx512.h"

#define BLOCKS_NAME(x) x##_avx512
#define BLOCKS_FALLBACK(x) x##_avx2
#define TILE_TOKENS 8

RSN_INLINE rows add_dots(rows sums, rows codes, rows x) {
    return (rows)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)codes, (__m512i)x);
}

RSN_INLINE rows add_pairs(rows sums, rows a, rows b) {
    return (rows)_mm512_dpwssd_epi32((__m512i)sums, (__m512i)a, (__m512i)b);
}

#include "kernels/runs_vnni.h"

#include "kernels/product_blocks_impl.h"

#endif
