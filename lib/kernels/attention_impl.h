/* Queries against a part of a block, written in the lanes of the header included before
 * (lanes_<isa>.h). The includer defines
 *
 *     LANES_NAME(x)         x with the instruction set appended
 *     QUERY_TILE            queries whose sums are kept in registers: 1, 2 or 4
 *     KEY_TILE(n_queries)   keys that n queries meet at once: 2 or 4, so that there are
 *                           a multiple of 4 sums
 *     VALUE_TILE            times 16 values that QUERY_TILE queries gather at once
 *     fold_four(sums, out)  out[4] = fold_sum() of four sums
 *
 * Per query and position 4 * head_dim operations; a tile of queries reads a key and a
 * value once, 2 or 4 bytes an element: 4 queries and halves make 4 operations a byte.
 * Measured on one core of Zen 5 with AVX-512 and halves: prompts 113 GFLOP/s, single
 * tokens at 4,096 positions 24 GB/s, as much as `reason bench --machine` reads there.
 * Invariant: a query's operations come in the order of table.h whatever the tile. */
#include "kernels/attention.h"
#include "kernels/lanes_math.h"
#include "kernels/rowops.h"

RSN_INLINE size_t element_bytes(rsn_type type) {
    return type == RSN_TYPE_F32 ? 4 : 2;
}

RSN_INLINE lanes load_elements(rsn_type type, const uint8_t *p) {
    return type == RSN_TYPE_F32 ? load_f32(p) : load_f16(p);
}

/* The last n < 16 of a row, then zeros. */
RSN_NOINLINE lanes load_last_elements(rsn_type type, const uint8_t *p, size_t n) {
    return type == RSN_TYPE_F32 ? load_first((const float *)(const void *)p, n, 0)
                                : load_first_f16((const uint16_t *)(const void *)p, n);
}

/* scores[q * RSN_ATTENTION_BLOCK + k] of n_q queries and n_k keys. */
RSN_INLINE void score_tile(rsn_type type, size_t n_q, size_t n_k,
                           const rsn_attention_part *part, size_t first,
                           const rsn_attention_query *queries, float *scores) {
    size_t dim = part->head_dim, row_bytes = dim * element_bytes(type), at = 0;
    const uint8_t *keys = (const uint8_t *)part->keys + first * row_bytes;
    lanes sum[16], key[4];
    RSN_UNROLL
    for (size_t i = 0; i < n_q * n_k; i++) sum[i] = fill_lanes(0);
    for (; at + 16 <= dim; at += 16) {
        RSN_UNROLL
        for (size_t k = 0; k < n_k; k++)
            key[k] = load_elements(type, keys + k * row_bytes + at * element_bytes(type));
        RSN_UNROLL
        for (size_t q = 0; q < n_q; q++) {
            lanes x = load_f32(queries[q].q + at);
            RSN_UNROLL
            for (size_t k = 0; k < n_k; k++)
                sum[q * n_k + k] = fuse(key[k], x, sum[q * n_k + k]);
        }
    }
    if (at < dim) {
        for (size_t k = 0; k < n_k; k++)
            key[k] = load_last_elements(
                type, keys + k * row_bytes + at * element_bytes(type), dim - at);
        for (size_t q = 0; q < n_q; q++) {
            lanes x = load_first(queries[q].q + at, dim - at, 0);
            for (size_t k = 0; k < n_k; k++)
                sum[q * n_k + k] = fuse(key[k], x, sum[q * n_k + k]);
        }
    }
    if (n_k == 1) {
        for (size_t q = 0; q < n_q; q++)
            scores[q * RSN_ATTENTION_BLOCK] = fold_sum(sum[q]) * part->scale;
        return;
    }
    RSN_UNROLL
    for (size_t i = 0; i < n_q * n_k; i += 4) {
        float folded[4];
        fold_four(sum + i, folded);
        RSN_UNROLL
        for (size_t j = 0; j < 4; j++)
            scores[(i + j) / n_k * RSN_ATTENTION_BLOCK + (i + j) % n_k] =
                folded[j] * part->scale;
    }
}

/* Asks for step i of n of what is read next, of `bytes` bytes: little by little, as there
 * are not many places for reads under way. */
RSN_INLINE void ask_ahead(const void *p, size_t bytes, size_t i, size_t n) {
    const size_t begin = bytes * i / n, end = bytes * (i + 1) / n;
    for (size_t at = (begin + 63) / 64 * 64; at < end; at += 64)
        prefetch_bytes(p, at, 64);
}

RSN_INLINE void score(rsn_type type, size_t n_q, const rsn_attention_part *part,
                      bool ahead, const rsn_attention_query *queries, float *scores) {
    const size_t n_k = KEY_TILE(n_q);
    size_t k = 0;
    for (; k + n_k <= part->n; k += n_k) {
        if (ahead) ask_ahead(part->ahead[0], part->ahead_bytes, k / n_k, part->n / n_k);
        score_tile(type, n_q, n_k, part, k, queries, scores + k);
    }
    for (; k < part->n; k++) score_tile(type, n_q, 1, part, k, queries, scores + k);
}

