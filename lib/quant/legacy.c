/* Owns Q4_0, Q4_1, Q5_0 and Q5_1: 32 weights of 4 or 5 bits behind a half-precision
 * scale and, in the _1 types, a half-precision minimum that is added. Byte j of 16 holds
 * the low bits of weight j in its lower half and those of weight j + 16 in its upper one;
 * bit j of a 32-bit word is the fifth bit of weight j. */
#include "quant/codecs.h"
#include "quant/half.h"

enum { HALF = 16 };

static void set_floats(rsn_block *block, float d, float added) {
    block->d = d;
    block->dmin = -added; /* a block's minimum is subtracted */
    block->scale[0] = 1;
    block->min[0] = 1;
}

static void expand_nibbles(const uint8_t *bytes, uint32_t fifth, int offset,
                           rsn_block *block) {
    for (unsigned j = 0; j < HALF; j++) {
        int low = (bytes[j] & 15) | (int)(fifth >> j & 1) << 4;
        int high = bytes[j] >> 4 | (int)(fifth >> (j + HALF) & 1) << 4;
        block->q[j] = (int8_t)(low - offset);
        block->q[j + HALF] = (int8_t)(high - offset);
    }
}

static uint32_t load_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

void rsn_quant_q4_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in)), 0);
    expand_nibbles(in + 2, 0, 8, block);
}

void rsn_quant_q4_1_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in)),
               rsn_f16_to_f32(rsn_load_u16(in + 2)));
    expand_nibbles(in + 4, 0, 0, block);
}

void rsn_quant_q5_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in)), 0);
    expand_nibbles(in + 6, load_u32(in + 2), 16, block);
}

void rsn_quant_q5_1_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    set_floats(block, rsn_f16_to_f32(rsn_load_u16(in)),
               rsn_f16_to_f32(rsn_load_u16(in + 2)));
    expand_nibbles(in + 8, load_u32(in + 4), 0, block);
}
