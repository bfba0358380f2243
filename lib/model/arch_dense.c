/* The forward pass of dense decoders: per layer normalization, attention with grouped
 * keys, normalization, gated feed-forward, each added to the residual stream. What an
 * architecture has beside that or in another place is a trait (traits.h).
 *
 * Owns the order of the stages and what each worker takes. Every stage is a job over the
 * pool: rows of a product, tokens, or heads. Invariant: an output element is computed by
 * one worker in the kernels' canonical order, so neither threads nor chunks change a bit.
 */
#include <string.h>

#include "base/checked.h"
#include "kernels/attention.h"
#include "kernels/mathd.h"
#include "kernels/q8.h"
#include "model/model.h"

/* Rows a worker takes at least: a multiple of what the products compute at once. */
enum { ROW_GRAIN = 16 };

/* The activations of a group of products, in the forms that their weights want; rows are
 * tokens. */
typedef struct acts {
    float *f; /* [n][width] */
    unsigned char *rows[RSN_N_ACTS]; /* [n][stride], of each 8-bit kind */
    size_t stride[RSN_N_ACTS];
    size_t width;
    bool eight; /* the values themselves are those of RSN_ACT_Q8_ROW, in every form */
} acts;

typedef struct pass {
    const rsn_step *step;
    const rsn_model *m;
    const rsn_layer *layer;
    size_t index; /* of the layer */
    float *x;     /* [n][n_embd], the residual stream */
    acts in;      /* [n][n_embd], normalized */
    acts head;    /* the same memory, for the output */
    acts mix;     /* [n][n_heads * head_dim], what attention gives */
    acts ff;      /* [n][n_ff], the gated product */
    float *q;     /* [n][n_heads * head_dim] */
    float *k, *v; /* [n][n_heads_kv * head_dim] */
    float *up;    /* [n][n_ff] */
    float *y;     /* [n][n_embd], a product before it is added */
    bool windowed;    /* this layer sees a window of positions */
    const rsn_rope *ropes[2];     /* of layers without and with a window */
    float *cos[2], *sin[2];       /* [n][n_rot / 2] of each; [1] may be [0] */
    float *head_scratch;      /* [n_workers][head_scratch_n] */
    const void **block_lists; /* [n_workers][2 * n_blocks] */
    size_t head_scratch_n, n_blocks;
} pass;

/* --- layout ----------------------------------------------------------------------------
 */

typedef struct slab {
    unsigned char *data;
    uint64_t used;
    bool ok;
} slab;

/* The next part of n * m items; NULL while only measuring. */
static void *cut(slab *s, uint64_t n, uint64_t m, uint64_t size) {
    uint64_t bytes, start = s->used;
    s->ok = s->ok && rsn_mul_u64(n, m, &bytes) && rsn_mul_u64(bytes, size, &bytes) &&
            rsn_round_up_u64(bytes, 64, &bytes) && rsn_add_u64(s->used, bytes, &s->used);
    return s->data && s->ok ? s->data + start : NULL;
}

static acts cut_acts(slab *s, const rsn_model *m, uint64_t n, size_t width) {
    acts a = {.width = width, .eight = (m->arch->traits.bits & RSN_TRAIT_ACTS_8BIT) != 0};
    a.f = cut(s, n, width, sizeof(float));
    for (rsn_act kind = RSN_ACT_Q8_32; kind < RSN_N_ACTS; kind++) {
        a.stride[kind] = rsn_act_row_bytes(kind, width);
        a.rows[kind] = cut(s, n, a.stride[kind], 1);
    }
    return a;
}

