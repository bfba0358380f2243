/* Headers of safetensors files, validated: names, types, shapes and places. Layout:
 * docs/FORMATS.md. Nothing here knows what the names mean. */
#ifndef REASON_FORMAT_SAFETENSORS_H
#define REASON_FORMAT_SAFETENSORS_H

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"
#include "quant/types.h"

enum {
    RSN_ST_MAX_DIMS = 8,
    RSN_ST_MAX_TENSORS = 65536,
    RSN_ST_MAX_HEADER = 100000000 /* bytes; the format's own limit */
};

typedef struct rsn_st_dtype {
    const char *name; /* as in files, "BF16" */
    uint32_t bits;    /* of one element */
    int weight;       /* the rsn_type that has the same bytes; -1: there is none */
} rsn_st_dtype;

typedef struct rsn_st_tensor {
    rsn_text name; /* first, so that its address is the tensor's; NUL-terminated as well */
    const rsn_st_dtype *dtype;
    uint32_t n_dims;
    uint64_t shape[RSN_ST_MAX_DIMS]; /* as in the file: the last one is a row's length */
    uint64_t offset;                 /* from the start of the file */
    uint64_t n_bytes;
} rsn_st_tensor;

typedef struct rsn_safetensors {
    rsn_st_tensor *tensors; /* in the arena, by their place in the file */
    size_t n_tensors;
    const rsn_text **order; /* names, sorted (rsn_gguf_sort) */
    uint64_t data_start, data_end;
} rsn_safetensors;

/* Reads and checks the header of an open file. Data of tensors fills the file from the
 * header to its end, without gap or overlap. FORMAT, UNSUPPORTED (a type that is none of
 * the format's), LIMIT, IO, NO_MEMORY; sentences do not name the file. */
reason_status rsn_safetensors_read(const rsn_file *file, rsn_arena *arena,
                                   rsn_safetensors *st);
const rsn_st_tensor *rsn_safetensors_find(const rsn_safetensors *st, rsn_text name);
/* The type of this name; NULL: the format has none. */
const rsn_st_dtype *rsn_st_dtype_find(rsn_text name);
/* A shape in words, "[2, 3]", for messages. */
typedef struct rsn_st_shape_text {
    char text[192];
} rsn_st_shape_text;
rsn_st_shape_text rsn_st_describe(const rsn_st_tensor *t);

#endif
