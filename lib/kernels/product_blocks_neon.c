/* Products of all block types in NEON with dot products, 4 rows at once; the code is
 * product_blocks_impl.h. The instruction adds four products of signed bytes in 32 bits:
 * signed weights stay as they are, and whatever is unsigned is below 128: codes to 63,
 * minimums to 63, digits of sums (q8.h) to 127. Invariant: the same bits as
 * product_blocks_generic.c.
 *
 * A weight is block bytes / block weights of memory, once for all tokens, and two
 * operations a token. Four weights of 4 rows: one product a token, one load and 0 (Q8_0)
 * to 8 (TQ1_0) operations to make their codes, once for all tokens; 32 weights: 2 more a
 * token with integer scales, 4 for a float step. A tile keeps 12 sums, 12 unfinished runs,
 * two registers of codes and one token's four values in 27 of the 32 registers. No share
 * of what a CPU can do was measured: the tests ran in an emulator. */
#include "kernels/product.h"

#if defined(__ARM_FEATURE_DOTPROD)

#include "kernels/rows_neon.h"

#define BLOCKS_NAME(x) x##_neon
#define TILE_GROUPS 2
#define TILE_TOKENS 6
#define SIGNED_OFFSET 0

RSN_INLINE rows add_byte_dots(rows sums, rows a, rows b) {
    return (rows)vdotq_s32((int32x4_t)sums, (int8x16_t)a, (int8x16_t)b);
}

#include "kernels/runs_dots.h"

#include "kernels/product_blocks_impl.h"

#endif
