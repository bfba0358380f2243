/* Owns which matrices are packed, and by whom. Invariant: each is packed once; an embedding
 * is only where it is the output too, as else single rows of it are read. */
#include "model/packing.h"

#include "base/pool.h"
#include "kernels/pack.h"

/* Bytes that are packed in less time than threads take to start. */
enum { LEAST_BYTES = 8 << 20 };

enum { ALIGNMENT = 64 };

typedef struct packing {
    const rsn_kernels *kernels;
    const rsn_hparams *hp;
    rsn_weights *w;
    const rsn_cancel *cancel;
    unsigned char *storage; /* NULL: in place */
    unsigned char *scratch; /* [workers][group_bytes] */
    size_t per_layer;          /* matrices */
    size_t bytes, group_bytes; /* of all matrices to be packed; of the largest group */
} packing;

/* Matrix i of the model, the output behind those of the layers. */
static rsn_matrix *matrix_at(const packing *p, size_t i) {
    if (i == p->per_layer * p->hp->n_layers) return &p->w->output;
    return rsn_layer_matrix(&p->w->layers[i / p->per_layer], i % p->per_layer);
}

static size_t count_matrices(const packing *p) {
    return p->per_layer * p->hp->n_layers + 1;
}

/* What a matrix takes in the storage; 0: it is not packed. */
static size_t storage_bytes(const packing *p, const rsn_matrix *m) {
    if (!m->data || rsn_pack_group(p->kernels, m->type) == 1) return 0;
    return (m->rows * m->row_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Each worker takes a part of every matrix. */
static void pack_share(void *arg, int ith, int count) {
    const packing *p = arg;
    size_t at = 0;
    for (size_t i = 0; i < count_matrices(p) && !rsn_cancelled(p->cancel); i++) {
        const rsn_matrix *m = matrix_at(p, i);
        size_t begin, end, bytes = storage_bytes(p, m);
        if (bytes == 0) continue;
        void *to = p->storage ? p->storage + at : (void *)(uintptr_t)m->data;
        rsn_pool_share(m->rows, rsn_pack_group(p->kernels, m->type), ith, count, &begin,
                       &end);
        rsn_pack(p->kernels, m->type, m->cols, m->data, begin, end, to,
                 p->scratch + (size_t)ith * p->group_bytes);
        at += bytes;
    }
}

/* The matrices are now in the storage. */
static void move_matrices(packing *p) {
    size_t at = 0;
    for (size_t i = 0; i < count_matrices(p); i++) {
        rsn_matrix *m = matrix_at(p, i);
        size_t bytes = storage_bytes(p, m);
        if (bytes == 0) continue;
        rsn_blob_forget(m->data, m->rows * m->row_bytes);
        m->data = p->storage + at;
        at += bytes;
    }
    if (p->w->tied) p->w->embedding = p->w->output;
}

static reason_status run(packing *p) {
    rsn_pool *pool = NULL;
    reason_status status = REASON_OK;
    if (p->bytes >= LEAST_BYTES) status = rsn_pool_new(0, &pool);
    if (status != REASON_OK) return status;
    size_t n = pool ? (size_t)rsn_pool_size(pool) : 1;
    p->scratch = rsn_alloc2(n, p->group_bytes);
    if (!p->scratch) {
        status = REASON_ERR_NO_MEMORY;
    } else if (pool) {
        rsn_pool_enter(pool);
        rsn_pool_run(pool, pack_share, p);
        rsn_pool_leave(pool);
    } else {
        pack_share(p, 0, 1);
    }
    rsn_free(p->scratch);
    rsn_pool_release(pool);
    if (status == REASON_OK && rsn_cancelled(p->cancel))
        status = rsn_fail(REASON_ERR_CANCELLED, "loading was cancelled");
    return status;
}

reason_status rsn_weights_pack(const rsn_kernels *kernels, const rsn_hparams *hp,
                               bool in_place, const rsn_cancel *cancel, rsn_weights *w,
                               void **storage) {
    packing p = {.kernels = kernels, .hp = hp, .w = w, .cancel = cancel};
    *storage = NULL;
    while (rsn_layer_matrix(w->layers, p.per_layer)) p.per_layer++;
    for (size_t i = 0; i < count_matrices(&p); i++) {
        const rsn_matrix *m = matrix_at(&p, i);
        if (!m->data) continue; /* no output */
        size_t group_bytes = rsn_pack_group(kernels, m->type) * m->row_bytes;
        p.bytes += storage_bytes(&p, m);
        p.group_bytes = group_bytes > p.group_bytes ? group_bytes : p.group_bytes;
    }
    if (p.bytes == 0) return REASON_OK;
    if (!in_place) {
        *storage = rsn_alloc_aligned(p.bytes);
        if (!*storage) return REASON_ERR_NO_MEMORY;
        p.storage = *storage;
    }
    reason_status status = run(&p);
    if (status == REASON_OK && p.storage) move_matrices(&p);
    return status;
}
