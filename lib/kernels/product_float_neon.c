/* Products of float weights in NEON, 4 rows at once; the code is product_float_impl.h.
 * Invariant: the same bits as product_float_generic.c.
 *
 * A weight is 2 or 4 bytes of memory, once for all tokens, and a fused multiply-add, two
 * operations, a token. A square of 4 by 4 halves: 4 loads, 8 shuffles to turn it over and
 * 4 conversions, once for all tokens. No share of what a CPU can do was measured: the
 * tests ran in an emulator. */
#include "kernels/product.h"

#if defined(__ARM_FEATURE_DOTPROD)

#include "kernels/rows_neon.h"

#define FLOATS_NAME(x) x##_neon
/* 20 registers of sums, two of weights, one of a token; with 24 of sums GCC 12 keeps some
 * in memory. */
#define TILE_TOKENS 10
#define FOUR_GROUPS 4
#define DIRECT_GROUPS 4
#include "kernels/product_float_impl.h"

#endif