static slab lay_out(const rsn_model *m, const rsn_scratch *scratch, pass *p) {
    const rsn_hparams *hp = &m->hp;
    slab s = {.data = scratch->data, .ok = true};
    uint64_t n = scratch->n_chunk, workers = scratch->n_workers;
    size_t q_width = hp->n_heads * hp->head_dim, kv_width = hp->n_heads_kv * hp->head_dim;
    p->x = cut(&s, n, hp->n_embd, sizeof(float));
    p->in = cut_acts(&s, m, n, hp->n_embd);
    p->head = p->in;
    p->head.eight = false;
    p->mix = cut_acts(&s, m, n, q_width);
    p->ff = cut_acts(&s, m, n, hp->n_ff);
    p->q = cut(&s, n, q_width, sizeof(float));
    p->k = cut(&s, n, kv_width, sizeof(float));
    p->v = cut(&s, n, kv_width, sizeof(float));
    p->up = cut(&s, n, hp->n_ff, sizeof(float));
    p->y = cut(&s, n, hp->n_embd, sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        p->cos[i] = cut(&s, n, hp->n_rot / 2, sizeof(float));
        p->sin[i] = cut(&s, n, hp->n_rot / 2, sizeof(float));
    }
    p->head_scratch_n = rsn_attention_scratch_floats(hp->head_dim);
    p->head_scratch = cut(&s, workers, p->head_scratch_n, sizeof(float));
    p->n_blocks = (scratch->n_ctx + RSN_KV_BLOCK - 1) / RSN_KV_BLOCK;
    p->block_lists = cut(&s, workers, 2 * p->n_blocks, sizeof(void *));
    return s;
}

reason_status rsn_dense_layout(const rsn_model *model, rsn_scratch *scratch) {
    pass p;
    slab s = lay_out(model, scratch, &p);
    if (!s.ok || !rsn_to_size(s.used, &scratch->n_bytes))
        return rsn_fail(
            REASON_ERR_LIMIT,
            "working memory for chunks of %zu tokens exceeds the address space",
            scratch->n_chunk);
    return REASON_OK;
}

/* --- pieces that stages share ------------------------------------------------------ */

/* The kind of rows that a product of these weights with `a` reads. */
static rsn_act kind_of(const acts *a, const rsn_matrix *w) {
    bool whole_row = a->eight && w->type->act == RSN_ACT_Q8_256;
    return whole_row ? RSN_ACT_Q8_ROW : w->type->act;
}

/* A set of kinds as bits. */
static unsigned want(const acts *a, const rsn_matrix *w) {
    return 1u << kind_of(a, w);
}

/* Puts the values that 8 bits stand for in the place of the exact ones. */
static void take_back(float *x, const unsigned char *row, size_t width) {
    const int8_t *q = (const int8_t *)row;
    float scale;
    memcpy(&scale, row + rsn_q8_256_scales_at(width), sizeof scale);
    for (size_t i = 0; i < width; i++)
        x[i] = scale * (float)q[i];
}

static unsigned char *row_at(const acts *a, rsn_act kind, size_t t) {
    return a->rows[kind] + t * a->stride[kind];
}

/* The 8 bits of a whole row in the other forms that are wanted. */
static void spread_row(const acts *a, size_t t, unsigned wanted) {
    const unsigned char *row = row_at(a, RSN_ACT_Q8_ROW, t);
    if (wanted & 1u << RSN_ACT_F32)
        take_back(a->f + t * a->width, row, a->width);
    if (wanted & 1u << RSN_ACT_Q8_32)
        rsn_q8_from_row(row, a->width, row_at(a, RSN_ACT_Q8_32, t));
}

/* Makes the wanted forms of row t. */
static void prepare_row(const pass *p, const acts *a, size_t t, unsigned wanted) {
    const rsn_kernels *kernels = p->m->kernels;
    const float *x = a->f + t * a->width;
    if (a->eight || (wanted & 1u << RSN_ACT_Q8_ROW))
        kernels->quantize_q8_row(x, a->width, row_at(a, RSN_ACT_Q8_ROW, t));
    if (a->eight) {
        spread_row(a, t, wanted);
        return;
    }
    if (wanted & 1u << RSN_ACT_Q8_32)
        kernels->quantize_q8(x, a->width, row_at(a, RSN_ACT_Q8_32, t));
    if (wanted & 1u << RSN_ACT_Q8_256)
        kernels->quantize_q8_256(x, a->width, row_at(a, RSN_ACT_Q8_256, t));
}

/* out[t][0 .. end - begin) = rows [begin, end) of w . activations of token t; out_stride
 * apart. */
static void product(const pass *p, const rsn_matrix *w, const acts *a, size_t begin,
                    size_t end, size_t n, float *out, size_t out_stride) {
    rsn_act kind = kind_of(a, w);
    const void *x = kind == RSN_ACT_F32 ? (const void *)a->f : (const void *)a->rows[kind];
    size_t x_stride = kind == RSN_ACT_F32 ? a->width * sizeof(float) : a->stride[kind];
    p->m->kernels->product[w->type->type](w->cols, w->data + begin * w->row_bytes,
                                          w->row_bytes, end - begin, x, x_stride, n, out,
                                          out_stride);
    for (size_t t = 0; w->scale != 1 && t < n; t++)
        p->m->kernels->scale(out + t * out_stride, w->scale, end - begin);
}