/* What a query's earlier result and the part's are multiplied by. */
typedef struct merge_factors {
    float old, part;
} merge_factors;

/* Turns scores into weights and joins the part's maximum and sum to the query's. */
RSN_INLINE merge_factors weigh(const rsn_attention_part *part, float *scores,
                               rsn_attention_query *query) {
    merge_factors f = {0, 1};
    if (part->cap > 0) LANES_NAME(rsn_soft_cap)(scores, part->cap, part->n);
    float top = LANES_NAME(rsn_max)(scores, part->n);
    float sum = LANES_NAME(rsn_exp_sum)(scores, top, part->n);
    if (query->begun) {
        float new_top = top > query->top ? top : query->top;
        f.old = rsn_expf(query->top - new_top);
        f.part = rsn_expf(top - new_top);
        sum = rsn_fmaf(sum, f.part, query->sum * f.old);
        top = new_top;
    }
    query->top = top;
    query->sum = sum;
    return f;
}

/* Values [at, at + 16 n_v) of the results; of `last` < 16 only that many. */
RSN_INLINE void gather_tile(rsn_type type, size_t n_q, size_t n_v, size_t last,
                            const rsn_attention_part *part, bool ahead, size_t at,
                            const float *weights, const merge_factors *f,
                            const rsn_attention_query *queries) {
    const size_t row_bytes = part->head_dim * element_bytes(type);
    const uint8_t *values = (const uint8_t *)part->values + at * element_bytes(type);
    lanes sum[16], value[4];
    RSN_UNROLL
    for (size_t i = 0; i < n_q * n_v; i++) sum[i] = fill_lanes(0);
    for (size_t p = 0; p < part->n; p++, values += row_bytes) {
        if (ahead) ask_ahead(part->ahead[1], part->ahead_bytes, p, part->n);
        RSN_UNROLL
        for (size_t v = 0; v < n_v; v++)
            value[v] = last ? load_last_elements(type, values, last)
                            : load_elements(type, values + 16 * v * element_bytes(type));
        RSN_UNROLL
        for (size_t q = 0; q < n_q; q++) {
            lanes weight = fill_lanes(weights[q * RSN_ATTENTION_BLOCK + p]);
            RSN_UNROLL
            for (size_t v = 0; v < n_v; v++)
                sum[q * n_v + v] = fuse(weight, value[v], sum[q * n_v + v]);
        }
    }
    RSN_UNROLL
    for (size_t i = 0; i < n_q * n_v; i++) {
        size_t q = i / n_v;
        float *out = queries[q].out + at + 16 * (i % n_v);
        if (queries[q].begun) {
            lanes old = last ? load_first(out, last, 0) : load_f32(out);
            sum[i] = fuse(fill_lanes(f[q].part), sum[i], mul(old, fill_lanes(f[q].old)));
        }
        if (last)
            store_first(out, last, sum[i]);
        else
            store_f32(out, sum[i]);
    }
}

RSN_INLINE void gather(rsn_type type, size_t n_q, const rsn_attention_part *part,
                       bool ahead, const float *weights, const merge_factors *f,
                       rsn_attention_query *queries) {
    size_t at = 0, dim = part->head_dim;
    for (; at + 16 * VALUE_TILE <= dim; at += 16 * VALUE_TILE)
        gather_tile(type, n_q, VALUE_TILE, 0, part, ahead && at == 0, at, weights, f,
                    queries);
    for (; at + 16 <= dim; at += 16)
        gather_tile(type, n_q, 1, 0, part, false, at, weights, f, queries);
    if (at < dim)
        gather_tile(type, n_q, 1, dim - at, part, false, at, weights, f, queries);
    for (size_t q = 0; q < n_q; q++) queries[q].begun = true;
}

RSN_INLINE void attend_tile(rsn_type type, size_t n_q, const rsn_attention_part *part,
                            bool ahead, rsn_attention_query *queries) {
    float scores[QUERY_TILE * RSN_ATTENTION_BLOCK];
    merge_factors f[QUERY_TILE];
    score(type, n_q, part, ahead, queries, scores);
    for (size_t q = 0; q < n_q; q++)
        f[q] = weigh(part, scores + q * RSN_ATTENTION_BLOCK, &queries[q]);
    gather(type, n_q, part, ahead, scores, f, queries);
}

RSN_INLINE void attend_all(rsn_type type, const rsn_attention_part *part,
                           rsn_attention_query *queries, size_t n) {
    size_t i = 0;
    for (; i + QUERY_TILE <= n; i += QUERY_TILE)
        attend_tile(type, QUERY_TILE, part, i == 0, queries + i);
#if QUERY_TILE > 2
    for (; i + 2 <= n; i += 2) attend_tile(type, 2, part, i == 0, queries + i);
#endif
    for (; i < n; i++) attend_tile(type, 1, part, i == 0, queries + i);
}

void LANES_NAME(rsn_attend)(const rsn_attention_part *part, rsn_attention_query *queries,
                            size_t n) {
    if (part->type == RSN_TYPE_F16)
        attend_all(RSN_TYPE_F16, part, queries, n);
    else
        attend_all(RSN_TYPE_F32, part, queries, n);
}
