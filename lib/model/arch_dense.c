/* The forward pass of dense decoders: per layer normalization, attention with grouped
 * keys, normalization, gated feed-forward, each added to the residual stream. What an
 * architecture has beside that or in another place is a trait (traits.h).
 *
 * Owns the order of the stages. Each is a job over the pool, whose workers take rows of a
 * product, tokens or heads piece by piece. Invariant: an output element is computed by
 * one worker in the kernels' canonical order, so neither threads nor chunks nor the other
 * rows of a pass change a bit. */
#include <string.h>

#include "kernels/pack.h"
#include "kernels/q8.h"
#include "model/dense.h"

/* Rows a worker takes at least: a multiple of what the products compute at once. */
enum { ROW_GRAIN = 32 };

/* --- pieces that stages share ------------------------------------------------------ */

/* The kind of rows that a product of these weights with `a` reads. */
static rsn_act kind_of(const rsn_acts *a, const rsn_matrix *w) {
    bool whole_row = a->bits != 0 && w->type->act == RSN_ACT_Q8_256;
    return whole_row ? RSN_ACT_Q8_ROW : w->type->act;
}

/* A set of kinds as bits. */
static unsigned want(const rsn_acts *a, const rsn_matrix *w) {
    return 1u << kind_of(a, w);
}

/* Puts the values that a row stands for in the place of the exact ones. */
static void take_back(float *x, const unsigned char *row, size_t width) {
    const int8_t *q = (const int8_t *)row;
    float scale;
    memcpy(&scale, row + rsn_q8_256_scales_at(width), sizeof scale);
    for (size_t i = 0; i < width; i++)
        x[i] = scale * (float)q[i];
}

static unsigned char *row_at(const rsn_acts *a, rsn_act kind, size_t t) {
    return a->rows[kind] + t * a->stride[kind];
}

/* The values of a whole row in the other forms that are wanted. */
static void spread_row(const rsn_acts *a, size_t t, unsigned wanted) {
    const unsigned char *row = row_at(a, RSN_ACT_Q8_ROW, t);
    if (wanted & 1u << RSN_ACT_F32)
        take_back(a->f + t * a->width, row, a->width);
    if (wanted & 1u << RSN_ACT_Q8_32)
        rsn_q8_from_row(row, a->width, row_at(a, RSN_ACT_Q8_32, t));
}

/* Makes the wanted forms of row t. */
static void prepare_row(const rsn_pass *p, const rsn_acts *a, size_t t, unsigned wanted) {
    const rsn_kernels *kernels = p->m->kernels;
    const float *x = a->f + t * a->width;
    if (a->bits == 4)
        kernels->quantize_q4_row(x, a->width, row_at(a, RSN_ACT_Q8_ROW, t));
    else if (a->bits == 8 || (wanted & 1u << RSN_ACT_Q8_ROW))
        kernels->quantize_q8_row(x, a->width, row_at(a, RSN_ACT_Q8_ROW, t));
    if (a->bits != 0) {
        spread_row(a, t, wanted);
        return;
    }
    if (wanted & 1u << RSN_ACT_Q8_32)
        kernels->quantize_q8(x, a->width, row_at(a, RSN_ACT_Q8_32, t));
    if (wanted & 1u << RSN_ACT_Q8_256)
        kernels->quantize_q8_256(x, a->width, row_at(a, RSN_ACT_Q8_256, t));
}

/* Makes of rows [begin, end) what products with these matrices read. Adapters read the
 * values before they are rounded. */
static void prepare(const rsn_pass *p, const rsn_acts *a, const rsn_matrix *const *readers,
                    size_t n_readers, size_t begin, size_t end) {
    size_t width = p->m->weights.low_width;
    unsigned wanted = 0;
    for (size_t i = 0; i < n_readers; i++) {
        wanted |= want(a, readers[i]);
        if (readers[i]->low)
            rsn_lowrank_reduce(p->m->kernels, readers[i]->low, a->f + begin * a->width,
                               a->width, end - begin, p->low + begin * width, width);
    }
    for (size_t t = begin; t < end; t++)
        prepare_row(p, a, t, wanted);
}

