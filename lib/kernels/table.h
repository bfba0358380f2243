/* The table of kernels: a function pointer per operation, a table per instruction set.
 *
 * Every level gives the same bits. So each operation has one order of additions, stated
 * here, and division and square root as IEEE 754 has them; the build passes
 * -ffp-contract=off. fuse(a, b, c) is a * b + c rounded once: an instruction where CPUs
 * have it, rsn_fmaf() elsewhere. All other products are rounded before they are added.
 * Only which NaN comes out of several may differ. Kernels need the default floating-point
 * state (base/fpstate.h).
 *
 * The order of 16 lanes: element i belongs to lane i mod 16; each lane starts at +0 and
 * adds its elements in rising order, products by fuse(a, b, lane), and zeros where the row
 * ends before the last lane; then lane j takes in lane j + 8, then j + 4, j + 2 and j + 1. */
#ifndef REASON_KERNELS_TABLE_H
#define REASON_KERNELS_TABLE_H

#include "quant/types.h"
#include "reason/reason.h"

/* Weights that a product of floats adds up before it adds them to its output. */
enum { RSN_FLOAT_SEGMENT = 128 };

/* out[t * out_stride + r] = row r of w . row t of x, for r < n_rows, t < n_tokens.
 *
 * w: n_rows rows of k weights, w_stride bytes apart, at any address. k is a multiple of
 * the type's block_elems. Blocks are packed in groups of group_rows rows (pack.h), w at
 * the beginning of a group; the last rows may be fewer, as files have them.
 *
 * x: n_tokens rows of k activations of the type's kind, x_stride bytes apart, aligned as
 * floats are. For the 8-bit kinds they were made by the quantize function of that name;
 * RSN_ACT_Q8_256 products also take rows of RSN_ACT_Q8_ROW.
 *
 * Float weights: from 0, segment after segment of RSN_FLOAT_SEGMENT weights, out += s with
 * s from 0, weight after weight, s = fuse((float)w, x, s).
 *
 * Blocks: from 0, block after block (of weights; quant/block.h),
 *     out = fuse(d * a, (float)P, out), then out = fuse(-(dmin * a), (float)M, out)
 * with a the activations' scale there, P the sum over groups of scale * (sum of q * x)
 * and M that of min * (sum of x), both in 32-bit integers; types without minimums have no
 * second step. For RSN_ACT_Q8_ROW types the whole row is one such block with d = 1; its
 * sum wraps. A tensor's own scale is left to the caller. */
typedef void (*rsn_product_fn)(size_t k, const void *w, size_t w_stride, size_t n_rows,
                               const void *x, size_t x_stride, size_t n_tokens,
                               float *out, size_t out_stride);

typedef void (*rsn_gate_fn)(const float *gate, const float *up, float *out, size_t n);

/* Positions of a block of keys and values. */
enum { RSN_ATTENTION_BLOCK = 64 };

/* Visible positions of one block, as float32 or halves. */
typedef struct rsn_attention_part {
    const void *keys, *values; /* [n][head_dim] of `type` */
    rsn_type type;             /* F32 or F16 */
    size_t n;                  /* 1 .. RSN_ATTENTION_BLOCK */
    size_t head_dim;
    float scale; /* of q . k */
    float cap;   /* 0, or scores become cap * tanh(score / cap) */
    /* Memory that is read next, to be brought into the cache; any address will do. The
     * first is wanted once the scores are there. */
    const void *ahead[2];
    size_t ahead_bytes; /* of each */
} rsn_attention_part;

/* A query and what it has gathered so far: `out` is the sum of values weighted with
 * exp(score - top), `sum` that of the weights. */
typedef struct rsn_attention_query {
    const float *q; /* [head_dim] */
    float *out;     /* [head_dim] */
    float top, sum;
    bool begun; /* false: nothing, and the three above are not set */
} rsn_attention_query;