/* x += y in elements [begin, end) of row t. */
static void add_branch(const pass *p, size_t t, size_t begin, size_t end) {
    size_t width = p->m->hp.n_embd;
    if (p->m->hp.residual_scale != 1)
        p->m->kernels->scale(p->y + t * width + begin, p->m->hp.residual_scale,
                             end - begin);
    p->m->kernels->add(p->x + t * width + begin, p->y + t * width + begin, end - begin);
}

/* y rows [begin, end) = w . a, then x += y there unless whole rows of y are normalized
 * first. */
static void product_add(const pass *p, const rsn_matrix *w, const acts *a,
                        const float *post_norm, int ith, int count) {
    size_t begin, end, n = p->step->n, width = p->m->hp.n_embd;
    rsn_pool_share(w->rows, ROW_GRAIN, ith, count, &begin, &end);
    if (begin == end)
        return;
    product(p, w, a, begin, end, n, p->y + begin, width);
    for (size_t t = 0; !post_norm && t < n; t++)
        add_branch(p, t, begin, end);
}

/* --- stages: worker `ith` of `count` ----------------------------------------------- */

/* Sines and cosines of token t's position. */
static void make_angles(const pass *p, size_t t) {
    size_t half = p->m->hp.n_rot / 2, position = p->step->kv->n + t;
    for (size_t k = 0; k < 2 && (k == 0 || p->ropes[1] != p->ropes[0]); k++) {
        for (size_t i = 0; i < half; i++) {
            double sine, cosine;
            rsn_sincos((double)position * p->ropes[k]->inv_freq[i], &sine, &cosine);
            p->cos[k][t * half + i] = (float)(cosine * p->ropes[k]->factor);
            p->sin[k][t * half + i] = (float)(sine * p->ropes[k]->factor);
        }
    }
}

static void embed(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_matrix *w = &p->m->weights.embedding;
    size_t begin, end;
    rsn_pool_share(p->step->n, 1, ith, count, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        float *x = p->x + t * w->cols;
        rsn_type_decode(w->type, w->data + (size_t)p->step->tokens[t] * w->row_bytes, x,
                        w->cols);
        if (w->scale != 1)
            p->m->kernels->scale(x, w->scale, w->cols);
        if (p->m->hp.embed_scale != 1)
            p->m->kernels->scale(x, p->m->hp.embed_scale, w->cols);
        make_angles(p, t);
    }
}

/* The stream as products read it; no weight: as it is. */
static void normalize(const pass *p, const float *weight, const acts *a, unsigned wanted,
                      int ith, int count) {
    size_t begin, end, width = p->m->hp.n_embd;
    rsn_pool_share(p->step->n, 1, ith, count, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        const float *x = p->x + t * width;
        if (weight)
            p->m->kernels->rms_norm(x, weight, a->f + t * width, width,
                                    p->m->hp.rms_eps);
        else
            memcpy(a->f + t * width, x, width * sizeof *x);
        prepare_row(p, a, t, wanted);
    }
}

static void normalize_attention(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_layer *l = p->layer;
    unsigned wanted = want(&p->in, &l->q) | want(&p->in, &l->k) | want(&p->in, &l->v);
    normalize(p, l->attn_norm, &p->in, wanted, ith, count);
}

static void normalize_ffn(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_layer *l = p->layer;
    normalize(p, l->ffn_norm, &p->in, want(&p->in, &l->gate) | want(&p->in, &l->up), ith,
              count);
}

