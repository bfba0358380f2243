/* Owns the K-quants: 256 weights in groups of 16 or 32, each group with a small integer
 * scale (and minimum, in Q2_K, Q4_K, Q5_K) that multiplies the block's one or two
 * half-precision floats. Layouts: docs/FORMATS.md. */
#include <string.h>

#include "quant/codecs.h"
#include "quant/half.h"

enum { ELEMS = RSN_BLOCK_ELEMS };

static float load_f16(const uint8_t *p) {
    return rsn_f16_to_f32(rsn_load_u16(p));
}

static void clear_min(rsn_block *block) {
    block->dmin = 0;
    memset(block->min, 0, sizeof block->min);
}

/* Weight i of the types with two bits in `qs`: byte 32 (i / 128) + i % 32 has it in the
 * pair of bits number i % 128 / 32. */
static int two_bits(const uint8_t *qs, unsigned i) {
    return qs[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

void rsn_quant_q2_k_expand(const void *src, rsn_block *block) {
    const uint8_t *scales = src, *qs = scales + 16;
    block->d = load_f16(scales + 80);
    block->dmin = load_f16(scales + 82);
    for (unsigned g = 0; g < 16; g++) {
        block->scale[g] = scales[g] & 15;
        block->min[g] = scales[g] >> 4;
    }
    for (unsigned i = 0; i < ELEMS; i++) block->q[i] = (int8_t)two_bits(qs, i);
}

/* A set bit of `high` adds 4 to the two bits, and all weights are moved down by 4. */
void rsn_quant_q3_k_expand(const void *src, rsn_block *block) {
    const uint8_t *high = src, *qs = high + 32, *scales = high + 96;
    clear_min(block);
    block->d = load_f16(high + 108);
    for (unsigned g = 0; g < 16; g++) {
        int low = g < 8 ? scales[g] & 15 : scales[g - 8] >> 4;
        int top = scales[8 + g % 4] >> (g / 4 * 2) & 3;
        block->scale[g] = (int16_t)((low | top << 4) - 32);
    }
    for (unsigned i = 0; i < ELEMS; i++) {
        int bit = high[i % 32] >> (i / 32) & 1;
        block->q[i] = (int8_t)(two_bits(qs, i) + 4 * bit - 4);
    }
}

/* Eight scales and eight minimums of 6 bits in 12 bytes. */
static void expand_packed(const uint8_t *s, rsn_block *block) {
    for (unsigned g = 0; g < 4; g++) {
        block->scale[g] = s[g] & 63;
        block->min[g] = s[g + 4] & 63;
        block->scale[g + 4] = (int16_t)((s[g + 8] & 15) | s[g] >> 6 << 4);
        block->min[g + 4] = (int16_t)(s[g + 8] >> 4 | s[g + 4] >> 6 << 4);
    }
}

void rsn_quant_q4_k_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src, *qs = in + 16;
    block->d = load_f16(in);
    block->dmin = load_f16(in + 2);
    expand_packed(in + 4, block);
    for (unsigned i = 0; i < ELEMS; i++)
        block->q[i] = (int8_t)(qs[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15);
}

void rsn_quant_q5_k_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src, *high = in + 16, *qs = in + 48;
    block->d = load_f16(in);
    block->dmin = load_f16(in + 2);
    expand_packed(in + 4, block);
    for (unsigned i = 0; i < ELEMS; i++) {
        int low = qs[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
        block->q[i] = (int8_t)(low | (high[i % 32] >> (i / 32) & 1) << 4);
    }
}

void rsn_quant_q6_k_expand(const void *src, rsn_block *block) {
    const uint8_t *low = src, *high = low + 128, *scales = low + 192;
    clear_min(block);
    block->d = load_f16(low + 208);
    for (unsigned g = 0; g < 16; g++) block->scale[g] = (int8_t)scales[g];
    for (unsigned i = 0; i < ELEMS; i++) {
        unsigned half = i / 128, r = i % 128;
        int four = low[64 * half + r % 64] >> (r / 64 * 4) & 15;
        int two = high[32 * half + r % 32] >> (r / 32 * 2) & 3;
        block->q[i] = (int8_t)((four | two << 4) - 32);
    }
}
