/* Products of F32, F16 and BF16 weights in plain C: the definition that the other
 * instruction sets are tested against, and what runs on CPUs without one of them. Q8_0 is
 * in product_blocks_*.c. Invariant: the order of table.h; weights are decoded once for
 * TOKENS tokens. */
#include "kernels/product.h"
#include "quant/half.h"

enum { LANES = 16, TOKENS = 8, SEGMENT = 256 };

typedef void (*decode_fn)(const uint8_t *src, float *dst, size_t n);

static void decode_f32(const uint8_t *src, float *dst, size_t n) {
    memcpy(dst, src, n * sizeof *dst);
}

static void decode_f16(const uint8_t *src, float *dst, size_t n) {
    for (size_t i = 0; i < n; i++) dst[i] = rsn_f16_to_f32(rsn_load_u16(src + 2 * i));
}

static void decode_bf16(const uint8_t *src, float *dst, size_t n) {
    for (size_t i = 0; i < n; i++) dst[i] = rsn_bf16_to_f32(rsn_load_u16(src + 2 * i));
}

/* Goes on with the 16 sums; the first of the n elements belongs to lane 0. */
static void accumulate(const float *w, const float *x, size_t n, float *sums) {
    float s[LANES];
    size_t i = 0;
    memcpy(s, sums, sizeof s);
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) s[j] += w[i + j] * x[i + j];
    }
    for (; i < n; i++) s[i % LANES] += w[i] * x[i];
    memcpy(sums, s, sizeof s);
}

static float fold(const float *sums) {
    float s[LANES / 2];
    for (size_t j = 0; j < 8; j++) s[j] = sums[j] + sums[j + 8];
    for (size_t j = 0; j < 4; j++) s[j] += s[j + 4];
    for (size_t j = 0; j < 2; j++) s[j] += s[j + 2];
    return s[0] + s[1];
}

static void multiply(decode_fn decode, size_t weight_bytes, size_t k, const uint8_t *w,
                     size_t w_stride, size_t n_rows, const uint8_t *x, size_t x_stride,
                     size_t n_tokens, float *out, size_t out_stride) {
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t t0 = 0; t0 < n_tokens; t0 += TOKENS) {
            size_t n_t = n_tokens - t0 < TOKENS ? n_tokens - t0 : TOKENS;
            float sums[TOKENS][LANES] = {{0}}, weights[SEGMENT];
            for (size_t i = 0; i < k; i += SEGMENT) {
                size_t n = k - i < SEGMENT ? k - i : SEGMENT;
                decode(w + r * w_stride + i * weight_bytes, weights, n);
                for (size_t t = 0; t < n_t; t++) {
                    const void *row = x + (t0 + t) * x_stride;
                    accumulate(weights, (const float *)row + i, n, sums[t]);
                }
            }
            for (size_t t = 0; t < n_t; t++)
                out[(t0 + t) * out_stride + r] = fold(sums[t]);
        }
    }
}

void rsn_product_f32_generic(size_t k, const void *w, size_t w_stride, size_t n_rows,
                             const void *x, size_t x_stride, size_t n_tokens, float *out,
                             size_t out_stride) {
    multiply(decode_f32, 4, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,
             out_stride);
}

void rsn_product_f16_generic(size_t k, const void *w, size_t w_stride, size_t n_rows,
                             const void *x, size_t x_stride, size_t n_tokens, float *out,
                             size_t out_stride) {
    multiply(decode_f16, 2, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,
             out_stride);
}

void rsn_product_bf16_generic(size_t k, const void *w, size_t w_stride, size_t n_rows,
                              const void *x, size_t x_stride, size_t n_tokens, float *out,
                              size_t out_stride) {
    multiply(decode_bf16, 2, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,
             out_stride);
}

float rsn_dot_f32_generic(const float *a, const float *b, size_t n) {
    float out;
    rsn_product_f32_generic(n, a, 0, 1, b, 0, 1, &out, 1);
    return out;
}

float rsn_dot_f16_generic(const uint16_t *a, const float *b, size_t n) {
    float out;
    rsn_product_f16_generic(n, a, 0, 1, b, 0, 1, &out, 1);
    return out;
}
