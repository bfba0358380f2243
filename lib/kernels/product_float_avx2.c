/* Products of float weights in AVX2; the code is product_float_impl.h, the tiles fit the
 * registers of this instruction set. Invariant: the same bits as
 * product_float_generic.c. */
#include "kernels/product.h"

#if defined(__AVX2__)

#include "kernels/lanes_avx2.h"

#define LANES_NAME(x) x##_avx2
/* Twelve registers of sums, two of a token, two of a row. */
#define TILE_ROWS 3
#define TILE_TOKENS 2
#define SINGLE_ROWS 4
#include "kernels/product_float_impl.h"

#endif
