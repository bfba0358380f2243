/* Owns what a change of low rank computes. Which matrices have one is derive.c's matter,
 * when each half runs that of the forward pass. Invariant: an element is computed in the
 * same order whatever is computed beside it. */
#include "model/lowrank.h"

/* What is made at once before it is added. */
enum { TILE_ROWS = 32, TILE_TOKENS = 16, TILE_COLS = 256 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

void rsn_lowrank_reduce(const rsn_kernels *kernels, const rsn_lowrank *low,
                        const float *x, size_t x_stride, size_t n, float *z,
                        size_t z_stride) {
    z += low->at;
    for (size_t i = 0; i < low->n && !low->shared; i++) {
        const rsn_delta *d = &low->deltas[i];
        kernels->product[d->a.type->type](d->a.cols, d->a.data, d->a.row_bytes, d->a.rows,
                                          x, x_stride * sizeof *x, n, z, z_stride);
        for (size_t t = 0; t < n; t++)
            kernels->scale(z + t * z_stride, d->scale, d->a.rows);
        z += d->a.rows;
    }
}

/* Rows [begin, end) of b z[t], at most a tile, for each token. */
static void expand_rows(const rsn_kernels *kernels, const rsn_matrix *b, size_t begin,
                        size_t end, const float *z, size_t z_stride, size_t n, float *out,
                        size_t out_stride) {
    float sums[TILE_TOKENS * TILE_ROWS];
    for (size_t t = 0; t < n; t += TILE_TOKENS) {
        size_t n_tokens = least(n - t, TILE_TOKENS);
        kernels->product[b->type->type](b->cols, b->data + begin * b->row_bytes,
                                        b->row_bytes, end - begin, z + t * z_stride,
                                        z_stride * sizeof *z, n_tokens, sums, TILE_ROWS);
        for (size_t i = 0; i < n_tokens; i++)
            kernels->add(out + (t + i) * out_stride, sums + i * TILE_ROWS, end - begin);
    }
}

void rsn_lowrank_expand(const rsn_kernels *kernels, const rsn_lowrank *low, size_t begin,
                        size_t end, const float *z, size_t z_stride, size_t n, float *out,
                        size_t out_stride) {
    z += low->at;
    for (size_t i = 0; i < low->n; i++) {
        const rsn_matrix *b = &low->deltas[i].b;
        for (size_t r = begin; r < end; r += TILE_ROWS)
            expand_rows(kernels, b, r, r + least(end - r, TILE_ROWS), z, z_stride, n,
                        out + (r - begin), out_stride);
        z += b->cols;
    }
}

/* The float at (row, col) of a matrix; n of them from there on. */
static void read_floats(const rsn_matrix *m, size_t row, size_t col, float *x, size_t n) {
    size_t each = m->row_bytes / m->cols;
    rsn_type_decode(m->type, m->data + row * m->row_bytes + col * each, x, n);
}

void rsn_lowrank_add_row(const rsn_kernels *kernels, const rsn_lowrank *low, size_t r,
                         float *x) {
    float tile[TILE_COLS];
    for (size_t i = 0; i < low->n; i++) {
        const rsn_delta *d = &low->deltas[i];
        for (size_t k = 0; k < d->a.rows; k++) {
            float weight;
            read_floats(&d->b, r, k, &weight, 1);
            for (size_t c = 0; c < d->a.cols; c += TILE_COLS) {
                size_t n = least(d->a.cols - c, TILE_COLS);
                read_floats(&d->a, k, c, tile, n);
                kernels->add_scaled(x + c, tile, weight * d->scale, n);
            }
        }
    }
}
