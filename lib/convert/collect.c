/* Owns the sums over a model's activations. How they lie in a file is importance.c's, and
 * where activations are seen is the forward pass's. Invariant: a column's squares are
 * added in double, token after token in the order of the text, by one worker at a time; so
 * neither threads nor the size of a piece change a bit. */
#include "convert/collect.h"

#include <float.h>

#include "base/alloc.h"
#include "convert/chunks.h"
#include "convert/importance.h"
#include "decode/session.h"

/* Positions whose logits are held at once. The output is a product as well, so they are
 * computed though nobody reads them. */
enum { PIECE = 32 };

/* --- the sums ----------------------------------------------------------------------- */

static reason_status prepare_sums(const rsn_model *model, rsn_collected *c) {
    size_t n_cols = 0, at = 0;
    c->tensors = model->gguf.tensors;
    c->items = rsn_calloc2(model->gguf.n_tensors, sizeof *c->items);
    if (!c->items)
        return REASON_ERR_NO_MEMORY;
    c->n = model->gguf.n_tensors;
    for (size_t i = 0; i < c->n; i++) {
        const rsn_gguf_tensor *t = &c->tensors[i];
        c->items[i].name = t->name;
        c->items[i].cols = (size_t)t->ne[0];
        n_cols += c->items[i].cols;
    }
    c->sums = rsn_calloc2(n_cols, sizeof *c->sums);
    for (size_t i = 0; c->sums && i < c->n; at += c->items[i++].cols)
        c->items[i].sums = c->sums + at;
    return c->sums ? REASON_OK : REASON_ERR_NO_MEMORY;
}

/* An rsn_observer. Of a tensor that is several matrices the first one counts: the others
 * read the same. */
static void see(void *user, const rsn_matrix *w, const float *x, size_t n) {
    const rsn_collected *c = user;
    rsn_column_sums *of = &c->items[w->tensor - c->tensors];
    if (w->first_row > 0)
        return;
    for (size_t t = 0; t < n; t++, x += w->cols)
        for (size_t k = 0; k < w->cols; k++)
            of->sums[k] += (double)x[k] * (double)x[k];
    of->n_tokens += n;
}

static reason_status check_sums(const rsn_model *model, const rsn_collected *c) {
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->items[i].cols; k++)
            if (!(c->items[i].sums[k] <= FLT_MAX)) /* also where it is no number */
                return rsn_fail(REASON_ERR_FORMAT,
                                "%s: column %zu of what %s multiplies is not finite",
                                model->gguf.path, k, c->items[i].name.data);
    return REASON_OK;
}

/* Mean squares, as importance files are kept in memory. */
static reason_status add_entry(rsn_importance *imp, const rsn_column_sums *of) {
    rsn_importance_entry *e;
    reason_status status =
        rsn_importance_add(imp, of->name.data, of->name.n, of->cols, 1, &e);
    if (status != REASON_OK)
        return status;
    e->count[0] = (float)of->n_tokens;
    for (size_t k = 0; k < of->cols; k++)
        e->mean_square[k] = (float)(of->sums[k] / (double)of->n_tokens);
    return REASON_OK;
}

reason_status rsn_collected_write(const rsn_collected *c, const char *dataset,
                                  const char *path) {
    rsn_importance imp = {.chunk_count = (uint32_t)c->figures.n_chunks,
                          .chunk_size = (uint32_t)c->figures.n_ctx};
    reason_status status =
        dataset ? rsn_importance_add_dataset(&imp, dataset) : REASON_OK;
    for (size_t i = 0; i < c->n && status == REASON_OK; i++)
        if (c->items[i].n_tokens > 0)
            status = add_entry(&imp, &c->items[i]);
    if (status == REASON_OK)
        status = rsn_importance_write(path, &imp);
    rsn_importance_free(&imp);
    return status;
}

void rsn_collected_free(rsn_collected *c) {
    rsn_free(c->items);
    rsn_free(c->sums);
    *c = (rsn_collected){0};
}