/* out[t][0 .. end - begin) = rows [begin, end) of w . activations of token t; out_stride
 * apart. */
static void product(const rsn_pass *p, const rsn_matrix *w, const rsn_acts *a,
                    size_t begin, size_t end, size_t n, float *out, size_t out_stride) {
    rsn_act kind = kind_of(a, w);
    const void *x = kind == RSN_ACT_F32 ? (const void *)a->f : (const void *)a->rows[kind];
    size_t x_stride = kind == RSN_ACT_F32 ? a->width * sizeof(float) : a->stride[kind];
    const rsn_observer *observer = p->step->observer;
    if (observer && begin == 0)
        observer->see(observer->user, w, a->f, n);
    p->m->kernels->product[w->type->type](w->cols, w->data + begin * w->row_bytes,
                                          w->row_bytes, end - begin, x, x_stride, n, out,
                                          out_stride);
    for (size_t t = 0; w->scale != 1 && t < n; t++)
        p->m->kernels->scale(out + t * out_stride, w->scale, end - begin);
    if (w->low)
        rsn_lowrank_expand(p->m->kernels, w->low, begin, end, p->low,
                           p->m->weights.low_width, n, out, out_stride);
}

/* x += y in elements [begin, end) of row t. */
static void add_branch(const rsn_pass *p, size_t t, size_t begin, size_t end) {
    size_t width = p->m->hp.n_embd;
    if (p->m->hp.residual_scale != 1)
        p->m->kernels->scale(p->y + t * width + begin, p->m->hp.residual_scale,
                             end - begin);
    p->m->kernels->add(p->x + t * width + begin, p->y + t * width + begin, end - begin);
}

/* y rows [begin, end) = w . a, then x += y there unless whole rows of y are normalized
 * first. */
static void product_add(const rsn_pass *p, const rsn_matrix *w, const rsn_acts *a,
                        const float *post_norm, size_t begin, size_t end) {
    size_t n = p->n, width = p->m->hp.n_embd;
    product(p, w, a, begin, end, n, p->y + begin, width);
    for (size_t t = 0; !post_norm && t < n; t++)
        add_branch(p, t, begin, end);
}

/* --- stages: rows [begin, end) of a product, or tokens ------------------------------ */

static void embed(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_matrix *w = &p->m->weights.embedding;
    for (size_t t = begin; t < end; t++) {
        float *x = p->x + t * w->cols;
        if (p->rows[t].input)
            memcpy(x, p->rows[t].input, w->cols * sizeof *x);
        else
            rsn_model_embedding(p->m, (size_t)p->rows[t].token, x);
        rsn_dense_angles(p, t);
    }
}

/* Row t of the stream into row `to` of a; no weight: as it is. */
static void normalize_row(const rsn_pass *p, const float *weight, size_t t,
                          const rsn_acts *a, size_t to) {
    size_t width = p->m->hp.n_embd;
    const float *x = p->x + t * width;
    if (weight)
        p->m->kernels->rms_norm(x, weight, a->f + to * width, width, p->m->hp.rms_eps);
    else
        memcpy(a->f + to * width, x, width * sizeof *x);
}

static void normalize(const rsn_pass *p, const float *weight,
                      const rsn_matrix *const *readers, size_t n_readers, size_t begin,
                      size_t end) {
    for (size_t t = begin; t < end; t++)
        normalize_row(p, weight, t, &p->in, t);
    prepare(p, &p->in, readers, n_readers, begin, end);
}

static void normalize_attention(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_layer *l = p->layer;
    const rsn_matrix *const readers[] = {&l->q, &l->k, &l->v};
    normalize(p, l->attn_norm, readers, 3, begin, end);
}

