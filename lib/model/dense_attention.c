/* Attention of dense decoders, between the projections to and from it: norm and RoPE of
 * heads, keys and values into the cache, queries against them. Owns which worker takes
 * which (tile, head); the arithmetic is kernels/attention.c's. Invariant: a row sees the
 * cache of its own timeline alone. */
#include "kernels/mathd.h"
#include "model/dense.h"

/* The tables of a timeline follow from the size of its session's context. */
static const rsn_rope *rope_of(const rsn_pass *p, const rsn_kv *kv, bool local) {
    return &p->m->ropes[local ? RSN_ROPE_LOCAL : rsn_model_rope(p->m, kv->n_session)];
}

void rsn_dense_angles(const rsn_pass *p, size_t t) {
    size_t half = p->m->hp.n_rot / 2;
    for (size_t k = 0; k < 1 + (size_t)p->local; k++) {
        const rsn_rope *rope = rope_of(p, p->rows[t].kv, k == 1);
        for (size_t i = 0; i < half; i++) {
            double sine, cosine;
            rsn_sincos((double)p->rows[t].position * rope->inv_freq[i], &sine, &cosine);
            p->cos[k][t * half + i] = (float)(cosine * rope->factor);
            p->sin[k][t * half + i] = (float)(sine * rope->factor);
        }
    }
}

/* Norm and RoPE of a token's query or key heads. */
static void turn_heads(const rsn_pass *p, float *heads, size_t n_heads, const float *norm,
                       size_t t) {
    const rsn_hparams *hp = &p->m->hp;
    size_t half = hp->n_rot / 2, dim = hp->head_dim;
    size_t parts = rsn_pass_has(p, RSN_TRAIT_QK_NORM_WIDE) ? 1 : n_heads;
    for (size_t h = 0; norm && h < parts; h++) {
        size_t width = n_heads / parts * dim;
        p->m->kernels->rms_norm(heads + h * width, norm, heads + h * width, width,
                                hp->rms_eps);
    }
    size_t k = p->windowed && p->local;
    for (size_t h = 0; rsn_has_rope(hp, p->layer->number) && h < n_heads; h++)
        p->m->kernels->rope(heads + h * dim, hp->n_rot, p->cos[k] + t * half,
                            p->sin[k] + t * half,
                            rsn_pass_has(p, RSN_TRAIT_ROPE_ADJACENT));
}

static void store_head(const rsn_pass *p, const rsn_row *row, const float *head,
                       bool value, size_t h) {
    const rsn_type_info *type = row->kv->type;
    size_t dim = p->m->hp.head_dim, at = row->position % RSN_KV_BLOCK;
    unsigned char *block =
        rsn_kv_at(row->kv, row->position / RSN_KV_BLOCK, p->index, value, h);
    unsigned char *to = block + at * rsn_type_row_bytes(type, dim);
    if (type->type == RSN_TYPE_F16)
        p->m->kernels->f16_from_f32(head, (uint16_t *)(void *)to, dim);
    else
        type->encode(head, NULL, to, dim);
}

/* Norm and RoPE of every head of tokens, then keys and values into the cache. */
void rsn_dense_place_heads(const rsn_pass *p, size_t begin, size_t end) {
    const rsn_hparams *hp = &p->m->hp;
    size_t dim = hp->head_dim, kv_width = hp->n_heads_kv * dim;
    for (size_t t = begin; t < end; t++) {
        float *k = p->k + t * kv_width;
        const float *v = p->v + t * kv_width;
        turn_heads(p, p->q + t * p->mix.width, hp->n_heads, p->layer->q_norm, t);
        turn_heads(p, k, hp->n_heads_kv, p->layer->k_norm, t);
        for (size_t h = 0; h < hp->n_heads_kv; h++) {
            store_head(p, &p->rows[t], k + h * dim, false, h);
            store_head(p, &p->rows[t], v + h * dim, true, h);
        }
    }
}

/* Attention of a tile's query heads [first, first + n_heads). */
static rsn_attention look(const rsn_pass *p, const rsn_tile *tile, size_t first,
                          size_t n_heads) {
    const rsn_hparams *hp = &p->m->hp;
    size_t at = tile->first * p->mix.width + first * hp->head_dim;
    return (rsn_attention){.head_dim = hp->head_dim,
                           .scale = hp->attn_scale,
                           .cap = hp->attn_cap,
                           .window = p->windowed ? hp->window : 0,
                           .type = p->rows[tile->first].kv->type->type,
                           .position = p->rows[tile->first].position,
                           .n_tokens = tile->n,
                           .n_heads = n_heads,
                           .q = p->q + at,
                           .out = p->mix.f + at,
                           .stride = p->mix.width};
}

static rsn_attention_rows rows_at(const rsn_pass *p, const rsn_kv *kv, size_t block,
                                  size_t kv_head) {
    return (rsn_attention_rows){rsn_kv_at(kv, block, p->index, false, kv_head),
                                rsn_kv_at(kv, block, p->index, true, kv_head)};
}

