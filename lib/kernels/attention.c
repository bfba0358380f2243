/* Owns the order of attention's float operations: a partial result per block of 64
 * positions, merged from left to right. Arithmetic on rows is the table's; where blocks
 * lie is the cache's. Invariant: nothing but the positions' content and their number
 * decides the result's bits. */
#include "kernels/attention.h"

#include "kernels/mathf.h"

bool rsn_attention_takes(rsn_type type) {
    return type == RSN_TYPE_F32 || type == RSN_TYPE_F16 || type == RSN_TYPE_Q8_0 ||
           type == RSN_TYPE_Q4_0;
}

/* n values as float32 or halves: the rows themselves, or `wide` with what they decode
 * to. */
static const void *widen_rows(const rsn_kernels *kernels, rsn_type *type,
                              const void *rows, size_t n, float *wide) {
    if (*type == RSN_TYPE_F32 || *type == RSN_TYPE_F16) return rows;
    if (*type == RSN_TYPE_Q8_0)
        kernels->f32_from_q8_0(rows, wide, n);
    else
        kernels->f32_from_q4_0(rows, wide, n);
    *type = RSN_TYPE_F32;
    return wide;
}

/* vector[head_dim] = sum of values * weights, added in the order of positions. */
static void add_values(const rsn_kernels *kernels, rsn_type type, const void *values,
                       size_t n, const float *weights, size_t head_dim, float *vector) {
    memset(vector, 0, head_dim * sizeof *vector);
    for (size_t i = 0; i < n; i++) {
        if (type == RSN_TYPE_F16) {
            const uint16_t *value = (const uint16_t *)values + i * head_dim;
            kernels->add_scaled_f16(vector, value, weights[i], head_dim);
        } else {
            const float *value = (const float *)values + i * head_dim;
            kernels->add_scaled_f32(vector, value, weights[i], head_dim);
        }
    }
}

/* One block's partial result: the largest score *top, the sum of exp(score - *top), which
 * is returned, and the sum of the values with these weights. */
static float attend_block(const rsn_kernels *kernels, const float *q, size_t head_dim,
                          float scale, const void *keys, const void *values, size_t n,
                          rsn_type type, float *scratch, float *vector, float *top) {
    float *scores = scratch, *wide = scratch + RSN_ATTENTION_BLOCK + head_dim;
    rsn_type key_type = type, value_type = type;
    keys = widen_rows(kernels, &key_type, keys, n * head_dim, wide);
    size_t row_bytes = rsn_type_row_bytes(rsn_type_info_get(key_type), head_dim);
    kernels->product[key_type](head_dim, keys, row_bytes, n, q, 0, 1, scores, 0);
    kernels->scale(scores, scale, n);
    *top = kernels->max(scores, n);
    float sum = kernels->exp_sum(scores, *top, n);
    values = widen_rows(kernels, &value_type, values, n * head_dim, wide);
    add_values(kernels, value_type, values, n, scores, head_dim, vector);
    return sum;
}

void rsn_attention_head(const rsn_kernels *kernels, const float *q, size_t head_dim,
                        float scale, const void *const *key_blocks,
                        const void *const *value_blocks, size_t n_positions, rsn_type type,
                        float *out, float *scratch) {
    float *vector = scratch + RSN_ATTENTION_BLOCK;
    float top = 0, sum = 0;
    for (size_t b = 0, at = 0; at < n_positions; b++, at += RSN_ATTENTION_BLOCK) {
        size_t rest = n_positions - at;
        size_t n = rest < RSN_ATTENTION_BLOCK ? rest : RSN_ATTENTION_BLOCK;
        if (b == 0) {
            sum = attend_block(kernels, q, head_dim, scale, key_blocks[0],
                               value_blocks[0], n, type, scratch, out, &top);
            continue;
        }
        float block_top;
        float block_sum =
            attend_block(kernels, q, head_dim, scale, key_blocks[b], value_blocks[b], n,
                         type, scratch, vector, &block_top);
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
