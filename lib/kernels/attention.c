/* Owns the order of attention's float operations: a partial result per block of 64
 * positions, merged from left to right. Arithmetic on rows is the table's; where blocks
 * lie is the cache's. Invariant: nothing but the visible positions' content and the two
 * ends decides the result's bits. */
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

/* The part of one block that is visible. */
typedef struct part {
    const unsigned char *keys, *values;
    size_t n; /* positions, 1 or more */
} part;

static part part_of(const rsn_attention *a, size_t block) {
    size_t begin = block * RSN_ATTENTION_BLOCK, end = begin + RSN_ATTENTION_BLOCK;
    size_t row_bytes = rsn_type_row_bytes(rsn_type_info_get(a->type), a->head_dim);
    size_t skip = a->first > begin ? a->first - begin : 0;
    part p = {(const unsigned char *)a->key_blocks[block] + skip * row_bytes,
              (const unsigned char *)a->value_blocks[block] + skip * row_bytes,
              (a->end < end ? a->end : end) - begin - skip};
    return p;
}

/* Turns the scores of a part's positions into exp(score - *top) and returns their sum;
 * vector[head_dim] is the sum of the values with these weights, added in the order of
 * positions. */
static float attend_part(const rsn_kernels *kernels, const rsn_attention *a,
                         const float *q, part p, float *scratch, float *vector,
                         float *top) {
    size_t dim = a->head_dim;
    float *scores = scratch, *wide = scratch + RSN_ATTENTION_BLOCK + dim;
    rsn_type key_type = a->type, value_type = a->type;
    const void *keys = widen_rows(kernels, &key_type, p.keys, p.n * dim, wide);
    size_t row_bytes = rsn_type_row_bytes(rsn_type_info_get(key_type), dim);
    kernels->product[key_type](dim, keys, row_bytes, p.n, q, 0, 1, scores, 0);
    kernels->scale(scores, a->scale, p.n);
    if (a->cap > 0)
        kernels->soft_cap(scores, a->cap, p.n);
    *top = kernels->max(scores, p.n);
    float sum = kernels->exp_sum(scores, *top, p.n);
    const void *values = widen_rows(kernels, &value_type, p.values, p.n * dim, wide);
    add_values(kernels, value_type, values, p.n, scores, dim, vector);
    return sum;
}

void rsn_attention_head(const rsn_kernels *kernels, const rsn_attention *a,
                        const float *q, float *out, float *scratch) {
    float *vector = scratch + RSN_ATTENTION_BLOCK;
    if (a->first >= a->end) {
        memset(out, 0, a->head_dim * sizeof *out);
        return;
    }
    size_t block = a->first / RSN_ATTENTION_BLOCK;
    float top, sum = attend_part(kernels, a, q, part_of(a, block), scratch, out, &top);
    while (++block * RSN_ATTENTION_BLOCK < a->end) {
        float part_top;
        float part_sum = attend_part(kernels, a, q, part_of(a, block), scratch, vector,
                                     &part_top);
        float new_top = part_top > top ? part_top : top;
        float old_factor = rsn_expf(top - new_top);
        float new_factor = rsn_expf(part_top - new_top);
        kernels->scale(out, old_factor, a->head_dim);
        kernels->add_scaled_f32(out, vector, new_factor, a->head_dim);
        sum = sum * old_factor + part_sum * new_factor;
        top = new_top;
    }
    kernels->scale(out, 1.0f / sum, a->head_dim);
}
