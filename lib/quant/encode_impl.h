/* Encoders of the types whose scales are searched, and of the types of 32 beside them,
 * for one instruction set. The includer defines ENCODE_NAME(stem), the functions' names;
 * every set gives the same bytes. */
#include "quant/iq4_encode.h"
#include "quant/kquants_encode.h"
#include "quant/legacy_encode.h"
#include "quant/q8_0_encode.h"

/* Rows of fitted blocks. */
static void encode_fitted(const float *x, const float *importance, size_t n,
                          const rsn_fit_shape *s, bool has_min,
                          void (*put)(const rsn_block *, uint8_t *), size_t block_bytes,
                          uint8_t *out) {
    const size_t elems = (size_t)s->elems;
    const size_t most = (size_t)(FIT_LANES * s->group_elems / s->elems);
    const float spread = importance ? fit_spread(x, n) : 0;
    rsn_block blocks[FIT_LANES];
    for (size_t i = 0; i + elems <= n;) {
        size_t left = (n - i) / elems, take = left < most ? left : most;
        fit_blocks(x + i, importance ? importance + i : NULL, spread, s, has_min,
                   (int)take, blocks);
        for (size_t b = 0; b < take; b++, out += block_bytes)
            put(&blocks[b], out);
        i += take * elems;
    }
}

#define FITTED(stem, bytes, has_min, ...)                                                \
    void ENCODE_NAME(stem)(const float *x, const float *importance, void *out,           \
                           size_t n) {                                                   \
        static const rsn_fit_shape shape = {__VA_ARGS__};                                \
        encode_fitted(x, importance, n, &shape, has_min, put_##stem, bytes, out);        \
    }

/* Fitted where weights differ in importance; else as published. */
#define PUBLISHED(stem, bytes, has_min, ...)                                             \
    void ENCODE_NAME(stem)(const float *x, const float *importance, void *out,           \
                           size_t n) {                                                   \
        static const rsn_fit_shape shape = {__VA_ARGS__};                                \
        uint8_t *to = out;                                                               \
        if (importance)                                                                  \
            encode_fitted(x, importance, n, &shape, has_min, put_##stem, bytes, to);     \
        else                                                                             \
            for (size_t i = 0; i + 32 <= n; i += 32, to += (bytes))                      \
                encode_##stem(x + i, to);                                                \
    }

FITTED(q2_k, 84, true, 256, 16, 0, 3, false, 0, 15, false)
FITTED(q3_k, 110, false, 256, 16, -4, 3, false, -32, 31, false)
FITTED(q4_k, 144, true, 256, 32, 0, 15, false, 0, 63, false)
FITTED(q5_k, 176, true, 256, 32, 0, 31, false, 0, 63, false)
FITTED(q6_k, 210, false, 256, 16, -32, 31, false, -128, 127, false)
FITTED(iq4_nl, 18, false, 32, 32, -127, 113, true, 1, 1, false)
FITTED(iq4_xs, 136, false, 256, 32, -127, 113, true, -32, 31, false)
PUBLISHED(q4_0, 18, false, 32, 32, -8, 7, false, 1, 1, false)
PUBLISHED(q4_1, 20, true, 32, 32, 0, 15, false, 1, 1, true)
PUBLISHED(q5_0, 22, false, 32, 32, -16, 15, false, 1, 1, false)
PUBLISHED(q5_1, 24, true, 32, 32, 0, 31, false, 1, 1, true)

/* A byte a weight: importance would move it by less than a step. */
void ENCODE_NAME(q8_0)(const float *x, const float *importance, void *out, size_t n) {
    uint8_t *to = out;
    (void)importance;
    for (size_t i = 0; i + 32 <= n; i += 32, to += 34)
        encode_q8_0(x + i, to);
}
