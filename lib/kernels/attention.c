/* Owns the order of attention's float operations: a partial result per block of 64
 * positions, merged from left to right. Arithmetic on rows is the table's; where blocks
 * lie is the cache's. Invariant: nothing but the positions' content and their number
 * decides the result's bits. */
#include "kernels/attention.h"

#include "kernels/mathf.h"

/* Turns the scores of n positions into exp(score - *top) and returns their sum;
 * vector[head_dim] is the sum of the values with these weights, added in the order of
 * positions. */
static float attend_block(const rsn_kernels *kernels, const float *q, size_t head_dim,
                          float scale, const void *keys, const void *values, size_t n,
                          bool f16, float *scores, float *vector, float *top) {
    rsn_type type = f16 ? RSN_TYPE_F16 : RSN_TYPE_F32;
    size_t row_bytes = head_dim * (f16 ? sizeof(uint16_t) : sizeof(float));
    kernels->product[type](head_dim, keys, row_bytes, n, q, 0, 1, scores, 0);
    kernels->scale(scores, scale, n);
    *top = kernels->max(scores, n);
    float sum = kernels->exp_sum(scores, *top, n);
    memset(vector, 0, head_dim * sizeof *vector);
    for (size_t i = 0; i < n; i++) {
        if (f16) {
            const uint16_t *value = (const uint16_t *)values + i * head_dim;
            kernels->add_scaled_f16(vector, value, scores[i], head_dim);
        } else {
            const float *value = (const float *)values + i * head_dim;
            kernels->add_scaled_f32(vector, value, scores[i], head_dim);
        }
    }
    return sum;
}

void rsn_attention_head(const rsn_kernels *kernels, const float *q, size_t head_dim,
                        float scale, const void *const *key_blocks,
                        const void *const *value_blocks, size_t n_positions, bool f16,
                        float *out, float *scratch) {
    float *scores = scratch, *vector = scratch + RSN_ATTENTION_BLOCK;
    float top = 0, sum = 0;
    for (size_t b = 0, at = 0; at < n_positions; b++, at += RSN_ATTENTION_BLOCK) {
        size_t rest = n_positions - at;
        size_t n = rest < RSN_ATTENTION_BLOCK ? rest : RSN_ATTENTION_BLOCK;
        if (b == 0) {
            sum = attend_block(kernels, q, head_dim, scale, key_blocks[0],
                               value_blocks[0], n, f16, scores, out, &top);
            continue;
        }
        float block_top;
        float block_sum =
            attend_block(kernels, q, head_dim, scale, key_blocks[b], value_blocks[b], n,
                         f16, scores, vector, &block_top);
        float new_top = block_top > top ? block_top : top;
        float old_factor = rsn_expf(top - new_top);
        float new_factor = rsn_expf(block_top - new_top);
        kernels->scale(out, old_factor, head_dim);
        kernels->add_scaled_f32(out, vector, new_factor, head_dim);
        sum = sum * old_factor + block_sum * new_factor;
        top = new_top;
    }
    if (n_positions == 0) {
        memset(out, 0, head_dim * sizeof *out);
    } else {
        kernels->scale(out, 1.0f / sum, head_dim);
    }
}
