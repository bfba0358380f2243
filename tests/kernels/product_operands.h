/* Operands of products and what must come out: shared by the tests of products. */
#ifndef REASON_TESTS_PRODUCT_OPERANDS_H
#define REASON_TESTS_PRODUCT_OPERANDS_H

#include "kernels_common.h"

#include <math.h>

#include "kernels/pack.h"
#include "kernels/product.h"
#include "kernels/q8.h"

/* One product to try. Strides of x and out have `pad` floats more than needed, that of
 * float weights `pad` bytes. */
typedef struct shape {
    rsn_type type;
    size_t k, n_rows, n_tokens, pad, offset;
} shape;

typedef enum content { NORMAL, EDGES, HOSTILE } content;

typedef struct operands {
    guarded w, x;
    size_t w_stride, x_stride;
} operands;

/* Where blocks have half-precision numbers, and how many. */
static const struct half_fields {
    size_t n, at[2];
} HALF_FIELDS[RSN_N_TYPES] = {
    [RSN_TYPE_Q4_0] = {1, {0}},      [RSN_TYPE_Q4_1] = {2, {0, 2}},
    [RSN_TYPE_Q5_0] = {1, {0}},      [RSN_TYPE_Q5_1] = {2, {0, 2}},
    [RSN_TYPE_Q8_0] = {1, {0}},      [RSN_TYPE_Q2_K] = {2, {80, 82}},
    [RSN_TYPE_Q3_K] = {1, {108}},    [RSN_TYPE_Q4_K] = {2, {0, 2}},
    [RSN_TYPE_Q5_K] = {2, {0, 2}},   [RSN_TYPE_Q6_K] = {1, {208}},
    [RSN_TYPE_IQ4_NL] = {1, {0}},    [RSN_TYPE_IQ4_XS] = {1, {0}},
    [RSN_TYPE_TQ1_0] = {1, {52}},    [RSN_TYPE_TQ2_0] = {1, {64}},
};

static const float EDGE_VALUES[] = {0.0f,     -0.0f,     1.0f,      -1.0f,
                                    65504.0f, -65504.0f, 0x1p-24f,  -0x1p-24f,
                                    0x1p-14f, 1e-30f,    0x1p-149f, 3e38f};

static const float HOSTILE_VALUES[] = {INFINITY, -INFINITY, NAN, 0.0f, 1.0f, 3e38f};

static const uint8_t EDGE_BYTES[] = {0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0};

static inline float pick_value(uint64_t *state, content kind) {
    uint32_t r = next_random(state);
    if (kind == NORMAL || r % 3) return next_float(state);
    if (kind == EDGES) return EDGE_VALUES[r / 3 % (sizeof EDGE_VALUES / sizeof(float))];
    return HOSTILE_VALUES[r / 3 % (sizeof HOSTILE_VALUES / sizeof(float))];
}

static inline void set_halves(rsn_type type, uint8_t *block, float first, float second) {
    for (size_t i = 0; i < HALF_FIELDS[type].n; i++) {
        uint16_t half = rsn_f16_from_f32(i ? second : first);
        memcpy(block + HALF_FIELDS[type].at[i], &half, sizeof half);
    }
}

/* Any bytes with chosen floats; with edges, whole blocks may be of one byte. */
static inline void fill_blocks(uint64_t *state, const rsn_type_info *info, uint8_t *row,
                               size_t k, content kind) {
    for (size_t at = 0; at < k; at += info->block_elems, row += info->block_bytes) {
        uint8_t byte = EDGE_BYTES[next_random(state) % sizeof EDGE_BYTES];
        bool whole = kind == EDGES && next_random(state) % 4 == 0;
        for (size_t j = 0; j < info->block_bytes; j++) {
            bool edge = whole || (kind == EDGES && next_random(state) % 2);
            row[j] = edge ? byte : (uint8_t)next_random(state);
        }
        set_halves(info->type, row, pick_value(state, kind) * 0.01f,
                   pick_value(state, kind) * 0.01f);
    }
}

static inline void quantize_row(rsn_act kind, const float *x, size_t k, void *out) {
    const rsn_kernels *generic = rsn_kernels_for(REASON_CPU_GENERIC);
    switch (kind) {
    case RSN_ACT_Q8_32: generic->quantize_q8(x, k, out); break;
    case RSN_ACT_Q8_256: generic->quantize_q8_256(x, k, out); break;
    case RSN_ACT_Q8_ROW: generic->quantize_q8_row(x, k, out); break;
    default: memcpy(out, x, k * sizeof *x);
    }
}

