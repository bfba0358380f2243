/* Encoders in NEON: plain loops that the compiler turns into vectors; quant/encode_impl.h
 * says what they compute. Invariant: the same bytes as quant/encode.c. */
#include "kernels/encode.h"

#if defined(__ARM_FEATURE_DOTPROD)

#define ENCODE_NAME(stem) rsn_encode_##stem##_neon
#include "quant/encode_impl.h"

#endif
