/* Encoders per instruction set; quant/encode_impl.h has their bodies, and the functions of
 * the type table are those without one. */
#ifndef REASON_KERNELS_ENCODE_H
#define REASON_KERNELS_ENCODE_H

#include "quant/codecs.h"

/* X(type, stem, isa) of every type that has them. */
#define RSN_ENCODED_TYPES(X, isa)                                                        \
    X(Q4_0, q4_0, isa) X(Q4_1, q4_1, isa) X(Q5_0, q5_0, isa) X(Q5_1, q5_1, isa)          \
    X(Q8_0, q8_0, isa) X(Q2_K, q2_k, isa) X(Q3_K, q3_k, isa) X(Q4_K, q4_k, isa)          \
    X(Q5_K, q5_k, isa) X(Q6_K, q6_k, isa) X(IQ4_NL, iq4_nl, isa)                         \
    X(IQ4_XS, iq4_xs, isa)

#define RSN_DECLARE_ENCODER(type, stem, isa) RSN_ENCODER(rsn_encode_##stem##_##isa);
RSN_ENCODED_TYPES(RSN_DECLARE_ENCODER, avx2)
RSN_ENCODED_TYPES(RSN_DECLARE_ENCODER, avx512)
RSN_ENCODED_TYPES(RSN_DECLARE_ENCODER, neon)

#endif
