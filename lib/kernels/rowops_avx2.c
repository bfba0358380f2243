/* Operations on rows of floats in AVX2; the code is rowops_impl.h.
 * Invariant: the same bits as rowops_generic.c. */
#include "kernels/rowops.h"

#if defined(__AVX2__)

#include "kernels/lanes_avx2.h"

#define LANES_NAME(x) x##_avx2
#include "kernels/rowops_impl.h"

#endif
