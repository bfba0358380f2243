/* What all encoders share. Floats that a block cannot hold: NaN or infinity in a block
 * makes all of it decode to NaN; a scale too large for a half becomes the largest half,
 * so that finite weights always decode to finite ones. */
#ifndef REASON_QUANT_ENCODE_H
#define REASON_QUANT_ENCODE_H

#include <float.h>
#include <stddef.h>

#include "quant/half.h"

#define RSN_HALF_NAN 0x7E00u
#define RSN_HALF_MAX 65504.0f

/* The largest magnitude as bits: ordered like numbers, infinity and NaN above all. */
static inline uint32_t rsn_top_bits(const float *x, size_t n) {
    uint32_t top = 0, lanes[4] = {0};
    for (; n >= 4; x += 4, n -= 4)
        for (size_t l = 0; l < 4; l++) {
            uint32_t bits = rsn_float_bits(x[l]) & 0x7FFFFFFFu;
            lanes[l] = bits > lanes[l] ? bits : lanes[l];
        }
    for (size_t l = 0; l < 4; l++) {
        uint32_t bits = l < n ? rsn_float_bits(x[l]) & 0x7FFFFFFFu : 0;
        bits = bits > lanes[l] ? bits : lanes[l];
        top = bits > top ? bits : top;
    }
    return top;
}

static inline bool rsn_all_finite(const float *x, size_t n) {
    return rsn_top_bits(x, n) < 0x7F800000u;
}

static inline float rsn_clamp(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

/* What to multiply by instead of dividing by a scale; 0 where that is 0 or so small that
 * the inverse is not finite: as a half it is 0 too, so codes do not matter. */
static inline float rsn_inverse(float scale) {
    float inverse = scale != 0 ? 1.0f / scale : 0.0f;
    return inverse >= -FLT_MAX && inverse <= FLT_MAX ? inverse : 0.0f;
}

/* Ties away from zero, as the published encoders have it; |x| must be far below 2^31. */
static inline int rsn_round_away(float x) {
    int whole = (int)x;
    float rest = x - (float)whole; /* exact */
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

static inline void rsn_store_u16(void *p, uint16_t h) {
    memcpy(p, &h, sizeof h);
}

/* rsn_quant_STEM_encode() for whole rows, of a file's own encode_STEM() for a block. */
#define RSN_DEFINE_ENCODER(stem, elems, bytes)                                           \
    void rsn_quant_##stem##_encode(const float *src, const float *importance, void *dst, \
                                   size_t n) {                                           \
        uint8_t *out = dst;                                                              \
        (void)importance;                                                                \
        for (size_t i = 0; i + (elems) <= n; i += (elems), out += (bytes))               \
            encode_##stem(src + i, out);                                                 \
    }

#endif
