/* Writes IQ4_NL and IQ4_XS: the integers are fit.h's, here they become codes again, the
 * inverse of iq4.c. Part of encode_impl.h. */
#ifndef REASON_QUANT_IQ4_ENCODE_H
#define REASON_QUANT_IQ4_ENCODE_H

#include "quant/codecs.h"
#include "quant/fit.h"

enum { GROUP = 32 };

static unsigned code_of(int value) {
    unsigned code = 0;
    while (code < 15 && rsn_iq4_values[code] < value) code++;
    return code;
}

static void put_codes(const int8_t *q, uint8_t *out) {
    for (unsigned j = 0; j < GROUP / 2; j++)
        out[j] = (uint8_t)(code_of(q[j]) | code_of(q[j + GROUP / 2]) << 4);
}

static void put_iq4_nl(const rsn_block *b, uint8_t *out) {
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    put_codes(b->q, out + 2);
}

static void put_iq4_xs(const rsn_block *b, uint8_t *out) {
    unsigned high = 0;
    memset(out + 4, 0, 4);
    for (unsigned g = 0; g < 8; g++) {
        unsigned scale = (unsigned)(b->scale[g] + 32);
        out[4 + g / 2] |= (uint8_t)((scale & 15) << (g % 2 * 4));
        high |= scale >> 4 << (2 * g);
        put_codes(b->q + GROUP * g, out + 8 + GROUP / 2 * g);
    }
    rsn_store_u16(out, rsn_f16_from_f32(b->d));
    rsn_store_u16(out + 2, (uint16_t)high);
}

#endif
