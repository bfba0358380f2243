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

/* out[head_dim] = sum over positions p < n_positions of v_p * softmax(scale * q . k_p).
 * key_blocks[b] and value_blocks[b] hold positions 64 b to 64 b + 63 of this head's keys
 * and values, [64][head_dim] of `type`, whose blocks divide head_dim; positions from
 * n_positions on are not read. Types of blocks are first turned into float32. Each block gives a partial (maximum, sum, vector), merged from left to right,
 * so the result depends on the cache's content alone. No positions give zeros; scores
 * that are NaN or infinite give NaN. `out` and `scratch` overlap nothing. */
void rsn_attention_head(const rsn_kernels *kernels, const float *q, size_t head_dim,
                        float scale, const void *const *key_blocks,
                        const void *const *value_blocks, size_t n_positions, rsn_type type,
                        float *out, float *scratch);

#endif
