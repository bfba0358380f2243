/* Scalar readers and writers, for the table in types.c. They define what bytes mean:
 * every fast path is tested against them. */
#ifndef REASON_QUANT_CODECS_H
#define REASON_QUANT_CODECS_H

#include <stddef.h>

#include "quant/block.h"

/* As rsn_type_info.encode. */
#define RSN_ENCODER(name)                                                                \
    void name(const float *src, const float *importance, void *dst, size_t n)

void rsn_quant_f32_decode(const void *src, float *dst, size_t n);
RSN_ENCODER(rsn_quant_f32_encode);
void rsn_quant_f16_decode(const void *src, float *dst, size_t n);
RSN_ENCODER(rsn_quant_f16_encode);
void rsn_quant_bf16_decode(const void *src, float *dst, size_t n);
RSN_ENCODER(rsn_quant_bf16_encode);

void rsn_quant_q4_0_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q4_0_encode);
void rsn_quant_q4_1_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q4_1_encode);
void rsn_quant_q5_0_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q5_0_encode);
void rsn_quant_q5_1_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q5_1_encode);
void rsn_quant_q8_0_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q8_0_encode);

void rsn_quant_q2_k_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q2_k_encode);
void rsn_quant_q3_k_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q3_k_encode);
void rsn_quant_q4_k_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q4_k_encode);
void rsn_quant_q5_k_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q5_k_encode);
void rsn_quant_q6_k_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_q6_k_encode);

void rsn_quant_iq4_nl_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_iq4_nl_encode);
void rsn_quant_iq4_xs_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_iq4_xs_encode);

void rsn_quant_tq1_0_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_tq1_0_encode);
void rsn_quant_tq2_0_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_tq2_0_encode);
void rsn_quant_i2_s_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_i2_s_encode);
void rsn_quant_i2_s_b_expand(const void *src, rsn_block *block);
RSN_ENCODER(rsn_quant_i2_s_b_encode);

/* Blocks of I2_S from codes 0, 1, 2 for -1, 0, 1; n is a multiple of 128. */
void rsn_i2_s_put_codes(const uint8_t *codes, size_t n, uint8_t *out);

/* The 16 values that IQ4_NL and IQ4_XS codes stand for. */
extern const signed char rsn_iq4_values[16];

#endif
