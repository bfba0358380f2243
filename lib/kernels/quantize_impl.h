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

/* Values [from, to) of a row, `from` a multiple of 256, whose largest magnitude is
 * `top`. */
static void quantize_stretch(const float *x, size_t k, size_t from, size_t to,
                             uint32_t top, void *out) {
    int8_t *q = out;
    float *scales = (float *)out + rsn_q8_256_scales_at(k) / sizeof(float);
    int16_t *sums = (int16_t *)out + rsn_q8_256_sums_at(k) / sizeof(int16_t);
    float inverse, scale = rsn_q8_scale(top, &inverse);
    for (size_t at = from; at < to; at += RSN_Q8_256_BLOCK)
        scales[at / RSN_Q8_256_BLOCK] = scale;
    if (inverse == 0) return;
    size_t at = from;
    for (; at + RSN_Q8_256_GROUP <= to; at += RSN_Q8_256_GROUP) {
        int32_t sum = round_values(x + at, RSN_Q8_256_GROUP, inverse, q + at);
        sums[at / RSN_Q8_256_GROUP] = (int16_t)sum;
    }
    if (at < to) {
        int32_t sum = round_values(x + at, to - at, inverse, q + at);
        sums[at / RSN_Q8_256_GROUP] = (int16_t)sum;
    }
}

void QUANTIZE_NAME(rsn_quantize_q8_256)(const float *x, size_t k, void *out) {
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_256, k));
    for (size_t at = 0; at < k; at += RSN_Q8_256_BLOCK) {
        size_t n = k - at < RSN_Q8_256_BLOCK ? k - at : RSN_Q8_256_BLOCK;
        quantize_stretch(x, k, at, at + n, top_bits(x + at, n), out);
    }
}

void QUANTIZE_NAME(rsn_quantize_q8_row)(const float *x, size_t k, void *out) {
    uint32_t top = top_bits(x, k), least = rsn_float_bits(RSN_Q8_ROW_LEAST);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    quantize_stretch(x, k, 0, k, top > least ? top : least, out);
}
