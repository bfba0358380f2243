/* Owns IQ4_NL and IQ4_XS: 4-bit codes into one fixed table of values that lie closer
 * together near 0. IQ4_NL has 32 weights and a half-precision scale; IQ4_XS 256 with a
 * 6-bit scale for each 32 in addition. */
#include <string.h>

#include "quant/codecs.h"
#include "quant/half.h"

const signed char rsn_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};

static void expand_codes(const uint8_t *bytes, int8_t *q) {
    for (unsigned j = 0; j < 16; j++) {
        q[j] = rsn_iq4_values[bytes[j] & 15];
        q[j + 16] = rsn_iq4_values[bytes[j] >> 4];
    }
}

void rsn_quant_iq4_nl_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    block->d = rsn_f16_to_f32(rsn_load_u16(in));
    block->dmin = 0;
    block->scale[0] = 1;
    block->min[0] = 0;
    expand_codes(in + 2, block->q);
}

void rsn_quant_iq4_xs_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src, *low = in + 4, *qs = in + 8;
    unsigned high = rsn_load_u16(in + 2);
    block->d = rsn_f16_to_f32(rsn_load_u16(in));
    block->dmin = 0;
    memset(block->min, 0, sizeof block->min);
    for (unsigned g = 0; g < 8; g++) {
        int scale = (low[g / 2] >> (g % 2 * 4) & 15) | (int)(high >> (2 * g) & 3) << 4;
        block->scale[g] = (int16_t)(scale - 32);
        expand_codes(qs + 16 * g, block->q + 32 * g);
    }
}