/* q, k and v are one list of rows, so that workers share them evenly. */
static void project_qkv(void *arg, int ith, int count) {
    const pass *p = arg;
    const struct {
        const rsn_matrix *w;
        const float *bias;
        float *out;
    } parts[3] = {{&p->layer->q, p->layer->q_bias, p->q},
                  {&p->layer->k, p->layer->k_bias, p->k},
                  {&p->layer->v, p->layer->v_bias, p->v}};
    size_t begin, end, first = 0, n = p->step->n;
    rsn_pool_share(parts[0].w->rows + parts[1].w->rows + parts[2].w->rows, ROW_GRAIN, ith,
                   count, &begin, &end);
    for (int i = 0; i < 3; i++) {
        size_t rows = parts[i].w->rows;
        size_t from = begin > first ? begin - first : 0;
        size_t to = end > first ? end - first : 0;
        to = to < rows ? to : rows;
        first += rows;
        if (from >= to)
            continue;
        product(p, parts[i].w, &p->in, from, to, n, parts[i].out + from, rows);
        for (size_t t = 0; parts[i].bias && t < n; t++)
            p->m->kernels->add(parts[i].out + t * rows + from, parts[i].bias + from,
                               to - from);
    }
}

static bool has(const pass *p, unsigned trait) {
    return (p->m->arch->traits.bits & trait) != 0;
}

/* Norm and RoPE of a token's query or key heads. */
static void turn_heads(const pass *p, float *heads, size_t n_heads, const float *norm,
                       size_t t) {
    const rsn_hparams *hp = &p->m->hp;
    size_t half = hp->n_rot / 2, dim = hp->head_dim;
    size_t parts = has(p, RSN_TRAIT_QK_NORM_WIDE) ? 1 : n_heads;
    for (size_t h = 0; norm && h < parts; h++) {
        size_t width = n_heads / parts * dim;
        p->m->kernels->rms_norm(heads + h * width, norm, heads + h * width, width,
                                hp->rms_eps);
    }
    size_t k = p->windowed && p->ropes[1] != p->ropes[0];
    for (size_t h = 0; rsn_has_rope(hp, p->index) && h < n_heads; h++)
        p->m->kernels->rope(heads + h * dim, hp->n_rot, p->cos[k] + t * half,
                            p->sin[k] + t * half, has(p, RSN_TRAIT_ROPE_ADJACENT));
}

static void store_head(const pass *p, const float *head, size_t position, bool value,
                       size_t h) {
    const rsn_type_info *type = p->step->kv->type;
    size_t dim = p->m->hp.head_dim, row = position % RSN_KV_BLOCK;
    unsigned char *block = rsn_kv_at(p->step->kv, position / RSN_KV_BLOCK, p->index, value, h);
    unsigned char *to = block + row * rsn_type_row_bytes(type, dim);
    if (type->type == RSN_TYPE_F16)
        p->m->kernels->f16_from_f32(head, (uint16_t *)(void *)to, dim);
    else
        type->encode(head, NULL, to, dim);
}

/* Norm and RoPE of every head, then keys and values into the cache; workers take tokens.
 */
static void place_heads(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_hparams *hp = &p->m->hp;
    size_t begin, end, dim = hp->head_dim;
    rsn_pool_share(p->step->n, 1, ith, count, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        size_t position = p->step->kv->n + t;
        const float *k = p->k + t * hp->n_heads_kv * dim;
        const float *v = p->v + t * hp->n_heads_kv * dim;
        turn_heads(p, p->q + t * hp->n_heads * dim, hp->n_heads, p->layer->q_norm, t);
        turn_heads(p, p->k + t * hp->n_heads_kv * dim, hp->n_heads_kv, p->layer->k_norm,
                   t);
        for (size_t h = 0; h < hp->n_heads_kv; h++) {
            store_head(p, k + h * dim, position, false, h);
            store_head(p, v + h * dim, position, true, h);
        }
    }
}

/* Workers take (token, head) pairs in turn: later tokens see more positions. */
static void attend(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_hparams *hp = &p->m->hp;
    size_t dim = hp->head_dim, group = hp->n_heads / hp->n_heads_kv;
    const void **keys = p->block_lists + (size_t)ith * 2 * p->n_blocks;
    const void **values = keys + p->n_blocks;
    rsn_attention seen = {.head_dim = dim,
                          .scale = hp->attn_scale,
                          .cap = hp->attn_cap,
                          .key_blocks = keys,
                          .value_blocks = values,
                          .type = p->step->kv->type->type};
    for (size_t i = (size_t)ith; i < p->step->n * hp->n_heads; i += (size_t)count) {
        size_t kv_head = i % hp->n_heads / group;
        seen.end = p->step->kv->n + i / hp->n_heads + 1;
        seen.first = p->windowed && seen.end > hp->window ? seen.end - hp->window : 0;
        for (size_t b = seen.first / RSN_KV_BLOCK; b * RSN_KV_BLOCK < seen.end; b++) {
            keys[b] = rsn_kv_at(p->step->kv, b, p->index, false, kv_head);
            values[b] = rsn_kv_at(p->step->kv, b, p->index, true, kv_head);
        }
        rsn_attention_head(p->m->kernels, &seen, p->q + i * dim, p->mix.f + i * dim,
                           p->head_scratch + (size_t)ith * p->head_scratch_n);
    }
}

