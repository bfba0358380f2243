/* The quantizing of activations; q8.h has the layouts. The includer defines
 *
 *     QUANTIZE_NAME(x)   x with the level appended
 *     top_bits()         the largest magnitude of n values as bits: ordered like numbers,
 *                        NaN above all
 *     round_values()     writes n values times a factor, to nearest, ties to even, and
 *                        returns their sum */

void QUANTIZE_NAME(rsn_quantize_q8)(const float *x, size_t k, void *out) {
    int8_t *q = out;
    float *scales = (float *)out + rsn_q8_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_sums_at(k) / sizeof(int32_t);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_32, k));
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, x += RSN_Q8_BLOCK, q += RSN_Q8_BLOCK) {
        float inverse;
        scales[b] = rsn_q8_scale(top_bits(x, RSN_Q8_BLOCK), &inverse);
        if (inverse != 0) sums[b] = round_values(x, RSN_Q8_BLOCK, inverse, q);
    }
}

/* One block of n values, whose scale is chosen: the values and what is known of their
 * sums. */
static void quantize_block(const float *x, size_t n, float inverse, int8_t *q,
                           int32_t *total, uint8_t *digits) {
    int32_t sums[16] = {0};
    for (size_t g = 0; inverse != 0 && 16 * g < n; g++) {
        size_t size = n - 16 * g < 16 ? n - 16 * g : 16;
        sums[g] = round_values(x + 16 * g, size, inverse, q + 16 * g);
    }
    *total = 0;
    for (size_t g = 0; g < 16; g++) {
        uint32_t moved = (uint32_t)(sums[g] + 2048);
        digits[g] = (uint8_t)(moved >> 5);
        digits[16 + g] = moved & 31;
        *total += sums[g];
    }
    for (size_t g = 0; g < 8; g++) {
        uint32_t moved = (uint32_t)(sums[2 * g] + sums[2 * g + 1] + 4096);
        digits[32 + g] = (uint8_t)(moved >> 6);
        digits[40 + g] = moved & 63;
    }
}

/* Block `at` of a row of k: its n values and scale, and their part of the row's sum. */
static void put_block(const float *x, size_t k, size_t at, size_t n, float scale,
                      float inverse, void *out) {
    uint8_t *bytes = out;
    float *scales = (float *)out + rsn_q8_256_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_256_sums_at(k) / sizeof(int32_t);
    int32_t *total = &sums[rsn_q8_256_blocks(k)];
    size_t b = at / RSN_Q8_256_BLOCK;
    scales[b] = scale;
    quantize_block(x, n, inverse, (int8_t *)bytes + at, &sums[b],
                   bytes + rsn_q8_256_digits_at(k) + b * RSN_Q8_256_DIGITS);
    *total = (int32_t)((uint32_t)*total + (uint32_t)sums[b]);
}

/* Values of a block at `at` of a row of k. */
static size_t block_size(size_t k, size_t at) {
    return k - at < RSN_Q8_256_BLOCK ? k - at : RSN_Q8_256_BLOCK;
}

void QUANTIZE_NAME(rsn_quantize_q8_256)(const float *x, size_t k, void *out) {
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_256, k));
    for (size_t at = 0; at < k; at += RSN_Q8_256_BLOCK) {
        size_t n = block_size(k, at);
        float inverse, scale = rsn_q8_scale(top_bits(x + at, n), &inverse);
        put_block(x + at, k, at, n, scale, inverse, out);
    }
}

void QUANTIZE_NAME(rsn_quantize_q8_row)(const float *x, size_t k, void *out) {
    uint32_t top = top_bits(x, k), least = rsn_float_bits(RSN_Q8_ROW_LEAST);
    float inverse, scale = rsn_q8_scale(top > least ? top : least, &inverse);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    for (size_t at = 0; at < k; at += RSN_Q8_256_BLOCK) {
        put_block(x + at, k, at, block_size(k, at), scale, inverse, out);
    }
}

/* Values are multiplied and clipped first, and rounded as they are then: the largest of a
 * long row are too many times the mean to be rounded before. */
void QUANTIZE_NAME(rsn_quantize_q4_row)(const float *x, size_t k, void *out) {
    float clipped[RSN_Q8_256_BLOCK], mean = 0, inverse;
    if (k > 0) mean = QUANTIZE_NAME(rsn_sum_magnitudes)(x, k) / (float)k;
    float scale = rsn_q4_scale(mean, &inverse);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    for (size_t at = 0; at < k; at += RSN_Q8_256_BLOCK) {
        size_t n = block_size(k, at);
        QUANTIZE_NAME(rsn_scale_clipped)(x + at, inverse, -8, 7, clipped, n);
        put_block(clipped, k, at, n, scale, inverse == 0 ? 0 : 1, out);
    }
}
