/* Products of float weights in AVX-512; the code is product_float_impl.h, the tiles fit
 * the registers of this instruction set. Invariant: the same bits as
 * product_float_generic.c. */
#include "kernels/product.h"

#if defined(__AVX512F__)

#include "kernels/lanes_avx512.h"

#define LANES_NAME(x) x##_avx512
/* Sixteen registers of sums, four of tokens, one of weights. */
#define TILE_ROWS 4
#define TILE_TOKENS 4
#define SINGLE_ROWS 4
#include "kernels/product_float_impl.h"

#endif
