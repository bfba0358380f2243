/* Writes Q8_0, the inverse of q8_0.c. Part of encode_impl.h. */
#ifndef REASON_QUANT_Q8_0_ENCODE_H
#define REASON_QUANT_Q8_0_ENCODE_H

#include "quant/encode.h"

static void encode_q8_0(const float *x, uint8_t *out) {
    if (!rsn_all_finite(x, 32)) {
        memset(out, 0, 34);
        rsn_store_u16(out, RSN_HALF_NAN);
        return;
    }
    float scale = rsn_float_from_bits(rsn_top_bits(x, 32)) / 127.0f;
    scale = rsn_clamp(scale, 0, RSN_HALF_MAX);
    float inverse = rsn_inverse(scale);
    rsn_store_u16(out, rsn_f16_from_f32(scale));
    for (size_t j = 0; j < 32; j++)
        out[2 + j] = (uint8_t)rsn_round_away(rsn_clamp(x[j] * inverse, -127, 127));
}

#endif