/* What goes into a projection back to the residual stream: normalized where the
 * architecture has that, in the form its weights want. */
static void prepare_back(const pass *p, const acts *a, const float *norm,
                         const rsn_matrix *w, int ith, int count) {
    size_t begin, end;
    rsn_pool_share(p->step->n, 1, ith, count, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        float *x = a->f + t * a->width;
        if (norm)
            p->m->kernels->rms_norm(x, norm, x, a->width, p->m->hp.rms_eps);
        prepare_row(p, a, t, want(a, w));
    }
}

static void prepare_mix(void *arg, int ith, int count) {
    const pass *p = arg;
    prepare_back(p, &p->mix, p->layer->attn_sub_norm, &p->layer->o, ith, count);
}

static void prepare_ff(void *arg, int ith, int count) {
    const pass *p = arg;
    prepare_back(p, &p->ff, p->layer->ffn_sub_norm, &p->layer->down, ith, count);
}

static void project_mix(void *arg, int ith, int count) {
    const pass *p = arg;
    product_add(p, &p->layer->o, &p->mix, p->layer->attn_post_norm, ith, count);
}

/* Normalizes whole rows of y and adds them to the stream. */
static void add_normalized(const pass *p, const float *norm, int ith, int count) {
    size_t begin, end, width = p->m->hp.n_embd;
    rsn_pool_share(p->step->n, 1, ith, count, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        float *y = p->y + t * width;
        p->m->kernels->rms_norm(y, norm, y, width, p->m->hp.rms_eps);
        add_branch(p, t, 0, width);
    }
}

static void add_mix(void *arg, int ith, int count) {
    const pass *p = arg;
    add_normalized(p, p->layer->attn_post_norm, ith, count);
}

static void add_ff(void *arg, int ith, int count) {
    const pass *p = arg;
    add_normalized(p, p->layer->ffn_post_norm, ith, count);
}

static void project_gate_up(void *arg, int ith, int count) {
    const pass *p = arg;
    size_t begin, end, n = p->step->n, width = p->ff.width;
    rsn_gate_fn gate = has(p, RSN_TRAIT_RELU2)  ? p->m->kernels->relu2_mul
                       : has(p, RSN_TRAIT_GELU) ? p->m->kernels->gelu_mul
                                                : p->m->kernels->silu_mul;
    rsn_pool_share(width, ROW_GRAIN, ith, count, &begin, &end);
    if (begin == end)
        return;
    product(p, &p->layer->gate, &p->in, begin, end, n, p->ff.f + begin, width);
    product(p, &p->layer->up, &p->in, begin, end, n, p->up + begin, width);
    for (size_t t = 0; t < n; t++)
        gate(p->ff.f + t * width + begin, p->up + t * width + begin,
             p->ff.f + t * width + begin, end - begin);
}

static void project_down(void *arg, int ith, int count) {
    const pass *p = arg;
    product_add(p, &p->layer->down, &p->ff, p->layer->ffn_post_norm, ith, count);
}

static void normalize_output(void *arg, int ith, int count) {
    const pass *p = arg;
    normalize(p, p->m->weights.output_norm, &p->head,
              want(&p->head, &p->m->weights.output), ith, count);
}

static void project_output(void *arg, int ith, int count) {
    const pass *p = arg;
    const rsn_hparams *hp = &p->m->hp;
    const rsn_matrix *w = &p->m->weights.output;
    size_t begin, end, first = p->step->all ? 0 : p->step->n - 1;
    rsn_pool_share(w->rows, ROW_GRAIN, ith, count, &begin, &end);
    acts rows = p->head;
    rows.f += first * rows.width;
    for (rsn_act kind = RSN_ACT_Q8_32; kind < RSN_N_ACTS; kind++)
        rows.rows[kind] += first * rows.stride[kind];
    if (begin == end)
        return;
    product(p, w, &rows, begin, end, p->step->n - first, p->step->logits + begin,
            w->rows);
    for (size_t t = 0; t < p->step->n - first; t++) {
        float *logits = p->step->logits + t * w->rows + begin;
        if (hp->logit_scale != 1)
            p->m->kernels->scale(logits, hp->logit_scale, end - begin);
        if (hp->logit_cap > 0)
            p->m->kernels->soft_cap(logits, hp->logit_cap, end - begin);
    }
}

