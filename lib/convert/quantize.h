/* A model in other types: one file in, one file out. */
#ifndef REASON_CONVERT_QUANTIZE_H
#define REASON_CONVERT_QUANTIZE_H

#include "base/pool.h"
#include "convert/importance.h"
#include "convert/targets.h"
#include "kernels/table.h"
#include "model/lowrank.h"

typedef struct rsn_quantize {
    const char *in, *out;
    rsn_targets targets;  /* mix, pure and rules are set by the caller */
    const char *imatrix;  /* file; NULL: every weight counts alike */
    const char *const *adapters; /* [n_adapters] files, merged into the weights */
    const float *adapter_scales; /* [n_adapters]; NULL: 1 */
    size_t n_adapters;
    bool requantize, i2_s_b;
    rsn_pool *pool;       /* entered by the caller */
    const rsn_kernels *kernels;
    const rsn_cancel *cancel;
    reason_quantize_report_fn report; /* may be NULL, as progress */
    void *report_user;
    reason_progress_fn progress;
    void *progress_user;
} rsn_quantize;

reason_status rsn_quantize_run(rsn_quantize *q);

/* --- quantize_tensor.c -------------------------------------------------------------- */

/* One tensor on its way. */
typedef struct rsn_requant {
    const rsn_gguf_tensor *from;
    const uint8_t *bytes; /* of the source */
    const rsn_lowrank *low; /* what adapters add; NULL: nothing */
    const rsn_type_info *to;
    const float *importance; /* [columns * matrices], NULL: none */
    size_t n_matrices;
    float scale; /* of all its weights, if the type is ternary; else 0 */
    bool exact;  /* it was ternary before */
} rsn_requant;

/* What came of it. Sums are of rows in order, so they do not depend on threads. */
typedef struct rsn_errors {
    double squares, weighted, weights; /* of errors; by importance */
    double total;                      /* of the weights' own squares */
    double largest;
    uint64_t n_bad; /* NaN or infinite weights in the source */
} rsn_errors;

/* Memory that all tensors share. */
typedef struct rsn_requant_room {
    rsn_pool *pool;
    const rsn_kernels *kernels;
    size_t row_elems;        /* the longest row */
    float *scratch;          /* [workers][3][row_elems] */
    uint8_t *out[2];         /* chunks of encoded rows; one is written, one is made */
    size_t chunk_bytes;
    rsn_errors *rows;        /* [rows of a chunk] */
    size_t n_rows;
} rsn_requant_room;

/* Takes n encoded bytes; a status other than OK ends the tensor with it. Called on the
 * thread that called, while others encode. */
typedef reason_status (*rsn_requant_write_fn)(void *user, const void *bytes, size_t n,
                                              uint64_t n_source);

reason_status rsn_requant_room_make(rsn_pool *pool, const rsn_kernels *kernels,
                                    const rsn_gguf_tensor *from,
                                    const rsn_gguf_tensor *to, size_t n,
                                    rsn_requant_room *room);
void rsn_requant_room_free(rsn_requant_room *room);
/* Fills scale and exact where the type is ternary. */
void rsn_requant_look(rsn_requant_room *room, rsn_requant *t);
reason_status rsn_requant_run(rsn_requant_room *room, const rsn_requant *t,
                              rsn_requant_write_fn write, void *user, rsn_errors *errors);

#endif
