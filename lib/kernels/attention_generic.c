/* Queries against a part of a block in plain C: the definition that the other instruction
 * sets are tested against. Invariant: the order of operations is that of table.h. */
#include <string.h>

#include "kernels/attention.h"
#include "kernels/mathf.h"
#include "kernels/product.h"
#include "kernels/rowops.h"

static float element(rsn_type type, const void *values, size_t i) {
    return type == RSN_TYPE_F16 ? rsn_f16_to_f32(((const uint16_t *)values)[i])
                                : ((const float *)values)[i];
}

static float score(const rsn_attention_part *part, size_t position, const float *q) {
    float s[RSN_LANES] = {0};
    size_t dim = part->head_dim;
    for (size_t i = 0; i < dim; i++) {
        float key = element(part->type, part->keys, position * dim + i);
        s[i % RSN_LANES] = rsn_fmaf(key, q[i], s[i % RSN_LANES]);
    }
    for (size_t i = dim; i % RSN_LANES; i++) s[i % RSN_LANES] += 0.0f;
    return rsn_fold_lanes(s);
}

/* The weighted values, a slice of the vector at a time, joined to what the query had. */
static void gather(const rsn_attention_part *part, const float *weights, float old_factor,
                   float factor, const rsn_attention_query *query) {
    enum { SLICE = 64 };
    for (size_t at = 0; at < part->head_dim; at += SLICE) {
        size_t n = part->head_dim - at < SLICE ? part->head_dim - at : SLICE;
        float vector[SLICE] = {0};
        for (size_t p = 0; p < part->n; p++) {
            size_t from = p * part->head_dim + at;
            for (size_t i = 0; i < n; i++)
                vector[i] = rsn_fmaf(weights[p], element(part->type, part->values, from + i),
                                     vector[i]);
        }
        if (query->begun) {
            rsn_scale_generic(query->out + at, old_factor, n);
            rsn_add_scaled_generic(query->out + at, vector, factor, n);
        } else {
            memcpy(query->out + at, vector, n * sizeof *vector);
        }
    }
}

static void attend_one(const rsn_attention_part *part, rsn_attention_query *query) {
    float scores[RSN_ATTENTION_BLOCK];
    for (size_t p = 0; p < part->n; p++) scores[p] = score(part, p, query->q);
    rsn_scale_generic(scores, part->scale, part->n);
    if (part->cap > 0) rsn_soft_cap_generic(scores, part->cap, part->n);
    float top = rsn_max_generic(scores, part->n);
    float sum = rsn_exp_sum_generic(scores, top, part->n);
    float new_top = query->begun && !(top > query->top) ? query->top : top;
    float old_factor = query->begun ? rsn_expf(query->top - new_top) : 0;
    float factor = rsn_expf(top - new_top);
    gather(part, scores, old_factor, factor, query);
    query->sum = query->begun ? rsn_fmaf(sum, factor, query->sum * old_factor) : sum;
    query->top = new_top;
    query->begun = true;
}

void rsn_attend_generic(const rsn_attention_part *part, rsn_attention_query *queries,
                        size_t n) {
    for (size_t i = 0; i < n; i++) attend_one(part, &queries[i]);
}
