/* Tensors that do not lie in a folder's files as a GGUF file has them, and how they are
 * made. Values stay what they are: rows move, types widen, three values stay three. */
#ifndef REASON_FORMAT_HF_MAKE_H
#define REASON_FORMAT_HF_MAKE_H

#include "base/cancel.h"
#include "format/gguf.h"
#include "format/safetensors.h"

typedef enum rsn_make_op {
    RSN_MAKE_ROWS,   /* rows in another order, or at a better address */
    RSN_MAKE_VECTOR, /* float32, as GGUF files have all vectors, with something added */
    RSN_MAKE_WIDEN,  /* F8_E4M3 as F16 */
    RSN_MAKE_UNPACK, /* four ternary values in a byte, rows a quarter apart */
    RSN_MAKE_TERNARY, /* floats rounded to -1, 0, 1 times their mean magnitude */
    RSN_MAKE_VALUES  /* float32 that config.json says */
} rsn_make_op;

/* Where bytes lie. */
typedef struct rsn_make_from {
    uint32_t part;
    uint64_t offset, n_bytes;
    const rsn_st_dtype *dtype; /* NULL: there are none */
} rsn_make_from;

struct rsn_make {
    rsn_make_op op;
    rsn_make_from from;
    size_t rows, cols;   /* of the result; a vector is one column */
    size_t n_heads;      /* each head's rows from halves to neighbours; 0: order stays */
    rsn_make_from scale; /* of UNPACK, one value */
    bool divide;         /* by the scale */
    float add;           /* to each value of VECTOR */
    const float *values; /* of VALUES, [rows] */
};

/* The row of the source that is row i of the result: with heads, each one's halves become
 * neighbours. */
static inline size_t rsn_make_source_row(size_t rows, size_t n_heads, size_t i) {
    if (n_heads == 0)
        return i;
    size_t dim = rows / n_heads, in_head = i % dim;
    return i - in_head + in_head % 2 * (dim / 2) + in_head / 2;
}

/* What UNPACK and TERNARY give rows of this length: I2_S, or float32 where that has no
 * such rows. */
const rsn_type_info *rsn_make_ternary_type(size_t cols);

/* Makes a tensor of t->type into out [t->n_bytes], from files [parts of the plan]. IO,
 * NO_MEMORY, CANCELLED, FORMAT for a scale that is none. */
reason_status rsn_make_run(const struct rsn_make *make, const rsn_file *files, bool map,
                           const rsn_cancel *cancel, const rsn_gguf_tensor *t,
                           uint8_t *out);

#endif
