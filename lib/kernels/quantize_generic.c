/* The quantizing of activations in plain C: what the other instruction sets are tested
 * against; the loops over blocks are quantize_impl.h. */
#include "kernels/product.h"
#include "kernels/q8.h"
#include "kernels/rowops.h"

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

#define QUANTIZE_NAME(x) x##_generic
#include "kernels/quantize_impl.h"

void rsn_q8_from_row(const void *row, size_t k, void *out) {
    const int8_t *q = row;
    float scale, *scales = (float *)out + rsn_q8_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_sums_at(k) / sizeof(int32_t);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_32, k));
    if (k == 0) return;
    memcpy(&scale, (const char *)row + rsn_q8_256_scales_at(k), sizeof scale);
    memcpy(out, q, k);
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++) {
        scales[b] = scale;
        for (size_t j = 0; j < RSN_Q8_BLOCK; j++) sums[b] += q[b * RSN_Q8_BLOCK + j];
    }
}