/* --- the run ------------------------------------------------------------------------ */

typedef struct run {
    rsn_session *session;
    float *logits; /* [PIECE][n_vocab] */
    rsn_observer observer;
    rsn_watch watch;
} run;

static reason_status run_chunk(run *r, const rsn_chunk *chunk) {
    reason_status status = REASON_OK;
    rsn_timeline_truncate(&r->session->line, 0);
    for (size_t at = 0; at < chunk->n && status == REASON_OK; at += PIECE) {
        rsn_append what = {.tokens = chunk->tokens + at,
                           .n = chunk->n - at < PIECE ? chunk->n - at : PIECE,
                           .logits = r->logits,
                           .all = true,
                           .cancel = r->watch.cancel,
                           .observer = &r->observer};
        status = rsn_session_append(r->session, &what);
        if (status == REASON_OK)
            status = rsn_watch_report(&r->watch, what.n);
    }
    return status;
}

static reason_status open_run(const rsn_collection *what, size_t n_ctx, run *r) {
    rsn_session_setup setup = {
        .n_ctx = n_ctx, .n_chunk = PIECE, .kv = rsn_kv_type(REASON_KV_F16)};
    reason_status status =
        rsn_session_new(what->model, what->pool, &setup, &r->session);
    if (status != REASON_OK)
        return status;
    r->logits = rsn_alloc2(what->model->hp.n_vocab, PIECE * sizeof *r->logits);
    return r->logits ? REASON_OK : REASON_ERR_NO_MEMORY;
}

static reason_status run_all(const rsn_collection *what, run *r,
                             const rsn_chunks *chunks) {
    r->watch.total = chunks->n_tokens;
    rsn_pool_enter(what->pool);
    rsn_fpstate saved = rsn_fpstate_enter();
    reason_status status = rsn_watch_report(&r->watch, 0);
    for (size_t i = 0; i < chunks->n && status == REASON_OK; i++)
        status = run_chunk(r, &chunks->items[i]);
    rsn_fpstate_leave(saved);
    rsn_pool_leave(what->pool);
    return status;
}

static void tell(const rsn_chunks *chunks, rsn_collected *c) {
    c->figures = (reason_imatrix_result){.n_text = chunks->n_text,
                                         .n_chunks = chunks->n,
                                         .n_ctx = chunks->longest,
                                         .n_tokens = chunks->n_tokens};
    for (size_t i = 0; i < c->n; i++)
        c->figures.n_tensors += c->items[i].n_tokens > 0;
}

reason_status rsn_collect(const rsn_collection *what, rsn_collected *out) {
    const reason_imatrix_options *o = what->options;
    rsn_cancel cancel = {.token = o->cancel};
    rsn_chunks chunks = {0};
    run r = {.observer = {see, out},
             .watch = {"imatrix", &cancel, o->progress, o->progress_user, 0, 0}};
    rsn_chunks_setup setup = {.text = what->text,
                              .n_bytes = what->n_bytes,
                              .separator = o->separator,
                              .special = o->special,
                              .most = (size_t)o->n_chunks,
                              .least = 2};
    *out = (rsn_collected){0};
    reason_status status = rsn_watch_begin(&r.watch);
    if (status == REASON_OK)
        status = rsn_chunk_tokens(what->model, NULL, o->n_ctx, &setup.size);
    if (status == REASON_OK)
        status = rsn_chunks_make(what->model, &setup, &chunks);
    if (status == REASON_OK)
        status = prepare_sums(what->model, out);
    if (status == REASON_OK)
        status = open_run(what, setup.size, &r);
    if (status == REASON_OK)
        status = run_all(what, &r, &chunks);
    if (status == REASON_OK)
        status = check_sums(what->model, out);
    tell(&chunks, out);
    rsn_session_free(r.session);
    rsn_free(r.logits);
    rsn_chunks_free(&chunks);
    if (status != REASON_OK)
        rsn_collected_free(out);
    return status;
}
