/* Changes of low rank (LoRA, arXiv 2106.09685) beside the matrices of a model: y = W x
 * becomes y = W x + the sum of scale * b (a x). What they come from: adapter.h. */
#ifndef REASON_MODEL_LOWRANK_H
#define REASON_MODEL_LOWRANK_H

#include "kernels/table.h"
#include "model/weights.h"

/* One change. Both matrices are of floats (F32, F16 or BF16) and not packed. */
typedef struct rsn_delta {
    rsn_matrix a; /* [rank, cols] */
    rsn_matrix b; /* [rows, rank] */
    float scale;
} rsn_delta;

/* All changes of a matrix. */
typedef struct rsn_lowrank {
    size_t n, rank; /* of deltas; of all their ranks together */
    size_t at;      /* where in a row of a pass a x lies */
    bool shared;    /* the matrix before it has the same a at the same place: both are
                       rows of one tensor */
    rsn_delta deltas[];
} rsn_lowrank;

/* z[t][low->at ..] = scale * (a x[t]) of each change one after another, unless the matrix
 * before has done it; rows of x and z are so many floats apart. The order of additions is
 * that of the products (kernels/table.h). */
void rsn_lowrank_reduce(const rsn_kernels *kernels, const rsn_lowrank *low,
                        const float *x, size_t x_stride, size_t n, float *z,
                        size_t z_stride);
/* out[t][0 .. end - begin) += rows [begin, end) of b z[t], change after change. */
void rsn_lowrank_expand(const rsn_kernels *kernels, const rsn_lowrank *low, size_t begin,
                        size_t end, const float *z, size_t z_stride, size_t n, float *out,
                        size_t out_stride);
/* Adds row r of scale * b a to a row of the matrix itself, x [cols]. */
void rsn_lowrank_add_row(const rsn_kernels *kernels, const rsn_lowrank *low, size_t r,
                         float *x);

#endif
