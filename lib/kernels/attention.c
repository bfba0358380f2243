/* Owns which positions of a block each query sees and the form they are read in: a result
 * per block of 64 positions, merged from left to right. The arithmetic is the table's;
 * where blocks lie is the cache's. Invariant: nothing but the visible positions' content
 * and the two ends decides a result's bits; queries beside it do not. */
#include "kernels/attention.h"

#include <string.h>

#include "kernels/mathf.h"

bool rsn_attention_takes(rsn_type type) {
    return type == RSN_TYPE_F32 || type == RSN_TYPE_F16 || type == RSN_TYPE_Q8_0 ||
           type == RSN_TYPE_Q4_0;
}

/* Positions begin <= p < end. */
typedef struct range {
    size_t begin, end;
} range;

static range seen_by(const rsn_attention *a, size_t token) {
    size_t end = a->position + token + 1;
    return (range){a->window > 0 && end > a->window ? end - a->window : 0, end};
}

static range seen_in_block(const rsn_attention *a, size_t token, size_t block) {
    range r = seen_by(a, token);
    size_t begin = block * RSN_ATTENTION_BLOCK, end = begin + RSN_ATTENTION_BLOCK;
    r.begin = r.begin > begin ? r.begin : begin;
    r.end = r.end < end ? r.end : end;
    return r;
}

size_t rsn_attention_first_block(const rsn_attention *a) {
    return seen_by(a, 0).begin / RSN_ATTENTION_BLOCK;
}

size_t rsn_attention_end_block(const rsn_attention *a) {
    return (a->position + a->n_tokens - 1) / RSN_ATTENTION_BLOCK + 1;
}

void rsn_attention_begin(const rsn_attention *a, rsn_attention_query *queries) {
    for (size_t t = 0; t < a->n_tokens; t++)
        for (size_t h = 0; h < a->n_heads; h++) {
            size_t at = t * a->stride + h * a->head_dim;
            queries[t * a->n_heads + h] =
                (rsn_attention_query){.q = a->q + at, .out = a->out + at};
        }
}

/* The rows of `seen` as floats or halves: as they lie there or turned, in `wide`. */
static const void *widen(const rsn_kernels *kernels, const rsn_attention *a,
                         const void *rows, range seen, rsn_type type, float *wide) {
    size_t row_bytes = rsn_type_row_bytes(rsn_type_info_get(a->type), a->head_dim);
    size_t skip = seen.begin % RSN_ATTENTION_BLOCK, n = seen.end - seen.begin;
    const unsigned char *from = (const unsigned char *)rows + skip * row_bytes;
    if (type == a->type) return from;
    if (a->type == RSN_TYPE_Q8_0)
        kernels->f32_from_q8_0(from, wide, n * a->head_dim);
    else
        kernels->f32_from_q4_0(from, wide, n * a->head_dim);
    return wide;
}

/* The first token that sees something of the block, n_tokens if there is none. A later
 * token sees no position further left. */
static size_t first_that_sees(const rsn_attention *a, size_t block) {
    for (size_t t = 0; t < a->n_tokens; t++) {
        range seen = seen_in_block(a, t, block);
        if (seen.begin < seen.end) return t;
    }
    return a->n_tokens;
}

/* How many tokens from t on see the same of the block. */
static size_t count_equal(const rsn_attention *a, size_t t, size_t block) {
    range seen = seen_in_block(a, t, block);
    size_t n = 1;
    for (; t + n < a->n_tokens; n++) {
        range other = seen_in_block(a, t + n, block);
        if (other.begin != seen.begin || other.end != seen.end) break;
    }
    return n;
}

void rsn_attention_block(const rsn_kernels *kernels, const rsn_attention *a, size_t block,
                         rsn_attention_rows rows, rsn_attention_rows next,
                         rsn_attention_query *queries, float *wide) {
    /* Halves stay: as floats a block's rows would not fit the first-level cache, which
     * costs as much as turning them again for each tile of queries. */
    rsn_type type = a->type == RSN_TYPE_F16 ? RSN_TYPE_F16 : RSN_TYPE_F32;
    size_t row_bytes = rsn_type_row_bytes(rsn_type_info_get(type), a->head_dim);
    size_t t = first_that_sees(a, block);
    if (t == a->n_tokens) return;
    range all = {seen_in_block(a, t, block).begin,
                 seen_in_block(a, a->n_tokens - 1, block).end};
    const unsigned char *keys = widen(kernels, a, rows.keys, all, type, wide);
    const unsigned char *values = widen(kernels, a, rows.values, all, type,
                                        wide + RSN_ATTENTION_BLOCK * a->head_dim);
    rsn_attention_part part = {
        .type = type, .head_dim = a->head_dim, .scale = a->scale, .cap = a->cap};
    part.ahead_bytes = RSN_ATTENTION_BLOCK *
                       rsn_type_row_bytes(rsn_type_info_get(a->type), a->head_dim);
    part.ahead[0] = type == a->type ? rows.values : next.keys;
    part.ahead[1] = type == a->type ? next.keys : next.values;
    for (size_t n; t < a->n_tokens; t += n) {
        range seen = seen_in_block(a, t, block);
        if (seen.begin >= seen.end) return; /* the window has left the block */
        n = count_equal(a, t, block);
        part.keys = keys + (seen.begin - all.begin) * row_bytes;
        part.values = values + (seen.begin - all.begin) * row_bytes;
        part.n = seen.end - seen.begin;
        kernels->attend(&part, queries + t * a->n_heads, n * a->n_heads);
        part.ahead_bytes = 0; /* it is under way */
    }
}

void rsn_attention_merge(const rsn_kernels *kernels, size_t head_dim,
                         rsn_attention_query *query, const rsn_attention_query *right) {
    if (!query->begun) {
        memcpy(query->out, right->out, head_dim * sizeof *query->out);
        query->top = right->top;
        query->sum = right->sum;
        query->begun = true;
        return;
    }
    float top = right->top > query->top ? right->top : query->top;
    float old_factor = rsn_expf(query->top - top), factor = rsn_expf(right->top - top);
    kernels->scale(query->out, old_factor, head_dim);
    kernels->add_scaled(query->out, right->out, factor, head_dim);
    query->sum = rsn_fmaf(right->sum, factor, query->sum * old_factor);
    query->top = top;
}

void rsn_attention_end(const rsn_kernels *kernels, const rsn_attention *a,
                       const rsn_attention_query *queries) {
    for (size_t i = 0; i < a->n_tokens * a->n_heads; i++)
        kernels->scale(queries[i].out, 1.0f / queries[i].sum, a->head_dim);
}
