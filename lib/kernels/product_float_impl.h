/* Products of F32, F16 and BF16 weights, written in the lanes of the header included
 * before (lanes_<isa>.h). The includer defines
 *
 *     LANES_NAME(x)              x with the instruction set appended
 *     TILE_ROWS, TILE_TOKENS     outputs computed at once with several tokens
 *     SINGLE_ROWS                rows computed at once with one token, >= TILE_ROWS
 *
 * Invariant: an output's additions come in the order of table.h whatever the tile. */

RSN_INLINE lanes load_weights(rsn_type type, const uint8_t *p) {
    switch (type) {
    case RSN_TYPE_F32: return load_f32(p);
    case RSN_TYPE_F16: return load_f16(p);
    default: return load_bf16(p);
    }
}

RSN_INLINE size_t weight_bytes(rsn_type type) {
    return type == RSN_TYPE_F32 ? 4 : 2;
}

/* The last n < 16 products of a row, then zeros. Adding those too changes nothing: lanes
 * start at +0, so no sum is ever -0. Not inlined, as it would be once for every output of
 * a tile. */
RSN_NOINLINE void multiply_last(rsn_type type, const uint8_t *w, const uint8_t *x,
                                size_t n, float *out) {
    uint8_t last_w[64] = {0}, last_x[64] = {0};
    memcpy(last_w, w, n * weight_bytes(type));
    memcpy(last_x, x, n * sizeof(float));
    store_f32(out, mul(load_weights(type, last_w), load_f32(last_x)));
}

/* `ahead`: also brings the next n_rows rows into the cache. */
RSN_INLINE void multiply_tile(rsn_type type, bool ahead, size_t n_rows, size_t n_tokens,
                              size_t k, const uint8_t *w, size_t w_stride,
                              const uint8_t *x, size_t x_stride, float *out,
                              size_t out_stride) {
    const size_t step_bytes = 16 * n_rows * weight_bytes(type);
    lanes sum[SINGLE_ROWS * TILE_TOKENS], token[TILE_TOKENS];
    RSN_UNROLL
    for (size_t i = 0; i < n_rows * n_tokens; i++) sum[i] = fill_lanes(0);
    size_t at = 0;
    for (; at + 16 <= k; at += 16) {
        if (ahead)
            prefetch_bytes(w, n_rows * w_stride + at / 16 * step_bytes, step_bytes);
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++)
            token[t] = load_f32(x + t * x_stride + 4 * at);
        RSN_UNROLL
        for (size_t r = 0; r < n_rows; r++) {
            lanes row = load_weights(type, w + r * w_stride + at * weight_bytes(type));
            RSN_UNROLL
            for (size_t t = 0; t < n_tokens; t++) {
                sum[r * n_tokens + t] = add(sum[r * n_tokens + t], mul(row, token[t]));
            }
        }
    }
    if (at < k) {
        RSN_UNROLL
        for (size_t i = 0; i < n_rows * n_tokens; i++) {
            size_t r = i / n_tokens, t = i % n_tokens;
            float last[16];
            multiply_last(type, w + r * w_stride + at * weight_bytes(type),
                          x + t * x_stride + 4 * at, k - at, last);
            sum[i] = add(sum[i], load_f32(last));
        }
    }
    RSN_UNROLL
    for (size_t i = 0; i < n_rows * n_tokens; i++) {
        out[i % n_tokens * out_stride + i / n_tokens] = fold_sum(sum[i]);
    }
}

RSN_INLINE void multiply_rows(rsn_type type, size_t n_rows, size_t k, const uint8_t *w,
                              size_t w_stride, const uint8_t *x, size_t x_stride,
                              size_t n_tokens, float *out, size_t out_stride) {
    size_t t = 0;
    for (; t + TILE_TOKENS <= n_tokens; t += TILE_TOKENS) {
        multiply_tile(type, t == 0, n_rows, TILE_TOKENS, k, w, w_stride, x + t * x_stride,
                      x_stride, out + t * out_stride, out_stride);
    }
    for (; t < n_tokens; t++) {
        multiply_tile(type, t == 0, n_rows, 1, k, w, w_stride, x + t * x_stride, x_stride,
                      out + t * out_stride, out_stride);
    }
}

RSN_INLINE void multiply(rsn_type type, size_t k, const uint8_t *w, size_t w_stride,
                         size_t n_rows, const uint8_t *x, size_t x_stride,
                         size_t n_tokens, float *out, size_t out_stride) {
    size_t r = 0;
    if (n_tokens == 1) {
        for (; r + SINGLE_ROWS <= n_rows; r += SINGLE_ROWS) {
            multiply_tile(type, true, SINGLE_ROWS, 1, k, w + r * w_stride, w_stride, x,
                          x_stride, out + r, out_stride);
        }
    }
    for (; r + TILE_ROWS <= n_rows; r += TILE_ROWS) {
        multiply_rows(type, TILE_ROWS, k, w + r * w_stride, w_stride, x, x_stride,
                      n_tokens, out + r, out_stride);
    }
    for (; r < n_rows; r++) {
        multiply_rows(type, 1, k, w + r * w_stride, w_stride, x, x_stride, n_tokens,
                      out + r, out_stride);
    }
}

#define DEFINE_PRODUCT(name, type)                                                       \
    void LANES_NAME(rsn_product_##name)(                                                 \
        size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,          \
        size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {               \
        multiply(type, k, w, w_stride, n_rows, x, x_stride, n_tokens, out, out_stride);  \
    }

DEFINE_PRODUCT(f32, RSN_TYPE_F32)
DEFINE_PRODUCT(f16, RSN_TYPE_F16)
DEFINE_PRODUCT(bf16, RSN_TYPE_BF16)

float LANES_NAME(rsn_dot_f32)(const float *a, const float *b, size_t n) {
    float out;
    LANES_NAME(rsn_product_f32)(n, a, 0, 1, b, 0, 1, &out, 1);
    return out;
}

float LANES_NAME(rsn_dot_f16)(const uint16_t *a, const float *b, size_t n) {
    float out;
    LANES_NAME(rsn_product_f16)(n, a, 0, 1, b, 0, 1, &out, 1);
    return out;
}
