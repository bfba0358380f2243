/* Scalar encoders and decoders, one pair per type, for the table in types.c. They define
 * what bytes mean: every fast path is tested against them. */
#ifndef REASON_QUANT_CODECS_H
#define REASON_QUANT_CODECS_H

#include <stddef.h>

void rsn_quant_f32_decode(const void *src, float *dst, size_t n);
void rsn_quant_f32_encode(const float *src, void *dst, size_t n);
void rsn_quant_f16_decode(const void *src, float *dst, size_t n);
void rsn_quant_f16_encode(const float *src, void *dst, size_t n);
void rsn_quant_bf16_decode(const void *src, float *dst, size_t n);
void rsn_quant_bf16_encode(const float *src, void *dst, size_t n);
void rsn_quant_q8_0_decode(const void *src, float *dst, size_t n);
void rsn_quant_q8_0_encode(const float *src, void *dst, size_t n);

#endif
