/* Products and the quantizing of activations, for each instruction set. Only dispatch.c
 * chooses among them; what they compute is said in table.h. */
#ifndef REASON_KERNELS_PRODUCT_H
#define REASON_KERNELS_PRODUCT_H

#include "kernels/table.h"

#define RSN_DECLARE_PRODUCT(name)                                                        \
    void name(size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,    \
              size_t x_stride, size_t n_tokens, float *out, size_t out_stride);

#define RSN_DECLARE_FLOAT_PRODUCTS(isa)                                                  \
    RSN_DECLARE_PRODUCT(rsn_product_f32_##isa)                                           \
    RSN_DECLARE_PRODUCT(rsn_product_f16_##isa)                                           \
    RSN_DECLARE_PRODUCT(rsn_product_bf16_##isa)                                          \
    float rsn_dot_f32_##isa(const float *a, const float *b, size_t n);                   \
    float rsn_dot_f16_##isa(const uint16_t *a, const float *b, size_t n);

RSN_DECLARE_FLOAT_PRODUCTS(generic)
RSN_DECLARE_FLOAT_PRODUCTS(avx2)
RSN_DECLARE_FLOAT_PRODUCTS(avx512)

/* X(type, stem) for every type of blocks but Q8_0, and for those whose rows have one scale. */
#define RSN_BLOCK_TYPES(X)                                                               \
    X(Q4_0, q4_0)                                                                        \
    X(Q4_1, q4_1)                                                                        \
    X(Q5_0, q5_0)                                                                        \
    X(Q5_1, q5_1)                                                                        \
    X(Q2_K, q2_k)                                                                        \
    X(Q3_K, q3_k)                                                                        \
    X(Q4_K, q4_k)                                                                        \
    X(Q5_K, q5_k)                                                                        \
    X(Q6_K, q6_k)                                                                        \
    X(IQ4_NL, iq4_nl)                                                                    \
    X(IQ4_XS, iq4_xs)                                                                    \
    X(TQ1_0, tq1_0)                                                                      \
    X(TQ2_0, tq2_0)
#define RSN_WHOLE_ROW_TYPES(X)                                                           \
    X(I2_S, i2_s)                                                                        \
    X(I2_S_B, i2_s_b)

#define RSN_DECLARE_GENERIC(type, stem) RSN_DECLARE_PRODUCT(rsn_product_##stem##_generic)
RSN_BLOCK_TYPES(RSN_DECLARE_GENERIC)
RSN_WHOLE_ROW_TYPES(RSN_DECLARE_GENERIC)
RSN_DECLARE_GENERIC(Q8_0, q8_0)

RSN_DECLARE_PRODUCT(rsn_product_q8_0_avx2)
RSN_DECLARE_PRODUCT(rsn_product_q8_0_avxvnni)
RSN_DECLARE_PRODUCT(rsn_product_q8_0_avx512)

void rsn_quantize_q8_generic(const float *x, size_t k, void *out);
void rsn_quantize_q8_avx2(const float *x, size_t k, void *out);
void rsn_quantize_q8_avx512(const float *x, size_t k, void *out);
void rsn_quantize_q8_256_generic(const float *x, size_t k, void *out);
void rsn_quantize_q8_row_generic(const float *x, size_t k, void *out);

#endif
