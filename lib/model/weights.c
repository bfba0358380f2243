/* Binds tensors by name. Owns the names and shapes; the plan has already checked that the
 * bytes are there. Invariant: after a success every tensor of the file is bound exactly
 * once. */
#include "model/weights.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* Sizes that shapes are made of. */
typedef enum dim {
    NONE,
    EMBD,
    QUERY,
    KEY,
    QUERY_KEY_VALUE,
    FF,
    GATE_UP,
    VOCAB,
    HEAD,
    HALF_ROT,
    HEAD_HIDDEN, /* of a head (head.h) */
    HEAD_OUT
} dim;

/* A trait of every architecture. */
#define ANY (1u << 31)
/* Of a file without these norms, which may be without. */
#define NO_ATTN_SUB_NORM (1u << 30)
#define NO_FFN_SUB_NORM (1u << 29)

/* Whether a tensor must be there: with any trait of the first set and none of the second.
 * It may be there with one of the third. */
#define ALWAYS ANY, 0, 0
#define OPTIONAL 0, 0, ANY
#define WITH(trait) RSN_TRAIT_##trait, 0, 0
#define WITHOUT(traits) ANY, traits, 0
#define SUB_NORM(lacking) RSN_TRAIT_SUB_NORM, lacking, 0
#define BIAS RSN_TRAIT_QKV_BIAS, 0, RSN_TRAIT_QKV_BIAS_OK

typedef struct binding {
    const char *name;
    size_t offset; /* in rsn_weights or rsn_layer */
    dim cols, rows; /* rows NONE: a vector */
    unsigned with, without, may;
} binding;

static const binding GLOBAL[] = {
    {"token_embd.weight", offsetof(rsn_weights, embedding), EMBD, VOCAB, ALWAYS},
    {"output_norm.weight", offsetof(rsn_weights, output_norm), EMBD, NONE, ALWAYS},
    {"output.weight", offsetof(rsn_weights, output), EMBD, VOCAB, OPTIONAL},
    {"rope_freqs.weight", offsetof(rsn_weights, rope.all), HALF_ROT, NONE, OPTIONAL},
    {"rope_factors_short.weight", offsetof(rsn_weights, rope.short_ctx), HALF_ROT, NONE,
     OPTIONAL},
    {"rope_factors_long.weight", offsetof(rsn_weights, rope.long_ctx), HALF_ROT, NONE,
     OPTIONAL},
    {"cls.weight", offsetof(rsn_weights, head.dense), EMBD, HEAD_HIDDEN, OPTIONAL},
    {"cls.bias", offsetof(rsn_weights, head.dense_bias), HEAD_HIDDEN, NONE, OPTIONAL},
    {"cls.norm.weight", offsetof(rsn_weights, head.norm), HEAD_HIDDEN, NONE, OPTIONAL},
    {"cls.output.weight", offsetof(rsn_weights, head.output), HEAD_HIDDEN, HEAD_OUT,
     OPTIONAL},
    {"cls.output.bias", offsetof(rsn_weights, head.output_bias), HEAD_OUT, NONE, OPTIONAL},
};

#define AT(field) offsetof(rsn_layer, field)
#define NO_FFN_NORM (RSN_TRAIT_NO_PRE_NORM | RSN_TRAIT_FFN_NORM_RENAMED)

/* Of a layer. */
static const binding LAYER[] = {
    {"attn_norm.weight", AT(attn_norm), EMBD, NONE, WITHOUT(RSN_TRAIT_NO_PRE_NORM)},
    {"attn_q.weight", AT(q), EMBD, QUERY, ALWAYS},
    {"attn_k.weight", AT(k), EMBD, KEY, ALWAYS},
    {"attn_v.weight", AT(v), EMBD, KEY, ALWAYS},
    {"attn_q.bias", AT(q_bias), QUERY, NONE, BIAS},
    {"attn_k.bias", AT(k_bias), KEY, NONE, BIAS},
    {"attn_v.bias", AT(v_bias), KEY, NONE, BIAS},
    {"attn_q_norm.weight", AT(q_norm), HEAD, NONE, WITH(QK_NORM)},
    {"attn_k_norm.weight", AT(k_norm), HEAD, NONE, WITH(QK_NORM)},
    {"attn_q_norm.weight", AT(q_norm), QUERY, NONE, WITH(QK_NORM_WIDE)},
    {"attn_k_norm.weight", AT(k_norm), KEY, NONE, WITH(QK_NORM_WIDE)},
    {"attn_sub_norm.weight", AT(attn_sub_norm), QUERY, NONE,
     SUB_NORM(NO_ATTN_SUB_NORM)},
    {"attn_output.weight", AT(o), QUERY, EMBD, ALWAYS},
    {"post_attention_norm.weight", AT(attn_post_norm), EMBD, NONE, WITH(POST_NORM)},
    {"ffn_norm.weight", AT(ffn_norm), EMBD, NONE, WITHOUT(NO_FFN_NORM)},
    {"post_attention_norm.weight", AT(ffn_norm), EMBD, NONE, WITH(FFN_NORM_RENAMED)},
    {"ffn_gate.weight", AT(gate), EMBD, FF, WITHOUT(RSN_TRAIT_GATE_UP_FUSED)},
    {"ffn_up.weight", AT(up), EMBD, FF, WITHOUT(RSN_TRAIT_GATE_UP_FUSED)},
    {"ffn_sub_norm.weight", AT(ffn_sub_norm), FF, NONE,
     SUB_NORM(NO_FFN_SUB_NORM)},
    {"ffn_down.weight", AT(down), FF, EMBD, ALWAYS},
    {"post_ffw_norm.weight", AT(ffn_post_norm), EMBD, NONE, WITH(POST_NORM)},
};

