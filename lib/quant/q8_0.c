/* Owns Q8_0: 32 weights as signed bytes behind one half-precision scale, weight = scale *
 * byte. The product kernels have their own readers and are tested against this one.
 * Invariant: encoding any floats gives bytes in [-127, 127]; files may also hold -128. */
#include "quant/codecs.h"
#include "quant/encode.h"

enum { BLOCK = 32, BLOCK_BYTES = 2 + BLOCK };

void rsn_quant_q8_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    block->d = rsn_f16_to_f32(rsn_load_u16(in));
    block->dmin = 0;
    block->scale[0] = 1;
    block->min[0] = 0;
    memcpy(block->q, in + 2, BLOCK);
}

static void encode_q8_0(const float *x, uint8_t *out) {
    if (!rsn_all_finite(x, BLOCK)) {
        memset(out, 0, BLOCK_BYTES);
        rsn_store_u16(out, RSN_HALF_NAN);
        return;
    }
    float scale = rsn_float_from_bits(rsn_top_bits(x, BLOCK)) / 127.0f;
    scale = rsn_clamp(scale, 0, RSN_HALF_MAX);
    float inverse = rsn_inverse(scale);
    rsn_store_u16(out, rsn_f16_from_f32(scale));
    for (size_t j = 0; j < BLOCK; j++)
        out[2 + j] = (uint8_t)rsn_round_away(rsn_clamp(x[j] * inverse, -127, 127));
}

RSN_DEFINE_ENCODER(q8_0, BLOCK, BLOCK_BYTES)
