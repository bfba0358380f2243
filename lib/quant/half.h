/* 16-bit floats. Conversions down round to nearest, ties to even; NaN stays NaN and
 * becomes quiet, with the bits that the F16C instructions give. Without branches, so that
 * loops over them become vector code. */
#ifndef REASON_QUANT_HALF_H
#define REASON_QUANT_HALF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t rsn_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float rsn_float_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* a if the condition holds, else b. Spelt as bits because compilers turn ?: with
 * arithmetic in its arms into jumps, and then leave the loop scalar. */
static inline uint32_t rsn_select(bool condition, uint32_t a, uint32_t b) {
    uint32_t mask = 0u - (uint32_t)condition;
    return (a & mask) | (b & ~mask);
}

static inline float rsn_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = h & 0x7FFFu;
    uint32_t normal = (rest << 13) + (112u << 23); /* exponent bias 15 becomes 127 */
    uint32_t special = (rest << 13) | 0x7F800000u | (uint32_t)(rest > 0x7C00u) << 22;
    uint32_t subnormal = rsn_float_bits((float)(int32_t)rest * 0x1p-24f);
    uint32_t bits = rsn_select(rest < 0x7C00u, normal, special);
    bits = rsn_select(rest < 0x400u, subnormal, bits);
    return rsn_float_from_bits(sign | bits);
}

static inline uint16_t rsn_f16_from_f32(float x) {
    uint32_t bits = rsn_float_bits(x), rest = bits & 0x7FFFFFFFu;
    /* Rounding may carry into the exponent, and from the largest finite number into
     * infinity. */
    uint32_t normal = (rest - (112u << 23) + 0xFFFu + ((rest >> 13) & 1u)) >> 13;
    /* 0.5 has the last place that a subnormal half has, so the addition rounds to it. */
    uint32_t subnormal = rsn_float_bits(rsn_float_from_bits(rest) + 0.5f) - 0x3F000000u;
    uint32_t nan = 0x7E00u | (rest >> 13 & 0x3FFu);
    uint32_t h = rsn_select(rest < 0x47800000u, normal, 0x7C00u);
    h = rsn_select(rest < 0x38800000u, subnormal, h);
    h = rsn_select(rest > 0x7F800000u, nan, h);
    return (uint16_t)((bits >> 16 & 0x8000u) | h);
}

static inline float rsn_bf16_to_f32(uint16_t h) {
    return rsn_float_from_bits((uint32_t)h << 16);
}

static inline uint16_t rsn_bf16_from_f32(float x) {
    uint32_t bits = rsn_float_bits(x);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t nan = bits >> 16 | 0x40u;
    return (uint16_t)rsn_select((bits & 0x7FFFFFFFu) > 0x7F800000u, nan, rounded);
}

/* Halves at any address, as files have them. */
static inline uint16_t rsn_load_u16(const void *p) {
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return h;
}

#endif
