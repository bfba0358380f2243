/* Architectures: a row each in one table, and the interface that every forward pass has.
 */
#ifndef REASON_MODEL_ARCH_H
#define REASON_MODEL_ARCH_H

#include "base/cancel.h"
#include "base/pool.h"
#include "kernels/table.h"
#include "model/kvcache.h"
#include "model/weights.h"

struct reason_model;

/* Working memory of a forward pass, laid out by the architecture. */
typedef struct rsn_scratch {
    unsigned char *data; /* [n_bytes], 64-byte aligned */
    size_t n_bytes;
    size_t n_chunk;   /* most tokens of one pass */
    size_t n_workers; /* most threads of the pool */
    size_t n_ctx;     /* positions of a timeline: more are possible, at less speed */
} rsn_scratch;

/* Told what a product of weights is about to read: x is [n][w->cols], the activations
 * before they are rounded to 8 or 4 bits (where an architecture rounds them for float
 * weights as well, after), transformed where a model has that. Once for each matrix and
 * step, tokens in order, by any worker and for different matrices at the same time. */
typedef struct rsn_observer {
    void (*see)(void *user, const rsn_matrix *w, const float *x, size_t n);
    void *user;
} rsn_observer;

/* Which of a run's tokens give logits, or what the stream holds there. */
typedef enum rsn_want { RSN_WANT_NONE, RSN_WANT_LAST, RSN_WANT_ALL } rsn_want;

/* Tokens that a pass appends to one timeline. */
typedef struct rsn_run {
    rsn_kv *kv;            /* positions [kv->n, kv->n + n) are reserved by the caller */
    const int32_t *tokens; /* [n], inside the vocabulary */
    size_t n;              /* 1 or more */
    rsn_want want;
    const float *inputs; /* [n][n_embd], what goes into the first layer instead of the
                            tokens' embeddings; NULL: these */
} rsn_run;

/* One forward pass over tokens of several timelines: a chunk of a prompt, one token each
 * of sequences that are being written, any mixture. What a run gives does not depend on
 * the runs beside it. */
typedef struct rsn_step {
    const struct reason_model *model;
    const rsn_run *runs; /* [n_runs], 1 or more, each of another timeline */
    size_t n_runs;       /* with 1 .. scratch->n_chunk tokens together */
    float *logits;       /* [those wanted][n_vocab], in the order of runs; NULL if none */
    float *hidden; /* [those wanted][n_embd], the stream behind the output norm, in place of
                      logits; NULL: logits */
    rsn_pool *pool;
    const rsn_cancel *cancel;
    rsn_scratch *scratch;
    const rsn_observer *observer; /* NULL: none */
} rsn_step;

typedef struct rsn_arch {
    const char *name; /* of general.architecture */
    rsn_traits traits;
    /* Lays out a pass in scratch->data; with data NULL only n_bytes is set. LIMIT if it
     * does not fit the address space. */
    reason_status (*layout)(const struct reason_model *model, rsn_scratch *scratch);
    /* Computes the step. The timelines' lengths advance at its very end: CANCELLED
     * (polled at every barrier of the pool) leaves all of them as they were. Cannot fail
     * otherwise. */
    reason_status (*forward)(const rsn_step *step);
} rsn_arch;

/* The row of an architecture; UNSUPPORTED with the names of those there are. */
reason_status rsn_arch_find(rsn_text name, const rsn_arch **arch);

/* arch_dense.c: decoders of normalization, attention and gated feed-forward layers. */
reason_status rsn_dense_layout(const struct reason_model *model, rsn_scratch *scratch);
reason_status rsn_dense_forward(const rsn_step *step);

#endif
