/* Owns the types without blocks: F32, F16, BF16. What a number means is in half.h; the
 * table is in types.c. Invariant: decoding is exact, encoding rounds to nearest even. */
#include "quant/codecs.h"
#include "quant/half.h"

#if defined(__BYTE_ORDER__)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "weights are used as they lie in files, lowest byte first");
#endif

void rsn_quant_f32_decode(const void *src, float *dst, size_t n) {
    if (n) memcpy(dst, src, n * sizeof *dst);
}

RSN_ENCODER(rsn_quant_f32_encode) {
    (void)importance;
    if (n) memcpy(dst, src, n * sizeof *src);
}

void rsn_quant_f16_decode(const void *src, float *dst, size_t n) {
    const uint8_t *in = src;
    for (size_t i = 0; i < n; i++) dst[i] = rsn_f16_to_f32(rsn_load_u16(in + 2 * i));
}

RSN_ENCODER(rsn_quant_f16_encode) {
    (void)importance;
    uint8_t *out = dst;
    for (size_t i = 0; i < n; i++) {
        uint16_t h = rsn_f16_from_f32(src[i]);
        memcpy(out + 2 * i, &h, sizeof h);
    }
}

void rsn_quant_bf16_decode(const void *src, float *dst, size_t n) {
    const uint8_t *in = src;
    for (size_t i = 0; i < n; i++) dst[i] = rsn_bf16_to_f32(rsn_load_u16(in + 2 * i));
}

RSN_ENCODER(rsn_quant_bf16_encode) {
    (void)importance;
    uint8_t *out = dst;
    for (size_t i = 0; i < n; i++) {
        uint16_t h = rsn_bf16_from_f32(src[i]);
        memcpy(out + 2 * i, &h, sizeof h);
    }
}