/* Products with Q8_256 rows also take Q8_ROW ones, so every second row is one. */
static inline operands make_operands(uint64_t *state, shape s, content kind) {
    const rsn_type_info *info = rsn_type_info_get(s.type);
    operands o;
    o.w_stride = rsn_type_row_bytes(info, s.k);
    if (info->act == RSN_ACT_F32) o.w_stride += s.pad;
    o.x_stride = rsn_act_row_bytes(info->act, s.k) + 4 * s.pad;
    o.w = guarded_new(s.n_rows * o.w_stride, s.offset);
    o.x = guarded_new(s.n_tokens * o.x_stride, 4 * s.offset);
    float *row = malloc((s.k + 1) * sizeof *row);
    assert_non_null(row);
    for (size_t r = 0; r < s.n_rows; r++) {
        uint8_t *w = o.w.data + r * o.w_stride;
        for (size_t i = 0; i < s.k; i++) row[i] = pick_value(state, kind);
        if (info->act == RSN_ACT_F32)
            info->encode(row, NULL, w, s.k);
        else
            fill_blocks(state, info, w, s.k, kind);
    }
    for (size_t t = 0; t < s.n_tokens; t++) {
        rsn_act act = info->act == RSN_ACT_Q8_256 && t % 2 ? RSN_ACT_Q8_ROW : info->act;
        for (size_t i = 0; i < s.k; i++) row[i] = pick_value(state, kind);
        quantize_row(act, row, s.k, o.x.data + t * o.x_stride);
    }
    free(row);
    return o;
}

/* Rows as a level wants them; in a buffer of just their size, for tools that find reads
 * beyond it. */
static inline uint8_t *pack_rows(const rsn_kernels *kernels, const rsn_type_info *info,
                                 size_t k, const uint8_t *w, size_t stride,
                                 size_t n_rows) {
    size_t group = rsn_pack_group(kernels, info);
    uint8_t *packed = malloc(n_rows * stride + 1), *scratch = malloc(group * stride + 1);
    assert_true(packed && scratch);
    memcpy(packed, w, n_rows * stride);
    rsn_pack(kernels, info, k, packed, 0, n_rows, packed, scratch);
    free(scratch);
    return packed;
}

static inline void free_operands(operands *o) {
    guarded_free(&o->w);
    guarded_free(&o->x);
}

/* The order of table.h, written down once more. */
static inline float float_reference(const float *w, const float *x, size_t k) {
    float sum = 0, segment = 0;
    for (size_t i = 0; i < k; i++) {
        segment = fmaf(w[i], x[i], segment);
        if (i % 128 != 127 && i + 1 < k) continue;
        sum = sum + segment;
        segment = 0;
    }
    return sum;
}

/* `sum` with the step of one block, whose sums in 64 bits must fit 32. */
static inline float step_reference(const rsn_type_info *info, const rsn_block *w,
                                   const int8_t *q, float a, float sum) {
    int64_t products = 0, minimums = 0;
    for (size_t i = 0; i < info->block_elems; i++) {
        size_t group = i / info->group_elems;
        products += (int64_t)w->scale[group] * w->q[i] * q[i];
        minimums += (int64_t)w->min[group] * q[i];
    }
    assert_true(products == (int32_t)products && minimums == (int32_t)minimums);
    float d = w->d * a, dmin = w->dmin * a;
    sum = fmaf(d, (float)products, sum);
    return info->has_min ? fmaf(-dmin, (float)minimums, sum) : sum;
}

static inline float blocks_reference(const rsn_type_info *info, const uint8_t *w,
                                     const uint8_t *x, size_t k) {
    /* Q8_32 rows: k bytes, then the scales; the others: k rounded up to 16, then they. */
    size_t scale_elems = info->act == RSN_ACT_Q8_32 ? 32 : 256;
    const uint8_t *scales = x + (k + 15) / 16 * 16;
    float sum = 0, a = 0;
    uint64_t whole = 0;
    for (size_t at = 0; at < k; at += info->block_elems, w += info->block_bytes) {
        rsn_block block;
        info->expand(w, &block);
        memcpy(&a, scales + at / scale_elems * 4, 4);
        const int8_t *q = (const int8_t *)x + at;
        if (info->act == RSN_ACT_Q8_ROW) {
            for (size_t i = 0; i < info->block_elems; i++)
                whole += (uint64_t)(int64_t)(block.q[i] * q[i]);
        } else {
            sum = step_reference(info, &block, q, a, sum);
        }
    }
    if (info->act != RSN_ACT_Q8_ROW) return sum;
    int64_t wrapped = (int64_t)(whole & 0xFFFFFFFFu);
    return a * (float)(wrapped > INT32_MAX ? wrapped - ((int64_t)1 << 32) : wrapped);
}

/* `decoded`: room for k floats. */
static inline float reference_of(rsn_type type, const uint8_t *w, const uint8_t *x,
                                 size_t k, float *decoded) {
    const rsn_type_info *info = rsn_type_info_get(type);
    if (info->act != RSN_ACT_F32) return blocks_reference(info, w, x, k);
    info->decode(w, decoded, k);
    return float_reference(decoded, (const float *)(const void *)x, k);
}

#endif
