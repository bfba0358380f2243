/* Owns the types of three values: TQ1_0 and TQ2_0, 256 weights behind which a
 * half-precision scale lies, and I2_S, whose one scale lies behind the whole tensor and
 * is left to who binds it. A code c stands for c - 1; of two bits, code 3 is used by no
 * encoder and stands for 2 here. */
#include "quant/codecs.h"
#include "quant/half.h"

static void set_floats(rsn_block *block, float d) {
    block->d = d;
    block->dmin = 0;
    block->scale[0] = 1;
    block->min[0] = 0;
}

/* Digit n of a byte that holds digits of base 3 as a fraction of 256, the first one most
 * significant. */
static int8_t digit(uint8_t byte, unsigned n) {
    static const uint8_t POWERS[] = {1, 3, 9, 27, 81};
    uint8_t rest = (uint8_t)(byte * POWERS[n]);
    return (int8_t)((rest * 3 >> 8) - 1);
}

/* n_digits digits of each of n_bytes bytes: first digit 0 of all of them, then digit 1. */
static int8_t *expand_digits(const uint8_t *bytes, unsigned n_bytes, unsigned n_digits,
                             int8_t *q) {
    for (unsigned n = 0; n < n_digits; n++)
        for (unsigned m = 0; m < n_bytes; m++) *q++ = digit(bytes[m], n);
    return q;
}

void rsn_quant_tq1_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in + 52)));
    int8_t *q = expand_digits(in, 32, 5, block->q);
    q = expand_digits(in + 32, 16, 5, q);
    expand_digits(in + 48, 4, 4, q);
}

void rsn_quant_tq2_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in + 64)));
    for (unsigned i = 0; i < 256; i++) {
        int code = in[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        block->q[i] = (int8_t)(code - 1);
    }
}

/* `width` bytes hold 4 * width weights, the first quarter in the highest bits. */
static void expand_i2_s(const uint8_t *in, unsigned width, rsn_block *block) {
    set_floats(block, 1);
    for (unsigned i = 0; i < 4 * width; i++) {
        int code = in[i % width] >> (6 - i / width * 2) & 3;
        block->q[i] = (int8_t)(code - 1);
    }
}

void rsn_quant_i2_s_expand(const void *src, rsn_block *block) {
    expand_i2_s(src, 32, block);
}

void rsn_quant_i2_s_b_expand(const void *src, rsn_block *block) {
    expand_i2_s(src, 16, block);
}