typedef struct rsn_kernels {
    reason_cpu level;
    size_t group_rows; /* 1: rows of blocks are not packed */
    rsn_product_fn product[RSN_N_TYPES];

    /* As rsn_type_info.encode, the same bytes faster; NULL where a level has none of its
     * own. */
    void (*encode[RSN_N_TYPES])(const float *x, const float *importance, void *out,
                                size_t n);

    /* Writes one row of rsn_act_row_bytes(RSN_ACT_Q8_32, k) bytes, k a multiple of 32:
     * int8 q[k], float scale[k / 32], int32 sum[k / 32] of each block's q, then zeros.
     * With m the largest magnitude of a block: scale = m / 127, q = x * (127 / m) to
     * nearest, ties to even, in [-127, 127]. Below m = 2^-120 the block is zeros; a block
     * with NaN or infinity has scale NaN and q = 0, so every product with the row is
     * NaN. */
    void (*quantize_q8)(const float *x, size_t k, void *out);
    /* Writes one row of rsn_act_row_bytes(RSN_ACT_Q8_256, k) bytes, any k: int8 q[k], and
     * scales and sums as q8.h says, then zeros. Scales as above, for each 256 values; the
     * last block may be of fewer. */
    void (*quantize_q8_256)(const float *x, size_t k, void *out);
    /* The same, but with m the largest magnitude of the whole row, at least 1e-5. */
    void (*quantize_q8_row)(const float *x, size_t k, void *out);
    /* A row of the same kind with values of 4 bits: with m the mean magnitude of the row,
     * its sum in 16 lanes divided by k, at least 1e-5: scale = m / sqrt(7), q = x *
     * (sqrt(7) / m) clipped to [-8, 7], to nearest, ties to even. A row whose sum is NaN
     * or infinite has scale NaN and q = 0. */
    void (*quantize_q4_row)(const float *x, size_t k, void *out);

    /* 16 lanes over n of a * b. */
    float (*dot)(const float *a, const float *b, size_t n);
    /* y = fuse(s, x, y); y and x do not overlap. */
    void (*add_scaled)(float *y, const float *x, float s, size_t n);
    void (*add)(float *y, const float *x, size_t n); /* y = y + x */
    void (*scale)(float *x, float s, size_t n);      /* x = x * s */

    /* As quant/half.h; source and destination do not overlap. */
    void (*f16_from_f32)(const float *x, uint16_t *out, size_t n);
    void (*f32_from_f16)(const uint16_t *x, float *out, size_t n);
    /* As rsn_type_decode(); n is a multiple of 32. */
    void (*f32_from_q8_0)(const void *x, float *out, size_t n);
    void (*f32_from_q4_0)(const void *x, float *out, size_t n);

    /* out = (x * (1 / sqrt(dot(x, x) / n + eps))) * w; out may be x. */
    void (*rms_norm)(const float *x, const float *w, float *out, size_t n, float eps);
    /* Turns the first n_rot (even) values of one head in place: the pair (a, b) number i
     * becomes (a cos[i] - b sin[i], a sin[i] + b cos[i]), where (a, b) is (x[2i], x[2i +
     * 1]) if adjacent, else (x[i], x[i + n_rot / 2]). */
    void (*rope)(float *x, size_t n_rot, const float *cos_row, const float *sin_row,
                 bool adjacent);
    /* out = (gate / (1 + exp(-gate))) * up; out may be gate or up. */
    rsn_gate_fn silu_mul;
    rsn_gate_fn relu2_mul; /* out = (max(gate, 0)^2) * up; NaN stays; the same way */
    /* out = (gate / (1 + exp(gate * (LINEAR + CUBIC * gate^2)))) * up, GELU in its tanh
     * form with mathf.h's constants; the same way */
    rsn_gate_fn gelu_mul;
    void (*soft_cap)(float *x, float cap, size_t n); /* x = cap * tanh(x / cap) */
    /* The Walsh-Hadamard transform of each block of x, in place and in natural order; a
     * block has B values, B the largest power of two that divides n. For h = 1, 2, 4, ...
     * below B: the pair (a, b) of elements i and i + h, i without the bit h, becomes
     * (a + b, a - b). At last all are multiplied by sqrt(1 / B). */
    void (*hadamard)(float *x, size_t n);

    /* The largest value, NaN passed over; -infinity if there is none. */
    float (*max)(const float *x, size_t n);
    /* x = exp(x - shift) in place; returns the sum in 16 lanes. */
    float (*exp_sum)(float *x, float shift, size_t n);

    /* Lets each of n queries take in a part. The scores s of its positions are q . k in
     * 16 lanes, times scale, then capped; m = max(s); weights w = exp(s - m), S their sum
     * in 16 lanes; vector = from 0, position after position, vector = fuse(w, v, vector).
     * A query that has not begun takes (vector, m, S) as they are. Others, with
     * M = max(top, m), f = exp(top - M), g = exp(m - M):
     *     out = fuse(g, vector, out * f), sum = fuse(S, g, sum * f), top = M. */
    void (*attend)(const rsn_attention_part *part, rsn_attention_query *queries,
                   size_t n);
} rsn_kernels;

/* The table of a level that rsn_cpu_pick() allowed, or of the next lower one if this
 * build left it out; `level` in it says which. Static, for any thread. */
const rsn_kernels *rsn_kernels_for(reason_cpu level);

/* Bytes from one row of k activations to the next: 4 * k for RSN_ACT_F32, whose rows are
 * the floats themselves; a multiple of 64 for the rows that quantize_q8 writes. k floats
 * exist. */
size_t rsn_act_row_bytes(rsn_act kind, size_t k);

#endif