/* --- the order of stages ----------------------------------------------------------- */

/* Multiply-adds of a stage, roughly: whether waking the pool pays. */
static uint64_t work_qkv(const pass *p) {
    return (uint64_t)(p->layer->q.rows + 2 * p->layer->k.rows) * p->layer->q.cols;
}

static uint64_t work_attention(const pass *p) {
    return (uint64_t)p->mix.width * 2 * (p->step->kv->n + p->step->n);
}

static uint64_t work_mix(const pass *p) {
    return (uint64_t)p->layer->o.rows * p->layer->o.cols;
}

static uint64_t work_ffn(const pass *p) {
    return (uint64_t)p->ff.width * p->in.width;
}

static uint64_t work_output(const pass *p) {
    return (uint64_t)p->m->weights.output.rows * p->m->weights.output.cols;
}

/* Passes over activations: a few instructions a value. */
static uint64_t work_values(const pass *p) {
    return (uint64_t)p->in.width * 16;
}

typedef struct stage {
    rsn_job_fn job;
    uint64_t (*work)(const pass *p); /* of one token */
    unsigned trait; /* only of architectures that have it; 0: of all */
} stage;

static const stage LAYER[] = {
    {normalize_attention, work_values, 0},
    {project_qkv, work_qkv, 0},
    {place_heads, work_values, 0},
    {attend, work_attention, 0},
    {prepare_mix, work_values, 0},
    {project_mix, work_mix, 0},
    {add_mix, work_values, RSN_TRAIT_POST_NORM},
    {normalize_ffn, work_values, 0},
    {project_gate_up, work_ffn, 0},
    {prepare_ff, work_values, 0},
    {project_down, work_ffn, 0},
    {add_ff, work_values, RSN_TRAIT_POST_NORM},
};

static const stage OUTPUT[] = {{normalize_output, work_values, 0},
                               {project_output, work_output, 0}};

static reason_status run_stages(pass *p, const stage *stages, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (stages[i].trait && !has(p, stages[i].trait))
            continue;
        if (rsn_pool_pays(p->step->pool, stages[i].work(p) * p->step->n))
            rsn_pool_run(p->step->pool, stages[i].job, p);
        else
            stages[i].job(p, 0, 1);
        if (rsn_cancelled(p->step->cancel))
            return rsn_fail(REASON_ERR_CANCELLED, "cancelled at position %zu",
                            p->step->kv->n);
    }
    return REASON_OK;
}

/* The RoPE tables of a timeline follow from its context's size. */
static void choose_ropes(pass *p) {
    const rsn_rope *ropes = p->m->ropes;
    bool stretched = ropes[RSN_ROPE_LONG].inv_freq &&
                     p->step->kv->n_ctx > p->m->hp.rope.n_ctx_orig;
    p->ropes[0] = &ropes[stretched ? RSN_ROPE_LONG : RSN_ROPE_SHORT];
    p->ropes[1] = ropes[RSN_ROPE_LOCAL].inv_freq ? &ropes[RSN_ROPE_LOCAL] : p->ropes[0];
}

reason_status rsn_dense_forward(const rsn_step *step) {
    pass p = {.step = step, .m = step->model};
    lay_out(step->model, step->scratch, &p);
    choose_ropes(&p);
    embed(&p, 0, 1);
    reason_status status = REASON_OK;
    for (p.index = 0; p.index < p.m->hp.n_layers && status == REASON_OK; p.index++) {
        p.layer = &p.m->weights.layers[p.index];
        p.windowed = rsn_has_window(&p.m->hp, p.index);
        status = run_stages(&p, LAYER, sizeof LAYER / sizeof *LAYER);
    }
    if (status == REASON_OK && step->logits)
        status = run_stages(&p, OUTPUT, sizeof OUTPUT / sizeof *OUTPUT);
    if (status == REASON_OK)
        step->kv->n += step->n;
    return status;
}