enum { N_LAYER = sizeof LAYER / sizeof *LAYER };

static rsn_matrix *matrix_in(rsn_layer *layer, const binding *row) {
    return (rsn_matrix *)(void *)((char *)layer + row->offset);
}

rsn_matrix *rsn_layer_matrix(rsn_layer *layer, size_t i) {
    for (size_t j = 0; j < N_LAYER; j++)
        if (LAYER[j].rows != NONE && i-- == 0)
            return matrix_in(layer, &LAYER[j]);
    return NULL;
}

/* Matrices in one tensor, one below the other; `parts` that do not follow each other in
 * rsn_layer would need an offset each. A fused tensor that may be there replaces the
 * tensors of its parts. */
static const struct {
    binding whole; /* its offset: the first part's */
    dim parts[3];  /* rows of each; NONE: no part */
} FUSED[] = {
    {{"attn_qkv.weight", AT(q), EMBD, QUERY_KEY_VALUE, 0, 0, RSN_TRAIT_QKV_FUSED_OK},
     {QUERY, KEY, KEY}},
    {{"ffn_up.weight", AT(gate), EMBD, GATE_UP, WITH(GATE_UP_FUSED)}, {FF, FF, NONE}},
};
_Static_assert(AT(k) == AT(q) + sizeof(rsn_matrix) &&
                   AT(v) == AT(k) + sizeof(rsn_matrix) &&
                   AT(up) == AT(gate) + sizeof(rsn_matrix),
               "parts of a fused tensor follow each other");

typedef struct binder {
    const rsn_gguf *g;
    const rsn_blob *blobs; /* [g->n_parts] */
    const rsn_hparams *hp;
    unsigned traits; /* with the three above */
    rsn_arena *arena;
    bool *bound; /* [g->n_tensors] */
} binder;

static uint64_t size_of(const rsn_hparams *hp, dim d) {
    switch (d) {
    case EMBD: return hp->n_embd;
    case QUERY: return (uint64_t)hp->n_heads * hp->head_dim;
    case KEY: return (uint64_t)hp->n_heads_kv * hp->head_dim;
    case QUERY_KEY_VALUE: return size_of(hp, QUERY) + 2 * size_of(hp, KEY);
    case FF: return hp->n_ff;
    case GATE_UP: return 2 * (uint64_t)hp->n_ff;
    case VOCAB: return hp->n_vocab;
    case HEAD: return hp->head_dim;
    case HALF_ROT: return hp->n_rot / 2;
    case HEAD_HIDDEN: return hp->head.n_hidden;
    case HEAD_OUT: return hp->head.n_out;
    case NONE: break;
    }
    return 1;
}

static bool is_needed(const binding *row, unsigned traits) {
    return (traits & row->with) && !(traits & row->without);
}

static bool is_allowed(const binding *row, unsigned traits) {
    return is_needed(row, traits) || (traits & row->may);
}

static const unsigned char *bytes_of(const binder *b, const rsn_gguf_tensor *t) {
    return rsn_tensor_bytes(b->g, b->blobs, t);
}

/* A matrix as floats, if it is there and none: heads are small, and read exact
 * activations. */
static reason_status decode_matrix(const binder *b, rsn_matrix *m) {
    const rsn_type_info *f32 = rsn_type_info_get(RSN_TYPE_F32);
    if (!m->data || (m->type->act == RSN_ACT_F32 && m->scale == 1))
        return REASON_OK;
    float *values = rsn_arena_calloc2(b->arena, m->rows, m->cols * sizeof *values);
    if (!values)
        return REASON_ERR_NO_MEMORY;
    for (size_t r = 0; r < m->rows; r++)
        rsn_type_decode(m->type, m->data + r * m->row_bytes, values + r * m->cols,
                        m->cols);
    for (size_t i = 0; m->scale != 1 && i < m->rows * m->cols; i++)
        values[i] *= m->scale;
    m->data = (const unsigned char *)values;
    m->type = f32;
    m->row_bytes = rsn_type_row_bytes(f32, m->cols);
    m->scale = 1;
    return REASON_OK;
}

