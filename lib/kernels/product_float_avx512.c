/* Products of float weights in AVX-512, 16 rows at once; the code is
 * product_float_impl.h. Invariant: the same bits as product_float_generic.c.
 *
 * A weight is 2 or 4 bytes of memory, once for all tokens, and a fused multiply-add, two
 * operations, a token. A square of 16 by 16 halves: 8 loads of two rows each, 24 shuffles
 * to turn it over, 16 to split and 16 conversions, once for all tokens. On a Zen 5 core,
 * of 260 G operations and the 30 to 40 GB/s that memory gives to one core: 508 tokens 83
 * to 89%, 60 tokens 82%, one token from memory 35 GB/s. */
#include "kernels/product.h"

#if defined(__AVX512F__)

#include "kernels/rows_avx512.h"

#define FLOATS_NAME(x) x##_avx512
/* 24 registers of sums, two of weights, one of a token. */
#define TILE_TOKENS 12
#define FOUR_GROUPS 4
#define DIRECT_GROUPS 2
#include "kernels/product_float_impl.h"

#endif
