/* Products of all block types with 8-bit activations in plain C: the definition that the
 * other instruction sets are tested against. What a block holds is quant's. Invariant: a
 * block's integer sums are complete before its one float step. */
#include "kernels/mathf.h"
#include "kernels/product.h"
#include "kernels/q8.h"

/* An output with the step of one block. */
static float add_block(const rsn_type_info *info, const rsn_block *w, const int8_t *q,
                       float scale, float out) {
    int32_t products = 0, minimums = 0;
    for (size_t g = 0; g * info->group_elems < info->block_elems; g++) {
        int32_t sum = 0, q_sum = 0;
        for (size_t j = g * info->group_elems; j < (g + 1) * info->group_elems; j++) {
            sum += w->q[j] * q[j];
            q_sum += q[j];
        }
        products += w->scale[g] * sum;
        minimums += w->min[g] * q_sum;
    }
    out = rsn_fmaf(w->d * scale, (float)products, out);
    return info->has_min ? rsn_fmaf(-(w->dmin * scale), (float)minimums, out) : out;
}

/* A block is expanded once for all tokens. `scales_at` and `scale_elems`: of the kind of
 * activations. */
static void multiply_blocks(const rsn_type_info *info, size_t k, const uint8_t *w,
                            size_t w_stride, size_t n_rows, const uint8_t *x,
                            size_t x_stride, size_t n_tokens, float *out,
                            size_t out_stride) {
    bool wide = info->act != RSN_ACT_Q8_32;
    size_t scales_at = wide ? rsn_q8_256_scales_at(k) : rsn_q8_scales_at(k);
    size_t scale_elems = wide ? RSN_Q8_256_BLOCK : RSN_Q8_BLOCK;
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t t = 0; t < n_tokens; t++) out[t * out_stride + r] = 0;
        const uint8_t *bytes = w + r * w_stride;
        for (size_t at = 0; at < k; at += info->block_elems, bytes += info->block_bytes) {
            rsn_block block;
            info->expand(bytes, &block);
            for (size_t t = 0; t < n_tokens; t++) {
                const uint8_t *act = x + t * x_stride;
                float scale;
                memcpy(&scale, act + scales_at + at / scale_elems * sizeof scale,
                       sizeof scale);
                float *to = &out[t * out_stride + r];
                *to = add_block(info, &block, (const int8_t *)act + at, scale, *to);
            }
        }
    }
}

/* The types with one scale per tensor: one integer sum for the whole row. Unsigned, so
 * that rows too long for it wrap. */
static void multiply_whole_rows(const rsn_type_info *info, size_t k, const uint8_t *w,
                                size_t w_stride, size_t n_rows, const uint8_t *x,
                                size_t x_stride, size_t n_tokens, float *out,
                                size_t out_stride) {
    for (size_t i = 0; i < n_rows * n_tokens; i++) {
        size_t r = i / n_tokens, t = i % n_tokens;
        const uint8_t *bytes = w + r * w_stride, *act = x + t * x_stride;
        const int8_t *q = (const int8_t *)act;
        uint32_t sum = 0;
        float scale = 0;
        for (size_t at = 0; at < k; at += info->block_elems, bytes += info->block_bytes) {
            rsn_block block;
            info->expand(bytes, &block);
            for (size_t j = 0; j < info->block_elems; j++)
                sum += (uint32_t)(block.q[j] * q[at + j]);
        }
        if (k > 0) memcpy(&scale, act + rsn_q8_256_scales_at(k), sizeof scale);
        out[t * out_stride + r] = scale * (float)(int32_t)sum;
    }
}

static void multiply(const rsn_type_info *info, size_t k, const void *w, size_t w_stride,
                     size_t n_rows, const void *x, size_t x_stride, size_t n_tokens,
                     float *out, size_t out_stride) {
    if (info->act == RSN_ACT_Q8_ROW)
        multiply_whole_rows(info, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,
                            out_stride);
    else
        multiply_blocks(info, k, w, w_stride, n_rows, x, x_stride, n_tokens, out,
                        out_stride);
}

#define DEFINE_PRODUCT(isa, type, stem)                                                  \
    void rsn_product_##stem##_##isa(size_t k, const void *w, size_t w_stride,            \
                                    size_t n_rows, const void *x, size_t x_stride,       \
                                    size_t n_tokens, float *out, size_t out_stride) {    \
        multiply(rsn_type_info_get(RSN_TYPE_##type), k, w, w_stride, n_rows, x,          \
                 x_stride, n_tokens, out, out_stride);                                   \
    }
RSN_BLOCK_TYPES(DEFINE_PRODUCT, generic)
