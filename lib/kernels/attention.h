/* Attention of queries that share a head of keys and values, block after block of the
 * cache. */
#ifndef REASON_KERNELS_ATTENTION_H
#define REASON_KERNELS_ATTENTION_H

#include "kernels/table.h"

/* Queries that can be computed together. */
enum { RSN_ATTENTION_QUERIES = 32 };

/* Whether keys and values may be kept in this type: F32, F16, Q8_0, Q4_0. */
bool rsn_attention_takes(rsn_type type);

/* Tokens that follow one another, with the query heads of theirs that share keys. A token
 * at position p sees positions up to p, its own included. */
typedef struct rsn_attention {
    size_t head_dim;
    float scale, cap; /* as in rsn_attention_part */
    size_t window;    /* most positions that a token sees; 0: all */
    rsn_type type;    /* of keys and values; its blocks divide head_dim */
    size_t position;  /* of the first token */
    size_t n_tokens, n_heads; /* 1 .. RSN_ATTENTION_QUERIES queries */
    const float *q; /* of head h of token t: [head_dim] at t * stride + h * head_dim */
    float *out;     /* results, the same way; overlaps nothing else */
    size_t stride;
} rsn_attention;

/* Blocks [first, end) hold the positions that the tokens see. */
size_t rsn_attention_first_block(const rsn_attention *a);
size_t rsn_attention_end_block(const rsn_attention *a);

/* Floats of `wide` that rsn_attention_block() needs; 64-byte alignment helps. */
static inline size_t rsn_attention_wide_floats(size_t head_dim) {
    return (size_t)2 * RSN_ATTENTION_BLOCK * head_dim;
}

/* queries[n_tokens * n_heads]: nothing seen so far. */
void rsn_attention_begin(const rsn_attention *a, rsn_attention_query *queries);
/* A block: [64][head_dim] each, of the cache's type. */
typedef struct rsn_attention_rows {
    const void *keys, *values;
} rsn_attention_rows;

/* Takes in positions 64 block to 64 block + 63, of which those that no token sees are not
 * read. Blocks come in rising order, as sums are defined by it. `next`: the block that
 * will follow; if there is none, any addresses. */
void rsn_attention_block(const rsn_kernels *kernels, const rsn_attention *a, size_t block,
                         rsn_attention_rows rows, rsn_attention_rows next,
                         rsn_attention_query *queries, float *wide);
/* A result of blocks further right, of a query that began there, is taken in. */
void rsn_attention_merge(const rsn_kernels *kernels, size_t head_dim,
                         rsn_attention_query *query, const rsn_attention_query *right);
/* out = sum over visible positions p of v_p * softmax(score of p). Scores that are NaN or
 * infinite give NaN. */
void rsn_attention_end(const rsn_kernels *kernels, const rsn_attention *a,
                       const rsn_attention_query *queries);

/* Of each instruction set; dispatch.c alone chooses among them. */
void rsn_attend_generic(const rsn_attention_part *part, rsn_attention_query *queries,
                        size_t n);
void rsn_attend_avx2(const rsn_attention_part *part, rsn_attention_query *queries,
                     size_t n);
void rsn_attend_avx512(const rsn_attention_part *part, rsn_attention_query *queries,
                       size_t n);
void rsn_attend_neon(const rsn_attention_part *part, rsn_attention_query *queries,
                     size_t n);

#endif