/* The scale behind the rows of a tensor whose type has one there; 1 otherwise. */
static reason_status read_tail(const binder *b, const rsn_gguf_tensor *t, float *scale) {
    *scale = 1;
    if (t->type->tail_bytes == 0)
        return REASON_OK;
    memcpy(scale, bytes_of(b, t) + (t->n_bytes - t->type->tail_bytes), sizeof *scale);
    if (!(*scale >= -FLT_MAX && *scale <= FLT_MAX))
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s has the scale %g at offset %llu, a finite one expected",
                        t->name.data, (double)*scale,
                        (unsigned long long)(t->offset + t->n_bytes -
                                             t->type->tail_bytes));
    return REASON_OK;
}

/* A vector as float32: in place where the file has it so, else decoded. */
static reason_status bind_vector(binder *b, const rsn_gguf_tensor *t, const float **out) {
    float scale;
    reason_status status = read_tail(b, t, &scale);
    if (status != REASON_OK)
        return status;
    if (t->type == rsn_type_info_get(RSN_TYPE_F32)) {
        *out = (const float *)(const void *)bytes_of(b, t);
        return REASON_OK;
    }
    float *values = rsn_arena_calloc2(b->arena, (size_t)t->ne[0], sizeof *values);
    if (!values)
        return REASON_ERR_NO_MEMORY;
    rsn_type_decode(t->type, bytes_of(b, t), values, (size_t)t->ne[0]);
    for (size_t i = 0; scale != 1 && i < (size_t)t->ne[0]; i++)
        values[i] *= scale;
    *out = values;
    return REASON_OK;
}

static reason_status bind_matrix(const binder *b, const rsn_gguf_tensor *t,
                                 rsn_matrix *m) {
    m->data = bytes_of(b, t);
    m->type = t->type;
    m->cols = (size_t)t->ne[0];
    m->rows = (size_t)t->ne[1];
    m->row_bytes = rsn_type_row_bytes(t->type, m->cols);
    m->tensor = t;
    return read_tail(b, t, &m->scale);
}

static reason_status bind_one(binder *b, const binding *row, const char *name,
                              void *base) {
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(b->g, name);
    if (!is_allowed(row, b->traits) || (!t && !is_needed(row, b->traits)))
        return REASON_OK; /* what is not allowed is named as unknown at the end */
    if (!t)
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s is missing", name);
    uint64_t cols = size_of(b->hp, row->cols), rows = size_of(b->hp, row->rows);
    if (t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1)
        return rsn_fail(
            REASON_ERR_FORMAT,
            "tensor %s has shape [%llu, %llu, %llu, %llu], [%llu, %llu, 1, 1] expected",
            name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
            (unsigned long long)t->ne[2], (unsigned long long)t->ne[3],
            (unsigned long long)cols, (unsigned long long)rows);
    b->bound[t - b->g->tensors] = true;
    void *slot = (char *)base + row->offset;
    if (row->rows == NONE)
        return bind_vector(b, t, slot);
    return bind_matrix(b, t, slot);
}

/* A scale of its own, "NAME.scale" beside NAME.weight, multiplies what the matrix already
 * has. */
static reason_status bind_scale(binder *b, size_t index, const binding *row,
                                rsn_matrix *m) {
    char name[64];
    snprintf(name, sizeof name, "blk.%zu.%.*s.scale", index,
             (int)strcspn(row->name, "."), row->name);
    const rsn_gguf_tensor *t = rsn_gguf_find_tensor(b->g, name);
    if (!t || !(b->traits & RSN_TRAIT_SCALE_OK))
        return REASON_OK;
    if (t->type != rsn_type_info_get(RSN_TYPE_F32) || t->n_bytes != sizeof(float))
        return rsn_fail(REASON_ERR_FORMAT,
                        "tensor %s has type %s and %llu bytes, one F32 value expected",
                        name, t->type->name, (unsigned long long)t->n_bytes);
    float scale;
    memcpy(&scale, bytes_of(b, t), sizeof scale);
    m->scale *= scale;
    b->bound[t - b->g->tensors] = true;
    if (!(m->scale >= -FLT_MAX && m->scale <= FLT_MAX))
        return rsn_fail(REASON_ERR_FORMAT, "tensor %s holds %g, a finite scale expected",
                        name, (double)scale);
    return REASON_OK;
}

