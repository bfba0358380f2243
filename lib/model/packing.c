/* Owns which matrices are packed, and by whom. Invariant: each is packed once; an embedding
 * is only where it is the output too, as else single rows of it are read. */
#include "model/packing.h"

#include "base/pool.h"
#include "kernels/pack.h"

/* Bytes that are packed in less time than threads take to start. */
enum { LEAST_BYTES = 8 << 20 };

static const size_t MATRICES[] = {
    offsetof(rsn_layer, q),    offsetof(rsn_layer, k),  offsetof(rsn_layer, v),
    offsetof(rsn_layer, o),    offsetof(rsn_layer, gate), offsetof(rsn_layer, up),
    offsetof(rsn_layer, down),
};
enum { N_MATRICES = sizeof MATRICES / sizeof *MATRICES };

typedef struct packing {
    const rsn_kernels *kernels;
    const rsn_hparams *hp;
    rsn_weights *w;
    const rsn_cancel *cancel;
    unsigned char *scratch; /* [workers][group_bytes] */
    size_t group_bytes;
} packing;

/* Matrix i of the model, the output behind those of the layers. */
static rsn_matrix *matrix_at(const packing *p, size_t i) {
    if (i == N_MATRICES * p->hp->n_layers) return &p->w->output;
    rsn_layer *layer = &p->w->layers[i / N_MATRICES];
    return (rsn_matrix *)(void *)((char *)layer + MATRICES[i % N_MATRICES]);
}

static size_t count_matrices(const packing *p) {
    return N_MATRICES * p->hp->n_layers + 1;
}

/* Each worker takes a part of every matrix. */
static void pack_share(void *arg, int ith, int count) {
    const packing *p = arg;
    for (size_t i = 0; i < count_matrices(p) && !rsn_cancelled(p->cancel); i++) {
        rsn_matrix *m = matrix_at(p, i);
        size_t begin, end, group = rsn_pack_group(p->kernels, m->type);
        rsn_pool_share(m->rows, group, ith, count, &begin, &end);
        rsn_pack(p->kernels, m->type, m->cols, m->data, begin, end,
                 p->scratch + (size_t)ith * p->group_bytes);
    }
}

static reason_status run(packing *p, rsn_pool *pool) {
    size_t n = pool ? (size_t)rsn_pool_size(pool) : 1;
    p->scratch = rsn_alloc2(n, p->group_bytes);
    if (!p->scratch) return REASON_ERR_NO_MEMORY;
    if (pool) {
        rsn_pool_enter(pool);
        rsn_pool_run(pool, pack_share, p);
        rsn_pool_leave(pool);
    } else {
        pack_share(p, 0, 1);
    }
    rsn_free(p->scratch);
    if (rsn_cancelled(p->cancel))
        return rsn_fail(REASON_ERR_CANCELLED, "loading was cancelled");
    return REASON_OK;
}

reason_status rsn_weights_pack(const rsn_kernels *kernels, const rsn_hparams *hp,
                               rsn_weights *w, const rsn_cancel *cancel) {
    packing p = {.kernels = kernels, .hp = hp, .w = w, .cancel = cancel};
    size_t bytes = 0;
    rsn_pool *pool = NULL;
    reason_status status = REASON_OK;
    for (size_t i = 0; i < count_matrices(&p); i++) {
        const rsn_matrix *m = matrix_at(&p, i);
        size_t group = rsn_pack_group(kernels, m->type);
        if (group == 1) continue;
        bytes += m->rows * m->row_bytes;
        if (p.group_bytes < group * m->row_bytes) p.group_bytes = group * m->row_bytes;
    }
    if (bytes == 0) return REASON_OK;
    if (bytes >= LEAST_BYTES) status = rsn_pool_new(0, &pool);
    if (status == REASON_OK) status = run(&p, pool);
    rsn_pool_release(pool);
    return status;
}
