/* Writes TQ1_0, TQ2_0 and I2_S. TQ blocks take the largest magnitude as their scale and
 * round every weight to -1, 0 or 1 times it, as published. Invariant: two-bit code 3 is
 * never written. */
#include "quant/codecs.h"
#include "quant/encode.h"

enum { BLOCK = 256 };

/* Codes 0, 1, 2 of 256 weights; returns the scale's half. */
static uint16_t fit_ternary(const float *x, uint8_t *codes) {
    memset(codes, 1, BLOCK);
    if (!rsn_all_finite(x, BLOCK)) return RSN_HALF_NAN;
    float scale = rsn_float_from_bits(rsn_top_bits(x, BLOCK));
    scale = rsn_clamp(scale, 0, RSN_HALF_MAX);
    float inverse = rsn_inverse(scale);
    for (size_t j = 0; j < BLOCK; j++)
        codes[j] = (uint8_t)(rsn_round_away(rsn_clamp(x[j] * inverse, -1, 1)) + 1);
    return rsn_f16_from_f32(scale);
}

/* n_digits codes a byte, as a number of five digits of base 3 whose missing last ones are
 * 0, scaled from 243 to 256 and rounded up so that cutting gives the digits back. Code
 * n * n_bytes + m is digit n of byte m. */
static void put_digits(const uint8_t *codes, size_t n_bytes, size_t n_digits,
                       uint8_t *out) {
    for (size_t m = 0; m < n_bytes; m++) {
        unsigned number = 0;
        for (size_t n = 0; n < 5; n++)
            number = 3 * number + (n < n_digits ? codes[n * n_bytes + m] : 0);
        out[m] = (uint8_t)((number * 256 + 242) / 243);
    }
}

static void encode_tq1_0(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    rsn_store_u16(out + 52, fit_ternary(x, codes));
    put_digits(codes, 32, 5, out);
    put_digits(codes + 160, 16, 5, out + 32);
    put_digits(codes + 240, 4, 4, out + 48);
}

static void encode_tq2_0(const float *x, uint8_t *out) {
    uint8_t codes[BLOCK];
    memset(out, 0, 64);
    rsn_store_u16(out + 64, fit_ternary(x, codes));
    for (size_t i = 0; i < BLOCK; i++)
        out[i / 128 * 32 + i % 32] |= (uint8_t)(codes[i] << (i % 128 / 32 * 2));
}

/* Weights are those of the tensor divided by its scale. There is no NaN here, it becomes
 * 0; whoever writes the scale makes that NaN. */
static void put_i2_s(const float *x, size_t width, uint8_t *out) {
    memset(out, 0, width);
    for (size_t i = 0; i < 4 * width; i++) {
        int code = x[i] >= 0.5f ? 2 : x[i] <= -0.5f ? 0 : 1;
        out[i % width] |= (uint8_t)(code << (6 - i / width * 2));
    }
}

void rsn_i2_s_put_codes(const uint8_t *codes, size_t n, uint8_t *out) {
    for (size_t at = 0; at + 128 <= n; at += 128, out += 32)
        for (size_t i = 0; i < 32; i++)
            out[i] = (uint8_t)(codes[at + i] << 6 | codes[at + 32 + i] << 4 |
                               codes[at + 64 + i] << 2 | codes[at + 96 + i]);
}

static void encode_i2_s(const float *x, uint8_t *out) {
    put_i2_s(x, 32, out);
}

static void encode_i2_s_b(const float *x, uint8_t *out) {
    put_i2_s(x, 16, out);
}

RSN_DEFINE_ENCODER(tq1_0, 256, 54)
RSN_DEFINE_ENCODER(tq2_0, 256, 66)
RSN_DEFINE_ENCODER(i2_s, 128, 32)
RSN_DEFINE_ENCODER(i2_s_b, 64, 16)
