/* Products of F32, F16 and BF16 weights in plain C: the definition that the other
 * instruction sets are tested against, and what runs on CPUs without one of them.
 * Invariant: the order of table.h; a segment's weights of ROWS rows are decoded once for
 * all tokens. */
#include "kernels/mathf.h"
#include "kernels/product.h"
#include "quant/half.h"

enum { ROWS = 8, SEGMENT = RSN_FLOAT_SEGMENT };

typedef struct weights {
    rsn_type type;
    const uint8_t *w;
    size_t stride, n_rows;
} weights;

static float decode(rsn_type type, const uint8_t *p) {
    float x;
    if (type == RSN_TYPE_F16) return rsn_f16_to_f32(rsn_load_u16(p));
    if (type == RSN_TYPE_BF16) return rsn_bf16_to_f32(rsn_load_u16(p));
    memcpy(&x, p, sizeof x);
    return x;
}

/* panel[k][r] = weight at + k of row r, for n of them; zeros where there is no row. */
static void unpack(weights w, size_t at, size_t n, float panel[][ROWS]) {
    const size_t bytes = w.type == RSN_TYPE_F32 ? 4 : 2;
    memset(panel, 0, n * sizeof *panel);
    for (size_t r = 0; r < w.n_rows; r++) {
        const uint8_t *row = w.w + r * w.stride + at * bytes;
        for (size_t k = 0; k < n; k++) panel[k][r] = decode(w.type, row + k * bytes);
    }
}

/* sums[r] = the chain of row r's n products. */
static void multiply_token(float panel[][ROWS], size_t n, const float *x, float *sums) {
    float s[ROWS] = {0};
    for (size_t k = 0; k < n; k++) {
        for (size_t r = 0; r < ROWS; r++) s[r] = rsn_fmaf(panel[k][r], x[k], s[r]);
    }
    memcpy(sums, s, sizeof s);
}

/* At most ROWS rows. */
static void multiply_rows(weights w, size_t k, const uint8_t *x, size_t x_stride,
                          size_t n_tokens, float *out, size_t out_stride) {
    for (size_t t = 0; t < n_tokens; t++) {
        for (size_t r = 0; r < w.n_rows; r++) out[t * out_stride + r] = 0;
    }
    for (size_t at = 0; at < k; at += SEGMENT) {
        float panel[SEGMENT][ROWS], sums[ROWS];
        const size_t n = k - at < SEGMENT ? k - at : SEGMENT;
        unpack(w, at, n, panel);
        for (size_t t = 0; t < n_tokens; t++) {
            multiply_token(panel, n, (const float *)(const void *)(x + t * x_stride) + at,
                           sums);
            for (size_t r = 0; r < w.n_rows; r++) out[t * out_stride + r] += sums[r];
        }
    }
}

static void multiply(rsn_type type, size_t k, const uint8_t *w, size_t w_stride,
                     size_t n_rows, const uint8_t *x, size_t x_stride, size_t n_tokens,
                     float *out, size_t out_stride) {
    for (size_t r = 0; r < n_rows; r += ROWS) {
        size_t n = n_rows - r < ROWS ? n_rows - r : ROWS;
        multiply_rows((weights){type, w + r * w_stride, w_stride, n}, k, x, x_stride,
                      n_tokens, out + r, out_stride);
    }
}

#define DEFINE_PRODUCT(isa, type, stem)                                                  \
    void rsn_product_##stem##_##isa(                                                     \
        size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,          \
        size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {               \
        multiply(RSN_TYPE_##type, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,    \
                 out_stride);                                                            \
    }

RSN_FLOAT_TYPES(DEFINE_PRODUCT, generic)
