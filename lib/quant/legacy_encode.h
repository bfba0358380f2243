/* Writes Q4_0, Q4_1, Q5_0 and Q5_1 as their published encoders do. The _0 types put the
 * weight of the largest magnitude on the lowest code, which is one step farther from 0
 * than the highest; the _1 types put the smallest weight on the lowest code and the
 * largest one on the highest. With importance the fits of fit.h are put into the same
 * bytes. Part of encode_impl.h. */
#ifndef REASON_QUANT_LEGACY_ENCODE_H
#define REASON_QUANT_LEGACY_ENCODE_H

#include <math.h>

#include "quant/fit.h"

enum { BLOCK = 32, HALF = BLOCK / 2 };

/* Codes in [0, top] of weights (x - zero) * inverse + bias, cut to whole numbers. */
static void make_codes(const float *x, float zero, float inverse, float bias, int top,
                       uint8_t *codes) {
    for (size_t j = 0; j < BLOCK; j++)
        codes[j] = (uint8_t)rsn_clamp((x[j] - zero) * inverse + bias, 0, (float)top);
}

/* The lower four bits of every code, and the fifth ones in a word. */
static void put_nibbles_of_32(const uint8_t *codes, uint8_t *out) {
    for (size_t j = 0; j < HALF; j++)
        out[j] = (uint8_t)((codes[j] & 15) | (codes[j + HALF] & 15) << 4);
}

static void put_fifth_bits(const uint8_t *codes, uint8_t *out) {
    memset(out, 0, BLOCK / 8);
    for (size_t j = 0; j < BLOCK; j++) out[j / 8] |= (uint8_t)(codes[j] >> 4 << j % 8);
}

/* A block without minimum, of codes in [0, 2 * zero); returns the scale's half. */
static uint16_t fit_around_zero(const float *x, int zero, uint8_t *codes) {
    if (!rsn_all_finite(x, BLOCK)) {
        memset(codes, 0, BLOCK);
        return RSN_HALF_NAN;
    }
    float farthest = 0;
    for (size_t j = 0; j < BLOCK; j++)
        farthest = fabsf(x[j]) > fabsf(farthest) ? x[j] : farthest;
    float scale = rsn_clamp(farthest / (float)-zero, -RSN_HALF_MAX, RSN_HALF_MAX);
    make_codes(x, 0, rsn_inverse(scale), (float)zero + 0.5f, 2 * zero - 1, codes);
    return rsn_f16_from_f32(scale);
}

/* A block with minimum, of codes in [0, top]; writes the halves of scale and minimum. */
static void fit_between(const float *x, int top, uint8_t *halves, uint8_t *codes) {
    memset(codes, 0, BLOCK);
    rsn_store_u16(halves, RSN_HALF_NAN);
    rsn_store_u16(halves + 2, RSN_HALF_NAN);
    if (!rsn_all_finite(x, BLOCK)) return;
    float low = x[0], high = x[0];
    for (size_t j = 1; j < BLOCK; j++) {
        low = x[j] < low ? x[j] : low;
        high = x[j] > high ? x[j] : high;
    }
    low = rsn_clamp(low, -RSN_HALF_MAX, RSN_HALF_MAX);
    float scale = rsn_clamp((high - low) / (float)top, 0, RSN_HALF_MAX);
    make_codes(x, low, rsn_inverse(scale), 0.5f, top, codes);
    rsn_store_u16(halves, rsn_f16_from_f32(scale));
    rsn_store_u16(halves + 2, rsn_f16_from_f32(low));
}

static void encode_q4_0(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    rsn_store_u16(out, fit_around_zero(x, 8, codes));
    put_nibbles_of_32(codes, out + 2);
}

static void encode_q4_1(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    fit_between(x, 15, out, codes);
    put_nibbles_of_32(codes, out + 4);
}

static void encode_q5_0(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    rsn_store_u16(out, fit_around_zero(x, 16, codes));
    put_fifth_bits(codes, out + 2);
    put_nibbles_of_32(codes, out + 6);
}

static void encode_q5_1(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    fit_between(x, 31, out, codes);
    put_fifth_bits(codes, out + 4);
    put_nibbles_of_32(codes, out + 8);
}

static void put_q4_0(const rsn_block *b, uint8_t *out) {
    uint8_t codes[BLOCK];
    for (size_t j = 0; j < BLOCK; j++)
        codes[j] = (uint8_t)(b->q[j] + 8);
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    put_nibbles_of_32(codes, out + 2);
}

static void put_q5_0(const rsn_block *b, uint8_t *out) {
    uint8_t codes[BLOCK];
    for (size_t j = 0; j < BLOCK; j++)
        codes[j] = (uint8_t)(b->q[j] + 16);
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    put_fifth_bits(codes, out + 2);
    put_nibbles_of_32(codes, out + 6);
}

static void put_q4_1(const rsn_block *b, uint8_t *out) {
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    rsn_store_u16(out + 2, rsn_f16_from_f32(-b->dmin));
    put_nibbles_of_32((const uint8_t *)b->q, out + 4);
}

static void put_q5_1(const rsn_block *b, uint8_t *out) {
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    rsn_store_u16(out + 2, rsn_f16_from_f32(-b->dmin));
    put_fifth_bits((const uint8_t *)b->q, out + 4);
    put_nibbles_of_32((const uint8_t *)b->q, out + 8);
}

#endif
