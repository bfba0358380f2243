/* Writes IQ4_NL and IQ4_XS: the integers are fit.c's, here they become codes again, the
 * inverse of iq4.c. */
#include "quant/codecs.h"
#include "quant/encode.h"
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

static void encode_iq4_nl(const float *x, uint8_t *out) {
    static const rsn_fit_shape shape = {GROUP, GROUP, -127, 113, rsn_iq4_values, 1, 1};
    rsn_block b;
    rsn_fit_scales(x, &shape, &b);
    rsn_store_u16(out, rsn_f16_from_f32(b.d));
    put_codes(b.q, out + 2);
}

static void encode_iq4_xs(const float *x, uint8_t *out) {
    static const rsn_fit_shape shape = {RSN_BLOCK_ELEMS, GROUP, -127, 113,
                                        rsn_iq4_values,  -32,   31};
    rsn_block b;
    unsigned high = 0;
    rsn_fit_scales(x, &shape, &b);
    memset(out + 4, 0, 4);
    for (unsigned g = 0; g < 8; g++) {
        unsigned scale = (unsigned)(b.scale[g] + 32);
        out[4 + g / 2] |= (uint8_t)((scale & 15) << (g % 2 * 4));
        high |= scale >> 4 << (2 * g);
        put_codes(b.q + GROUP * g, out + 8 + GROUP / 2 * g);
    }
    rsn_store_u16(out, rsn_f16_from_f32(b.d));
    rsn_store_u16(out + 2, (uint16_t)high);
}

RSN_DEFINE_ENCODER(iq4_nl, GROUP, 18)
RSN_DEFINE_ENCODER(iq4_xs, RSN_BLOCK_ELEMS, 136)
