/* Attention of one query head over cached keys and values. */
#ifndef REASON_KERNELS_ATTENTION_H
#define REASON_KERNELS_ATTENTION_H

#include "kernels/table.h"

/* Positions of a block of the cache; a block begins at an absolute position it
 * divides. */
enum { RSN_ATTENTION_BLOCK = 64 };

/* Floats of scratch that rsn_attention_head() needs; 64-byte alignment helps. */
static inline size_t rsn_attention_scratch_floats(size_t head_dim) {
    return RSN_ATTENTION_BLOCK + head_dim + RSN_ATTENTION_BLOCK * head_dim;
}

/* Whether keys and values may be kept in this type: F32, F16, Q8_0, Q4_0. */
bool rsn_attention_takes(rsn_type type);

/* Which positions one query sees, and how their scores come about. */
typedef struct rsn_attention {
    size_t head_dim;
    float scale; /* of q . k */
    float cap;   /* 0, or scores become cap * tanh(score / cap) */
    /* Entry b holds positions 64 b to 64 b + 63 of this head's keys or values, [64]
     * [head_dim] of `type`, whose blocks divide head_dim; only entries with a visible
     * position are read. Types of blocks are first turned into float32. */
    const void *const *key_blocks, *const *value_blocks;
    size_t first, end; /* positions first <= p < end are visible, no others are read */
    rsn_type type;
} rsn_attention;

/* out[head_dim] = sum over visible positions p of v_p * softmax(score of p). Each block
 * with a visible position gives a partial (maximum, sum, vector), merged from left to
 * right, so the result depends on the cache's content and the two ends alone. No
 * positions give zeros; scores that are NaN or infinite give NaN. `out` and `scratch`
 * overlap nothing. */
void rsn_attention_head(const rsn_kernels *kernels, const rsn_attention *a,
                        const float *q, float *out, float *scratch);

#endif
