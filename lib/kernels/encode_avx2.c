/* Encoders in AVX2: plain loops that the compiler turns into vectors.
 * Invariant: the same bytes as quant/encode.c. */
#include "kernels/encode.h"

#if defined(__AVX2__)

#define ENCODE_NAME(stem) rsn_encode_##stem##_avx2
#include "quant/encode_impl.h"

#endif
