/* Owns Q8_0: 32 weights as signed bytes behind one half-precision scale, weight = scale *
 * byte. The product kernels have their own readers and are tested against this one.
 * Invariant: encoding any floats gives bytes in [-127, 127]; files may also hold -128. */
#include <float.h>

#include "quant/codecs.h"
#include "quant/half.h"

enum { BLOCK = 32, BLOCK_BYTES = 2 + BLOCK };

void rsn_quant_q8_0_expand(const void *src, rsn_block *block) {
    const uint8_t *in = src;
    block->d = rsn_f16_to_f32(rsn_load_u16(in));
    block->dmin = 0;
    block->scale[0] = 1;
    block->min[0] = 0;
    memcpy(block->q, in + 2, BLOCK);
}

/* Ties away from zero, as the published encoder has it; |x| must be far below 2^31. */
static int round_away(float x) {
    int whole = (int)x;
    float rest = x - (float)whole; /* exact */
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

static void encode_block(const float *x, uint8_t *out) {
    uint32_t top = 0; /* magnitudes as bits: ordered like numbers, NaN above all */
    for (size_t j = 0; j < BLOCK; j++) {
        uint32_t bits = rsn_float_bits(x[j]) & 0x7FFFFFFFu;
        top = bits > top ? bits : top;
    }
    float scale = rsn_float_from_bits(top) / 127.0f;
    uint16_t half = rsn_f16_from_f32(scale);
    float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    if (top >= 0x7F800000u) { /* NaN or infinity in the block: all of it decodes to NaN */
        half = 0x7E00u;
        inverse = 0;
    } else if (inverse > FLT_MAX) { /* the scale is a subnormal, and 0 as a half */
        inverse = 0;
    }
    memcpy(out, &half, sizeof half);
    for (size_t j = 0; j < BLOCK; j++) {
        int q = inverse > 0 ? round_away(x[j] * inverse) : 0;
        out[2 + j] = (uint8_t)q;
    }
}

void rsn_quant_q8_0_encode(const float *src, void *dst, size_t n) {
    uint8_t *out = dst;
    for (size_t i = 0; i + BLOCK <= n; i += BLOCK, out += BLOCK_BYTES) {
        encode_block(src + i, out);
    }
}
