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

RSN_DECLARE_PRODUCT(rsn_product_q8_0_generic)
RSN_DECLARE_PRODUCT(rsn_product_q8_0_avx2)
RSN_DECLARE_PRODUCT(rsn_product_q8_0_avxvnni)
RSN_DECLARE_PRODUCT(rsn_product_q8_0_avx512)

void rsn_quantize_q8_generic(const float *x, size_t k, void *out);
void rsn_quantize_q8_avx2(const float *x, size_t k, void *out);
void rsn_quantize_q8_avx512(const float *x, size_t k, void *out);

#endif
