/* Operations on rows of floats in AVX-512; the code is rowops_impl.h.
 * Invariant: the same bits as rowops_generic.c. */
#include "kernels/rowops.h"

#if defined(__AVX512F__)

#include "kernels/lanes_avx512.h"

#define LANES_NAME(x) x##_avx512
#include "kernels/rowops_impl.h"

#endif
