/* Q8_0 weights times 8-bit activations, and the quantizing of activations, in plain C:
 * the definition that the other instruction sets are tested against. The block format is
 * quant's. Invariant: a block's integer sum is complete before its one float step. */
#include "kernels/product.h"
#include "kernels/q8.h"

static int32_t block_sum(const uint8_t *w, const int8_t *x) {
    int32_t sum = 0;
    for (size_t j = 0; j < RSN_Q8_BLOCK; j++) sum += (int8_t)w[j] * x[j];
    return sum;
}

void rsn_product_q8_0_generic(size_t k, const void *w, size_t w_stride, size_t n_rows,
                              const void *x, size_t x_stride, size_t n_tokens, float *out,
                              size_t out_stride) {
    for (size_t r = 0; r < n_rows; r++) {
        const uint8_t *row = (const uint8_t *)w + r * w_stride;
        for (size_t t = 0; t < n_tokens; t++) {
            const void *act = (const uint8_t *)x + t * x_stride;
            const int8_t *q = act;
            const float *scales =
                (const float *)act + rsn_q8_scales_at(k) / sizeof(float);
            float sum = 0;
            for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++) {
                const uint8_t *block = row + b * RSN_Q8_0_BYTES;
                int32_t products = block_sum(block + 2, q + b * RSN_Q8_BLOCK);
                float scale = rsn_f16_to_f32(rsn_load_u16(block)) * scales[b];
                sum += scale * (float)products;
            }
            out[t * out_stride + r] = sum;
        }
    }
}

void rsn_quantize_q8_generic(const float *x, size_t k, void *out) {
    const float to_integer = 0x1.8p+23f; /* adding it rounds, ties to even */
    int8_t *q = out;
    float *scales = (float *)out + rsn_q8_scales_at(k) / sizeof(float);
    int32_t *sums = (int32_t *)out + rsn_q8_sums_at(k) / sizeof(int32_t);
    memset(out, 0, rsn_act_row_bytes(RSN_ACT_Q8_32, k));
    for (size_t b = 0; b < k / RSN_Q8_BLOCK; b++, x += RSN_Q8_BLOCK, q += RSN_Q8_BLOCK) {
        uint32_t top = 0; /* magnitudes as bits: ordered like numbers, NaN above all */
        for (size_t j = 0; j < RSN_Q8_BLOCK; j++) {
            uint32_t bits = rsn_float_bits(x[j]) & 0x7FFFFFFFu;
            top = bits > top ? bits : top;
        }
        float inverse;
        scales[b] = rsn_q8_scale(top, &inverse);
        if (inverse == 0) continue;
        int32_t sum = 0;
        for (size_t j = 0; j < RSN_Q8_BLOCK; j++) {
            uint32_t bits = rsn_float_bits(x[j] * inverse + to_integer);
            int32_t value = (int32_t)(bits - rsn_float_bits(to_integer));
            q[j] = (int8_t)value;
            sum += value;
        }
        sums[b] = sum;
    }
}
