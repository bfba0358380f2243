/* Products of all block types in AVX-512 with VNNI, 16 rows at once; the code is
 * product_blocks_impl.h. The instruction adds four products of unsigned and signed bytes
 * in 32 bits, so signed weights are moved up by 128. Invariant: the same bits as
 * product_blocks_generic.c. */
#include "kernels/product.h"

#if defined(__AVX512VNNI__)

#include "kernels/rows_avx512.h"

#define BLOCKS_NAME(x) x##_avx512
#define TILE_GROUPS 2
#define TILE_TOKENS 6

RSN_INLINE rows add_byte_dots(rows sums, rows codes, rows x) {
    return (rows)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)codes, (__m512i)x);
}

#include "kernels/runs_vnni.h"

#include "kernels/product_blocks_impl.h"

#endif
