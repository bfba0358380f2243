/* The quantizing of activations in plain C: the definition that the other instruction
 * sets are tested against. Layouts: q8.h. */
#include "kernels/product.h"
#include "kernels/q8.h"

/* The largest magnitude as bits: ordered like numbers, NaN above all. */
static uint32_t top_bits(const float *x, size_t n) {
    uint32_t top = 0;
    for (size_t j = 0; j < n; j++) {
        uint32_t bits = rsn_float_bits(x[j]) & 0x7FFFFFFFu;
        top = bits > top ? bits : top;
    }
    return top;
}

/* Writes n values and returns their sum. */
static int32_t round_values(const float *x, size_t n, float inverse, int8_t *q) {
    const float to_integer = 0x1.8p+23f; /* adding it rounds, ties to even */
    int32_t sum = 0;
    for (size_t j = 0; j < n; j++) {
        uint32_t bits = rsn_float_bits(x[j] * inverse + to_integer);
        int32_t value = (int32_t)(bits - rsn_float_bits(to_integer));
        q[j] = (int8_t)value;
        sum += value;
    }
    return sum;
}

void rsn_quantize_q8_generic(const float *x, size_t k, void *out) {
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
    for (size_t at = from; at < to && inverse != 0; at += RSN_Q8_256_GROUP) {
        size_t n = to - at < RSN_Q8_256_GROUP ? to - at : RSN_Q8_256_GROUP;
        sums[at / RSN_Q8_256_GROUP] = (int16_t)round_values(x + at, n, inverse, q + at);
    }
}

void rsn_quantize_q8_256_generic(const float *x, size_t k, void *out) {
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_256, k));
    for (size_t at = 0; at < k; at += RSN_Q8_256_BLOCK) {
        size_t n = k - at < RSN_Q8_256_BLOCK ? k - at : RSN_Q8_256_BLOCK;
        quantize_stretch(x, k, at, at + n, top_bits(x + at, n), out);
    }
}

void rsn_quantize_q8_row_generic(const float *x, size_t k, void *out) {
    uint32_t top = top_bits(x, k), least = rsn_float_bits(RSN_Q8_ROW_LEAST);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    quantize_stretch(x, k, 0, k, top > least ? top : least, out);
}