/* Makes the parts of a fused tensor, if it is there, matrices of their own. */
static reason_status bind_fused(binder *b, size_t index, size_t row, rsn_layer *layer) {
    char name[64];
    const binding *whole = &FUSED[row].whole;
    rsn_matrix *part = matrix_in(layer, whole);
    snprintf(name, sizeof name, "blk.%zu.%s", index, whole->name);
    reason_status status = bind_one(b, whole, name, layer);
    rsn_matrix rest = *part;
    for (size_t i = 0; i < 3 && rest.data && FUSED[row].parts[i] != NONE; i++) {
        part[i] = rest;
        part[i].rows = (size_t)size_of(b->hp, FUSED[row].parts[i]);
        rest.data += part[i].rows * rest.row_bytes;
        rest.first_row += part[i].rows;
    }
    return status;
}

static reason_status bind_layer(binder *b, size_t index, rsn_layer *layer) {
    reason_status status = REASON_OK;
    char name[64];
    for (size_t j = 0; j < sizeof FUSED / sizeof *FUSED && status == REASON_OK; j++)
        status = bind_fused(b, index, j, layer);
    for (size_t j = 0; j < N_LAYER && status == REASON_OK; j++) {
        snprintf(name, sizeof name, "blk.%zu.%s", index, LAYER[j].name);
        rsn_matrix *slot = LAYER[j].rows == NONE ? NULL : matrix_in(layer, &LAYER[j]);
        if (!slot || !slot->data) /* else a part of a fused one */
            status = bind_one(b, &LAYER[j], name, layer);
        if (slot && status == REASON_OK)
            status = bind_scale(b, index, &LAYER[j], slot);
    }
    return status;
}

static reason_status bind_layers(binder *b, rsn_weights *w) {
    reason_status status = REASON_OK;
    /* Named tensors of every layer must be in the file, so its count bounds the claimed
     * layers. */
    if (b->hp->n_layers > b->g->n_tensors)
        return rsn_fail(REASON_ERR_FORMAT,
                        "%zu layers cannot be in a file of %zu tensors", b->hp->n_layers,
                        b->g->n_tensors);
    w->layers = rsn_arena_calloc2(b->arena, b->hp->n_layers, sizeof *w->layers);
    if (!w->layers)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < b->hp->n_layers && status == REASON_OK; i++) {
        w->layers[i].number = i;
        status = bind_layer(b, i, &w->layers[i]);
    }
    return status;
}

static reason_status check_all_bound(const binder *b) {
    for (size_t i = 0; i < b->g->n_tensors; i++)
        if (!b->bound[i])
            return rsn_fail(
                REASON_ERR_UNSUPPORTED,
                "tensor %s is none that this architecture has here",
                rsn_quote(b->g->tensors[i].name.data, b->g->tensors[i].name.n).text);
    return REASON_OK;
}

static uint64_t count_parameters(const rsn_gguf *g) {
    uint64_t sum = 0;
    for (size_t i = 0; i < g->n_tensors; i++)
        sum += g->tensors[i].ne[0] * g->tensors[i].ne[1] * g->tensors[i].ne[2] *
               g->tensors[i].ne[3];
    return sum;
}

/* Norms before projections back are the file's choice where their inputs are transformed:
 * what layer 0 has, all must have. */
static unsigned lacking_sub_norms(const rsn_gguf *g, const rsn_hparams *hp) {
    bool attn = rsn_gguf_find_tensor(g, "blk.0.attn_sub_norm.weight") != NULL;
    bool ffn = rsn_gguf_find_tensor(g, "blk.0.ffn_sub_norm.weight") != NULL;
    if (!hp->hadamard)
        return 0;
    return (attn ? 0 : NO_ATTN_SUB_NORM) | (ffn ? 0 : NO_FFN_SUB_NORM);
}

reason_status rsn_weights_bind(const rsn_gguf *g, const rsn_blob *blobs,
                               const rsn_hparams *hp, const rsn_traits *traits,
                               rsn_arena *arena, rsn_weights *w) {
    memset(w, 0, sizeof *w);
    binder b = {.g = g,
                .blobs = blobs,
                .hp = hp,
                .traits = traits->bits | ANY | lacking_sub_norms(g, hp),
                .arena = arena,
                .bound = rsn_arena_calloc2(arena, g->n_tensors, sizeof(bool))};
    if (!b.bound)
        return REASON_ERR_NO_MEMORY;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < sizeof GLOBAL / sizeof *GLOBAL && status == REASON_OK; i++)
        status = bind_one(&b, &GLOBAL[i], GLOBAL[i].name, w);
    if (status == REASON_OK)
        status = bind_layers(&b, w);
    if (status == REASON_OK)
        status = check_all_bound(&b);
    if (status == REASON_OK)
        status = decode_matrix(&b, &w->head.dense);
    if (status == REASON_OK)
        status = decode_matrix(&b, &w->head.output);
    if (status != REASON_OK)
        return status;
    w->tied = !w->output.data && !hp->head.only;
    if (w->tied)
        w->output = w->embedding;
    w->n_parameters = count_parameters(g);
    return REASON_OK;
}