static void normalize_ffn(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_layer *l = p->layer;
    const rsn_matrix *const readers[] = {&l->gate, &l->up};
    normalize(p, l->ffn_norm, readers, 2, begin, end);
}

/* q, k and v are one list of rows, so that workers share them evenly. */
static void project_qkv(const rsn_pass *p, size_t begin, size_t end) {
    const struct {
        const rsn_matrix *w;
        const float *bias;
        float *out;
    } parts[3] = {{&p->layer->q, p->layer->q_bias, p->q},
                  {&p->layer->k, p->layer->k_bias, p->k},
                  {&p->layer->v, p->layer->v_bias, p->v}};
    size_t first = 0, n = p->n;
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

/* What goes into a projection back to the residual stream: normalized and transformed
 * where the model has that, in the form its weights want. */
static void prepare_back(const rsn_pass *p, const rsn_acts *a, const float *norm,
                         const rsn_matrix *w, size_t begin, size_t end) {
    for (size_t t = begin; t < end; t++) {
        float *x = a->f + t * a->width;
        if (norm)
            p->m->kernels->rms_norm(x, norm, x, a->width, p->m->hp.rms_eps);
        if (p->m->hp.hadamard)
            p->m->kernels->hadamard(x, a->width);
    }
    prepare(p, a, &w, 1, begin, end);
}

static void prepare_mix(const rsn_pass *p, size_t begin, size_t end) {
    prepare_back(p, &p->mix, p->layer->attn_sub_norm, &p->layer->o, begin, end);
}

static void prepare_ff(const rsn_pass *p, size_t begin, size_t end) {
    prepare_back(p, &p->ff, p->layer->ffn_sub_norm, &p->layer->down, begin, end);
}

static void project_mix(const rsn_pass *p, size_t begin, size_t end) {
    product_add(p, &p->layer->o, &p->mix, p->layer->attn_post_norm, begin, end);
}

/* Normalizes whole rows of y and adds them to the stream. */
static void add_normalized(const rsn_pass *p, const float *norm, size_t begin,
                      size_t end) {
    size_t width = p->m->hp.n_embd;
    for (size_t t = begin; t < end; t++) {
        float *y = p->y + t * width;
        p->m->kernels->rms_norm(y, norm, y, width, p->m->hp.rms_eps);
        add_branch(p, t, 0, width);
    }
}

static void add_mix(const rsn_pass *p, size_t begin, size_t end) {
    add_normalized(p, p->layer->attn_post_norm, begin, end);
}

static void add_ff(const rsn_pass *p, size_t begin, size_t end) {
    add_normalized(p, p->layer->ffn_post_norm, begin, end);
}

static void project_gate_up(const rsn_pass *p, size_t begin, size_t end) {
    size_t n = p->n, width = p->ff.width;
    rsn_gate_fn gate = rsn_pass_has(p, RSN_TRAIT_RELU2)  ? p->m->kernels->relu2_mul
                       : rsn_pass_has(p, RSN_TRAIT_GELU) ? p->m->kernels->gelu_mul
                                                : p->m->kernels->silu_mul;
    product(p, &p->layer->gate, &p->in, begin, end, n, p->ff.f + begin, width);
    product(p, &p->layer->up, &p->in, begin, end, n, p->up + begin, width);
    for (size_t t = 0; t < n; t++)
        gate(p->ff.f + t * width + begin, p->up + t * width + begin,
             p->ff.f + t * width + begin, end - begin);
}

static void project_down(const rsn_pass *p, size_t begin, size_t end) {
    product_add(p, &p->layer->down, &p->ff, p->layer->ffn_post_norm, begin, end);
}

static void normalize_output(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_matrix *output = &p->m->weights.output;
    for (size_t i = begin; i < end; i++)
        normalize_row(p, p->m->weights.output_norm, p->out[i], &p->head, i);
    prepare(p, &p->head, &output, 1, begin, end);
}

/* As exact floats, for heads. */
static void give_hidden(const rsn_pass *p, size_t begin, size_t end) {
    size_t width = p->m->hp.n_embd;
    for (size_t i = begin; i < end; i++)
        p->m->kernels->rms_norm(p->x + p->out[i] * width, p->m->weights.output_norm,
                                p->step->hidden + i * width, width, p->m->hp.rms_eps);
}

static void project_output(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_hparams *hp = &p->m->hp;
    const rsn_matrix *w = &p->m->weights.output;
    product(p, w, &p->head, begin, end, p->n_out, p->step->logits + begin, w->rows);
    for (size_t i = 0; i < p->n_out; i++) {
        float *logits = p->step->logits + i * w->rows + begin;
        if (hp->logit_scale != 1)
            p->m->kernels->scale(logits, hp->logit_scale, end - begin);
        if (hp->logit_cap > 0)
            p->m->kernels->soft_cap(logits, hp->logit_cap, end - begin);
    }
}

/* --- the order of stages ----------------------------------------------------------- */

/* Multiply-adds of a stage, roughly: whether waking the pool pays. */
static uint64_t work_qkv(const rsn_pass *p) {
    return (uint64_t)(p->layer->q.rows + 2 * p->layer->k.rows) * p->layer->q.cols;
}

static uint64_t work_attention(const rsn_pass *p) {
    uint64_t seen = 0; /* the last row of a timeline sees most */
    for (size_t i = 0; i < p->step->n_runs; i++)
        seen += p->step->runs[i].kv->n + p->step->runs[i].n;
    return (uint64_t)p->mix.width * 2 * (seen / p->step->n_runs);
}

static uint64_t work_mix(const rsn_pass *p) {
    return (uint64_t)p->layer->o.rows * p->layer->o.cols;
}

static uint64_t work_ffn(const rsn_pass *p) {
    return (uint64_t)p->ff.width * p->in.width;
}

static uint64_t work_output(const rsn_pass *p) {
    return (uint64_t)p->m->weights.output.rows * p->m->weights.output.cols;
}

/* Passes over activations: a few instructions a value, and what adapters make of it. */
static uint64_t work_values(const rsn_pass *p) {
    return (uint64_t)p->in.width * (16 + p->m->weights.low_width);
}

/* Rows that a stage's workers share. */
static size_t rows_of_pass(const rsn_pass *p) {
    return p->n;
}

static size_t rows_qkv(const rsn_pass *p) {
    return p->layer->q.rows + p->layer->k.rows + p->layer->v.rows;
}

static size_t rows_embd(const rsn_pass *p) {
    return p->m->hp.n_embd;
}

static size_t rows_ff(const rsn_pass *p) {
    return p->ff.width;
}

static size_t rows_out(const rsn_pass *p) {
    return p->n_out;
}

static size_t rows_logits(const rsn_pass *p) {
    return p->m->weights.output.rows;
}

typedef struct stage {
    void (*run)(const rsn_pass *p, size_t begin, size_t end);
    size_t (*n)(const rsn_pass *p);
    size_t grain;
    uint64_t (*work)(const rsn_pass *p); /* of one token */
    unsigned trait; /* only of architectures that have it; 0: of all */
    rsn_job_fn job; /* instead of the first three: shares its work itself */
} stage;

#define TOKENS(run, rows) run, rows, 1
#define ROWS(run, rows) run, rows, ROW_GRAIN

static const stage LAYER[] = {
    {TOKENS(normalize_attention, rows_of_pass), work_values, 0, NULL},
    {ROWS(project_qkv, rows_qkv), work_qkv, 0, NULL},
    {TOKENS(rsn_dense_place_heads, rows_of_pass), work_values, 0, NULL},
    {NULL, NULL, 0, work_attention, 0, rsn_dense_attend},
    {TOKENS(prepare_mix, rows_of_pass), work_values, 0, NULL},
    {ROWS(project_mix, rows_embd), work_mix, 0, NULL},
    {TOKENS(add_mix, rows_of_pass), work_values, RSN_TRAIT_POST_NORM, NULL},
    {TOKENS(normalize_ffn, rows_of_pass), work_values, 0, NULL},
    {ROWS(project_gate_up, rows_ff), work_ffn, 0, NULL},
    {TOKENS(prepare_ff, rows_of_pass), work_values, 0, NULL},
    {ROWS(project_down, rows_embd), work_ffn, 0, NULL},
    {TOKENS(add_ff, rows_of_pass), work_values, RSN_TRAIT_POST_NORM, NULL},
};

static const stage OUTPUT[] = {
    {TOKENS(normalize_output, rows_out), work_values, 0, NULL},
    {ROWS(project_output, rows_logits), work_output, 0, NULL},
};

static const stage HIDDEN[] = {{TOKENS(give_hidden, rows_out), work_values, 0, NULL}};

/* Each worker takes an eighth of its share at a time, so that one that is held up leaves
 * the rest to the others; one worker alone takes all. */
static void share_stage(void *arg, int ith, int count) {
    rsn_pass *p = arg;
    const stage *s = p->stage;
    (void)ith;
    size_t n = s->n(p), steps = (n + s->grain - 1) / s->grain;
    size_t each = count == 1 ? steps : steps / ((size_t)count * 8);
    each = (each > 0 ? each : 1) * s->grain;
    for (size_t at; (at = atomic_fetch_add(&p->taken, each)) < n;)
        s->run(p, at, n - at < each ? n : at + each);
}

static reason_status run_stages(rsn_pass *p, const stage *stages, size_t n_stages,
                                size_t n_rows) {
    const rsn_step *step = p->step;
    for (size_t i = 0; i < n_stages; i++) {
        if (stages[i].trait && !rsn_pass_has(p, stages[i].trait))
            continue;
        rsn_job_fn job = stages[i].job ? stages[i].job : share_stage;
        p->stage = &stages[i];
        atomic_store(&p->taken, 0);
        if (rsn_pool_pays(step->pool, stages[i].work(p) * n_rows))
            rsn_pool_steal(step->pool, job, p);
        else
            job(p, 0, 1);
        if (rsn_cancelled(step->cancel))
            return rsn_fail(REASON_ERR_CANCELLED, "cancelled at position %zu",
                            step->runs[0].kv->n);
    }
    return REASON_OK;
}

/* A derived model's own (derive.h). */
static void steer(const rsn_pass *p) {
    size_t width = p->m->hp.n_embd;
    for (size_t t = 0; p->layer->steer && t < p->n; t++)
        p->m->kernels->add(p->x + t * width, p->layer->steer, width);
}

reason_status rsn_dense_forward(const rsn_step *step) {
    rsn_pass p;
    rsn_dense_begin(step, &p);
    embed(&p, 0, p.n);
    reason_status status = REASON_OK;
    for (p.index = 0; p.index < p.m->hp.n_layers && status == REASON_OK; p.index++) {
        p.layer = &p.m->weights.layers[p.index];
        p.windowed = rsn_has_window(&p.m->hp, p.layer->number);
        status = run_stages(&p, LAYER, sizeof LAYER / sizeof *LAYER, p.n);
        steer(&p);
    }
    if (status == REASON_OK && p.n_out > 0 && step->hidden)
        status = run_stages(&p, HIDDEN, 1, p.n_out);
    else if (status == REASON_OK && p.n_out > 0)
        status = run_stages(&p, OUTPUT, sizeof OUTPUT / sizeof *OUTPUT, p.n_out);
    for (size_t i = 0; status == REASON_OK && i < step->n_runs; i++)
        step->runs[i].kv->n += step->runs[i].n;
    return status;
}
