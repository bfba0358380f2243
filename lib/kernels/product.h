/* Products and the quantizing of activations, for each instruction set. Only dispatch.c
 * chooses among them; what they compute is said in table.h. */
#ifndef REASON_KERNELS_PRODUCT_H
#define REASON_KERNELS_PRODUCT_H

#include "kernels/table.h"

#define RSN_DECLARE_PRODUCT(name)                                                        \
    void name(size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,    \
              size_t x_stride, size_t n_tokens, float *out, size_t out_stride);

/* X(isa, type, stem) for every type of floats and of blocks. */
#define RSN_FLOAT_TYPES(X, isa)                                                          \
    X(isa, F32, f32)                                                                     \
    X(isa, F16, f16)                                                                     \
    X(isa, BF16, bf16)
#define RSN_BLOCK_TYPES(X, isa)                                                          \
    X(isa, Q4_0, q4_0)                                                                   \
    X(isa, Q4_1, q4_1)                                                                   \
    X(isa, Q5_0, q5_0)                                                                   \
    X(isa, Q5_1, q5_1)                                                                   \
    X(isa, Q8_0, q8_0)                                                                   \
    X(isa, Q2_K, q2_k)                                                                   \
    X(isa, Q3_K, q3_k)                                                                   \
    X(isa, Q4_K, q4_k)                                                                   \
    X(isa, Q5_K, q5_k)                                                                   \
    X(isa, Q6_K, q6_k)                                                                   \
    X(isa, IQ4_NL, iq4_nl)                                                               \
    X(isa, IQ4_XS, iq4_xs)                                                               \
    X(isa, TQ1_0, tq1_0)                                                                 \
    X(isa, TQ2_0, tq2_0)                                                                 \
    X(isa, I2_S, i2_s)                                                                   \
    X(isa, I2_S_B, i2_s_b)

#define RSN_DECLARE_STEM(isa, type, stem) RSN_DECLARE_PRODUCT(rsn_product_##stem##_##isa)

#define RSN_DECLARE_FLOAT_KERNELS(isa)                                                   \
    RSN_FLOAT_TYPES(RSN_DECLARE_STEM, isa)                                               \
    void rsn_quantize_q8_##isa(const float *x, size_t k, void *out);                     \
    void rsn_quantize_q8_256_##isa(const float *x, size_t k, void *out);                 \
    void rsn_quantize_q8_row_##isa(const float *x, size_t k, void *out);                 \
    void rsn_quantize_q4_row_##isa(const float *x, size_t k, void *out);

RSN_DECLARE_FLOAT_KERNELS(generic)
RSN_DECLARE_FLOAT_KERNELS(avx2)
RSN_DECLARE_FLOAT_KERNELS(avx512)
RSN_DECLARE_FLOAT_KERNELS(neon)

RSN_BLOCK_TYPES(RSN_DECLARE_STEM, generic)
RSN_BLOCK_TYPES(RSN_DECLARE_STEM, avx2)
RSN_BLOCK_TYPES(RSN_DECLARE_STEM, avxvnni)
RSN_BLOCK_TYPES(RSN_DECLARE_STEM, avx512)
RSN_BLOCK_TYPES(RSN_DECLARE_STEM, neon)

#endif
