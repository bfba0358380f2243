/* Products of all block types in AVX-512 with VNNI, 16 rows at once; the code is
 * product_blocks_impl.h. The instruction adds four products of unsigned and signed bytes
 * in 32 bits, so signed weights are moved up by 128. Invariant: the same bits as
 * product_blocks_generic.c.
 *
 * A weight is block bytes / block weights of memory, once for all tokens, and two
 * operations a token. Four weights of 16 rows: one product a token, one load and 0 (Q8_0)
 * to 8 (TQ1_0) operations to make their codes, once for all tokens; 32 weights: 2 more a
 * token with integer scales, 3 for a float step. On a Zen 5 core, of 1.02 T operations
 * and 30 to 40 GB/s that memory gives to one core: 60 tokens from the second cache I2_S
 * 92%, Q4_K 73%, Q8_0 67%, Q6_K 61%; one token from memory I2_S 42, Q4_K 36, Q6_K 37,
 * Q8_0 37 GB/s. */
#include "kernels/product.h"

#if defined(__AVX512VNNI__)

#include "kernels/rows_avx512.h"

#define BLOCKS_NAME(x) x##_avx512
#define TILE_GROUPS 2
#define TILE_TOKENS 6
#define SIGNED_OFFSET 128

RSN_INLINE rows add_byte_dots(rows sums, rows codes, rows x) {
    return (rows)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)codes, (__m512i)x);
}

#include "kernels/runs_dots.h"

#include "kernels/product_blocks_impl.h"

#endif
