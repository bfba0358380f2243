/* The memory of a dense decoder's forward pass. Owns where in the scratch each array of a
 * pass lies and the lists of rows and tiles that a step amounts to. Invariant: a step
 * within the scratch's limits needs no other memory. */
#include <string.h>

#include "base/checked.h"
#include "model/dense.h"

/* With fewer parts of tiles a worker, some would wait for others too long. */
enum { SPLIT_BELOW = 8 };

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

static rsn_acts cut_acts(slab *s, const rsn_model *m, uint64_t n, size_t width) {
    rsn_acts a = {.width = width, .bits = m->hp.act_bits};
    a.f = cut(s, n, width, sizeof(float));
    for (rsn_act kind = RSN_ACT_Q8_32; kind < RSN_N_ACTS; kind++) {
        a.stride[kind] = rsn_act_row_bytes(kind, width);
        a.rows[kind] = cut(s, n, a.stride[kind], 1);
    }
    return a;
}

static slab lay_out(const rsn_model *m, const rsn_scratch *scratch, rsn_pass *p) {
    const rsn_hparams *hp = &m->hp;
    slab s = {.data = scratch->data, .ok = true};
    uint64_t n = scratch->n_chunk, workers = scratch->n_workers;
    size_t q_width = hp->n_heads * hp->head_dim, kv_width = hp->n_heads_kv * hp->head_dim;
    p->x = cut(&s, n, hp->n_embd, sizeof(float));
    p->in = cut_acts(&s, m, n, hp->n_embd);
    p->head = p->in;
    p->head.bits = 0;
    p->mix = cut_acts(&s, m, n, q_width);
    p->ff = cut_acts(&s, m, n, hp->n_ff);
    p->q = cut(&s, n, q_width, sizeof(float));
    p->k = cut(&s, n, kv_width, sizeof(float));
    p->v = cut(&s, n, kv_width, sizeof(float));
    p->up = cut(&s, n, hp->n_ff, sizeof(float));
    p->y = cut(&s, n, hp->n_embd, sizeof(float));
    p->low = cut(&s, n, m->weights.low_width, sizeof(float));
    p->local = m->ropes[RSN_ROPE_LOCAL].inv_freq != NULL;
    for (size_t i = 0; i < 1 + (size_t)p->local; i++) {
        p->cos[i] = cut(&s, n, hp->n_rot / 2, sizeof(float));
        p->sin[i] = cut(&s, n, hp->n_rot / 2, sizeof(float));
    }
    p->wide_n = rsn_attention_wide_floats(hp->head_dim);
    p->wide = cut(&s, workers, p->wide_n, sizeof(float));
    p->split.n_slots = hp->n_heads * (scratch->n_ctx / RSN_KV_BLOCK + 1);
    p->split.n_counters = SPLIT_BELOW * workers;
    p->split.results = cut(&s, p->split.n_slots, 1, sizeof *p->split.results);
    p->split.vectors = cut(&s, p->split.n_slots, hp->head_dim, sizeof(float));
    p->split.left = cut(&s, p->split.n_counters, 1, sizeof *p->split.left);
    p->rows = cut(&s, n, 1, sizeof *p->rows);
    p->tiles = cut(&s, n, 1, sizeof *p->tiles);
    p->out = cut(&s, n, 1, sizeof *p->out);
    return s;
}

reason_status rsn_dense_layout(const rsn_model *model, rsn_scratch *scratch) {
    rsn_pass p;
    slab s = lay_out(model, scratch, &p);
    if (!s.ok || !rsn_to_size(s.used, &scratch->n_bytes))
        return rsn_fail(
            REASON_ERR_LIMIT,
            "working memory for chunks of %zu tokens exceeds the address space",
            scratch->n_chunk);
    return REASON_OK;
}

/* A timeline's tokens are cut into tiles of as many queries as are worth a read of its
 * keys. */
static void add_tiles(rsn_pass *p, size_t first, size_t n) {
    size_t group = p->m->hp.n_heads / p->m->hp.n_heads_kv;
    size_t most = group < RSN_ATTENTION_QUERIES ? RSN_ATTENTION_QUERIES / group : 1;
    for (size_t at = 0; at < n; at += most)
        p->tiles[p->n_tiles++] =
            (rsn_tile){first + at, n - at < most ? n - at : most, 0};
}

static void add_run(rsn_pass *p, const rsn_run *run) {
    add_tiles(p, p->n, run->n);
    for (size_t i = 0; i < run->n; i++) {
        bool last = i + 1 == run->n;
        if (run->want == RSN_WANT_ALL || (run->want == RSN_WANT_LAST && last))
            p->out[p->n_out++] = p->n;
        const float *input = run->inputs ? run->inputs + i * p->m->hp.n_embd : NULL;
        p->rows[p->n++] = (rsn_row){run->kv, run->kv->n + i, run->tokens[i], input};
    }
}

/* Splits attention by blocks if every timeline gets one token, the tiles' parts are few
 * and all results have room. */
static void split_blocks(rsn_pass *p) {
    rsn_split *split = &p->split;
    size_t n_parts = p->n_tiles * rsn_dense_parts(&p->m->hp), slots = 0, most = 0;
    for (size_t i = 0; i < p->n_tiles; i++) {
        size_t n_blocks = p->rows[p->tiles[i].first].position / RSN_KV_BLOCK + 1;
        p->tiles[i].slot = slots;
        if (n_blocks > (split->n_slots - slots) / p->m->hp.n_heads)
            return;
        slots += n_blocks * p->m->hp.n_heads;
        most = n_blocks > most ? n_blocks : most;
    }
    if (p->n_tiles < p->n || n_parts > split->n_counters || most <= RSN_PIECE_BLOCKS)
        return;
    split->n_pieces = (most + RSN_PIECE_BLOCKS - 1) / RSN_PIECE_BLOCKS;
    for (size_t i = 0; i < n_parts; i++)
        atomic_init(&split->left[i], split->n_pieces);
}

void rsn_dense_begin(const rsn_step *step, rsn_pass *p) {
    memset(p, 0, sizeof *p);
    p->step = step;
    p->m = step->model;
    atomic_init(&p->taken, 0);
    lay_out(step->model, step->scratch, p);
    for (size_t i = 0; i < step->n_runs; i++)
        add_run(p, &step->runs[i]);
    split_blocks(p);
}