/* Lets the queries take in blocks [first, end). */
static void see_blocks(const rsn_pass *p, const rsn_attention *a, const rsn_kv *kv,
                       size_t kv_head, size_t first, size_t end,
                       rsn_attention_query *queries, float *wide) {
    for (size_t b = first; b < end; b++) {
        size_t next = b + 1 < end ? b + 1 : b;
        rsn_attention_block(p->m->kernels, a, b, rows_at(p, kv, b, kv_head),
                            rows_at(p, kv, next, kv_head), queries, wide);
    }
}

/* Query heads that share a head of keys come in parts of RSN_ATTENTION_QUERIES. */
static size_t parts_of_group(const rsn_hparams *hp) {
    size_t group = hp->n_heads / hp->n_heads_kv;
    return (group + RSN_ATTENTION_QUERIES - 1) / RSN_ATTENTION_QUERIES;
}

size_t rsn_dense_parts(const rsn_hparams *hp) {
    return hp->n_heads_kv * parts_of_group(hp);
}

/* A part of a tile's attention: some query heads that share a head of keys. */
typedef struct part {
    const rsn_tile *tile;
    const rsn_kv *kv;
    size_t kv_head, head; /* head: the first of the query heads */
    rsn_attention a;
    size_t first, end; /* blocks */
} part;

static part part_of(const rsn_pass *p, const rsn_tile *tile, size_t number) {
    const rsn_hparams *hp = &p->m->hp;
    size_t n_parts = parts_of_group(hp), group = hp->n_heads / hp->n_heads_kv;
    size_t skip = number % n_parts * RSN_ATTENTION_QUERIES, left = group - skip;
    part it = {.tile = tile, .kv = p->rows[tile->first].kv, .kv_head = number / n_parts};
    it.head = it.kv_head * group + skip;
    it.a = look(p, tile, it.head,
                left < RSN_ATTENTION_QUERIES ? left : RSN_ATTENTION_QUERIES);
    it.first = rsn_attention_first_block(&it.a);
    it.end = rsn_attention_end_block(&it.a);
    return it;
}

static void attend_part(const rsn_pass *p, const part *it, float *wide) {
    rsn_attention_query queries[RSN_ATTENTION_QUERIES];
    rsn_attention_begin(&it->a, queries);
    see_blocks(p, &it->a, it->kv, it->kv_head, it->first, it->end, queries, wide);
    rsn_attention_end(p->m->kernels, &it->a, queries);
}

/* What a block gave to the part's first query head; those of the others follow. */
static size_t slot_of(const rsn_pass *p, const part *it, size_t block) {
    return it->tile->slot + block * p->m->hp.n_heads + it->head;
}

static void merge_blocks(const rsn_pass *p, const part *it) {
    rsn_attention_query queries[RSN_ATTENTION_QUERIES];
    rsn_attention_begin(&it->a, queries);
    for (size_t b = it->first; b < it->end; b++)
        for (size_t h = 0; h < it->a.n_heads; h++)
            rsn_attention_merge(p->m->kernels, it->a.head_dim, &queries[h],
                                &p->split.results[slot_of(p, it, b) + h]);
    rsn_attention_end(p->m->kernels, &it->a, queries);
}

/* Piece by piece, each block for itself. */
static void attend_piece(const rsn_pass *p, const part *it, size_t piece, float *wide) {
    size_t first = piece * RSN_PIECE_BLOCKS, end = first + RSN_PIECE_BLOCKS;
    first = first > it->first ? first : it->first;
    end = end < it->end ? end : it->end;
    for (size_t b = first; b < end; b++) {
        size_t slot = slot_of(p, it, b);
        rsn_attention a = it->a;
        a.out = p->split.vectors + slot * a.head_dim;
        rsn_attention_begin(&a, &p->split.results[slot]);
        rsn_attention_block(p->m->kernels, &a, b, rows_at(p, it->kv, b, it->kv_head),
                            rows_at(p, it->kv, b + 1 < it->end ? b + 1 : b, it->kv_head),
                            &p->split.results[slot], wide);
    }
}

static void attend_split(rsn_pass *p, float *wide) {
    size_t parts = rsn_dense_parts(&p->m->hp), n_pieces = p->split.n_pieces;
    size_t n = p->n_tiles * parts * n_pieces;
    for (size_t i; (i = atomic_fetch_add(&p->taken, 1)) < n;) {
        atomic_size_t *left = &p->split.left[i / n_pieces];
        const part it =
            part_of(p, &p->tiles[i / n_pieces / parts], i / n_pieces % parts);
        attend_piece(p, &it, i % n_pieces, wide);
        if (atomic_fetch_sub(left, 1) > 1)
            continue;
        atomic_store(left, n_pieces); /* for the next layer */
        merge_blocks(p, &it);
    }
}

/* Workers take parts of tiles as they come free, the last ones first: those see the most
 * positions. */
void rsn_dense_attend(void *arg, int ith, int count) {
    rsn_pass *p = arg;
    size_t parts = rsn_dense_parts(&p->m->hp), n = p->n_tiles * parts;
    float *wide = p->wide + (size_t)ith * p->wide_n;
    if (count > 1 && p->split.n_pieces > 0) {
        attend_split(p, wide);
        return;
    }
    for (size_t i; (i = atomic_fetch_add(&p->taken, 1)) < n;) {
        const part it = part_of(p, &p->tiles[p->n_tiles - 1 - i / parts], i % parts);
        attend_part(p, &it, wide);
    }
}
