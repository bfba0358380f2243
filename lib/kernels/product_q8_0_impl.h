/* Q8_0 weights times 8-bit activations with rows in lanes: a group of GROUP_ROWS rows is
 * turned so that each register holds four weights of every row, and serves TILE_TOKENS
 * tokens; the float step of a block is then one vector operation for the whole group. The
 * includer defines
 *
 *     GROUP_ROWS, TILE_TOKENS
 *     GROUP_PRODUCT                             the name of the function
 *     GROUP_FALLBACK, leave_to_fallback()       the product where this one does not pay
 *     group, load_group()                       one block of all rows
 *     group_floats, zero_group(), load_scales(), add_block(), store_group()
 *
 * Invariant: an output's additions come in the order of table.h whatever the tile. */

/* `ahead`: also brings the next group into the cache. */
RSN_INLINE void multiply_group(bool ahead, size_t n_tokens, size_t k, const uint8_t *w,
                               size_t w_stride, const uint8_t *x, size_t x_stride,
                               float *out, size_t out_stride) {
    const size_t block_bytes = GROUP_ROWS * RSN_Q8_0_BYTES;
    const uint8_t *first = w;
    group_floats sum[TILE_TOKENS];
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) sum[t] = zero_group();
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, w += RSN_Q8_0_BYTES) {
        if (ahead)
            prefetch_bytes(first, GROUP_ROWS * w_stride + b * block_bytes, block_bytes);
        group weights = load_group(w + 2, w_stride);
        group_floats scales = load_scales(w, w_stride);
        RSN_UNROLL
        for (size_t t = 0; t < n_tokens; t++) {
            const uint8_t *row = x + t * x_stride;
            float scale;
            int32_t q_sum;
            memcpy(&scale, row + rsn_q8_scales_at(k) + 4 * b, sizeof scale);
            memcpy(&q_sum, row + rsn_q8_sums_at(k) + 4 * b, sizeof q_sum);
            sum[t] =
                add_block(sum[t], &weights, scales, row + b * RSN_Q8_BLOCK, scale, q_sum);
        }
    }
    RSN_UNROLL
    for (size_t t = 0; t < n_tokens; t++) store_group(out + t * out_stride, sum[t]);
}

static void multiply_tokens(size_t k, const uint8_t *w, size_t w_stride, const uint8_t *x,
                            size_t x_stride, size_t n_tokens, float *out,
                            size_t out_stride) {
    size_t t = 0;
    for (; t + TILE_TOKENS <= n_tokens; t += TILE_TOKENS) {
        multiply_group(t == 0, TILE_TOKENS, k, w, w_stride, x + t * x_stride, x_stride,
                       out + t * out_stride, out_stride);
    }
    for (; TILE_TOKENS > 4 && t + 4 <= n_tokens; t += 4) {
        multiply_group(t == 0, 4, k, w, w_stride, x + t * x_stride, x_stride,
                       out + t * out_stride, out_stride);
    }
    for (; t < n_tokens; t++) {
        multiply_group(t == 0, 1, k, w, w_stride, x + t * x_stride, x_stride,
                       out + t * out_stride, out_stride);
    }
}

void GROUP_PRODUCT(size_t k, const void *w, size_t w_stride, size_t n_rows, const void *x,
                   size_t x_stride, size_t n_tokens, float *out, size_t out_stride) {
    if (n_rows < GROUP_ROWS || leave_to_fallback(w_stride, n_tokens)) {
        GROUP_FALLBACK(k, w, w_stride, n_rows, x, x_stride, n_tokens, out, out_stride);
        return;
    }
    for (size_t r = 0; r < n_rows; r += GROUP_ROWS) {
        /* The last group reaches back over rows that are done; they come out the same
         * again. */
        if (r > n_rows - GROUP_ROWS) r = n_rows - GROUP_ROWS;
        multiply_tokens(k, (const uint8_t *)w + r * w_stride, w_stride, x, x_stride,
                        n_tokens, out + r, out_stride);
    }
}
