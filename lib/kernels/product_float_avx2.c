/* Products of float weights in AVX2 with FMA, 8 rows at once; the code is
 * product_float_impl.h. Invariant: the same bits as product_float_generic.c.
 *
 * A weight is 2 or 4 bytes of memory, once for all tokens, and a fused multiply-add, two
 * operations, a token. A square of 8 by 8 halves: 4 loads of two rows each, 8 shuffles to
 * turn it over, 8 to split and 8 conversions, once for all tokens. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include "kernels/rows_avx2.h"

#define FLOATS_NAME(x) x##_avx2
/* Twelve registers of sums, two of weights, one of a token. */
#define TILE_TOKENS 6
#define FOUR_GROUPS 2
#define DIRECT_GROUPS 2
#include "kernels/product_float_impl.h"

#endif
