/* GGUF files (versions 2 and 3) as a validated plan: after rsn_gguf_open() every count,
 * offset and shape has been checked against the file's real size, and everything but
 * tensor data is a copy. Layout: docs/FORMATS.md. Nothing here knows what the names mean.
 */
#ifndef REASON_FORMAT_GGUF_H
#define REASON_FORMAT_GGUF_H

#include "base/arena.h"
#include "base/file.h"
#include "base/str.h"
#include "quant/types.h"

/* Value types of metadata, numbered as in the file. */
typedef enum rsn_gguf_type {
    RSN_GGUF_U8,
    RSN_GGUF_I8,
    RSN_GGUF_U16,
    RSN_GGUF_I16,
    RSN_GGUF_U32,
    RSN_GGUF_I32,
    RSN_GGUF_F32,
    RSN_GGUF_BOOL,
    RSN_GGUF_STRING,
    RSN_GGUF_ARRAY,
    RSN_GGUF_U64,
    RSN_GGUF_I64,
    RSN_GGUF_F64,
    RSN_GGUF_N_TYPES
} rsn_gguf_type;

typedef struct rsn_gguf_pair {
    rsn_text key; /* first, so that its address is the pair's; NUL-terminated as well */
    rsn_gguf_type type;
    rsn_gguf_type item; /* of an array */
    uint64_t offset;    /* of the value in the file, for messages */
    uint64_t n;         /* items of an array, 1 otherwise */
    union {
        int64_t i;            /* integers and BOOL; U64 above INT64_MAX is refused */
        double f;             /* F32, F64 */
        rsn_text text;        /* STRING, NUL-terminated as well */
        const rsn_text *texts; /* array of strings, [n], not NUL-terminated */
        const void *items;    /* array of fixed-size items, packed, [n], 8-byte aligned */
    } as;
} rsn_gguf_pair;

/* Limits beyond which a file is refused; docs/FORMATS.md lists them. */
enum {
    RSN_GGUF_MAX_DIMS = 4,
    RSN_GGUF_MAX_RECORDS = 65536, /* metadata entries of a file; tensors of a model */
    RSN_GGUF_MAX_NAME = 65535,    /* bytes of a key or a tensor's name */
    RSN_GGUF_MIN_ALIGNMENT = 8,
    RSN_GGUF_MAX_ALIGNMENT = 1048576,
    RSN_GGUF_MAX_PARTS = 256 /* files that one model is split into */
};

typedef struct rsn_gguf_tensor {
    rsn_text
        name; /* first, so that its address is the tensor's; NUL-terminated as well */
    uint32_t n_dims;
    uint32_t part;                  /* the file it is in: index of rsn_gguf.parts */
    uint64_t ne[RSN_GGUF_MAX_DIMS]; /* ne[0] is the row length; missing ones are 1 */
    const rsn_type_info *type;
    uint64_t offset; /* from the start of its file */
    uint64_t n_bytes;
} rsn_gguf_tensor;

/* One file. Of a model that is not split there is one. */
typedef struct rsn_gguf_part {
    const char *path;
    uint64_t data_start, data_end; /* of tensor data; equal if there is none */
} rsn_gguf_part;

typedef struct rsn_gguf {
    rsn_arena arena; /* everything below lives in it */
    const char *path; /* of the first part */
    uint32_t version;
    rsn_gguf_pair *pairs; /* in file order */
    size_t n_pairs;
    rsn_gguf_tensor *tensors; /* in file order */
    size_t n_tensors;
    const rsn_text **pair_order, **tensor_order; /* keys and names, sorted */
    rsn_gguf_part *parts;                        /* [n_parts] */
    size_t n_parts;
} rsn_gguf;

/* Reads and checks the header of one open file, whole or a part; `path` is for messages;
 * i2_s_b: tensors of I2_S are of layout B, which files do not tell.
 * FORMAT, UNSUPPORTED, LIMIT, IO, NO_MEMORY; on failure *g is empty. */
reason_status rsn_gguf_open(const rsn_file *file, const char *path, bool i2_s_b,
                            rsn_gguf *g);
void rsn_gguf_free(rsn_gguf *g);

/* The files of a plan, open; part i of the plan is list[i]. A plan may have one part more,
 * of tensors that lie in no file as they are but are made (source.h). */
typedef struct rsn_gguf_files {
    rsn_file *list;
    size_t n;
    struct rsn_make *makes; /* [n_makes], in the plan's arena */
    size_t n_makes;
} rsn_gguf_files;

/* gguf_split.c. Told after each part's header; a status other than OK ends the opening
 * with it. */
typedef reason_status (*rsn_gguf_watch_fn)(void *user, size_t n_done, size_t n_parts);

/* Opens a file and, if it is the first part of a split model, all parts, as one plan:
 * metadata of the first, tensors of all. Statuses as above, and INVALID_ARG for a part
 * that is not the first; on failure both outputs are empty. `watch` may be NULL. */
reason_status rsn_gguf_open_all(const char *path, bool i2_s_b, rsn_gguf_watch_fn watch,
                                void *user, rsn_gguf *g, rsn_gguf_files *files);
void rsn_gguf_files_close(rsn_gguf_files *files);

/* Bytes of tensor data in all parts. */
uint64_t rsn_gguf_data_bytes(const rsn_gguf *g);

/* Order of names: by bytes, then by length. */
int rsn_gguf_compare(const rsn_text *a, const rsn_text *b);
/* Sorts pointers to n names, `stride` bytes apart from `first` on, for the look-ups
 * below; *same is the place in the order of the second of two equal ones, 0 if there are
 * none. NULL without memory. */
const rsn_text **rsn_gguf_sort(rsn_arena *arena, const rsn_text *first, size_t stride,
                               size_t n, size_t *same);
/* What a sorted list's name of this kind points to; NULL if there is none. */
const void *rsn_gguf_find_sorted(const rsn_text *const *order, size_t n, rsn_text name);

const rsn_gguf_pair *rsn_gguf_find(const rsn_gguf *g, const char *key);
const rsn_gguf_tensor *rsn_gguf_find_tensor(const rsn_gguf *g, const char *name);

/* Typed reads. A key that is absent leaves *out as it is; one of the wrong type, or a
 * number outside [min, max], is FORMAT with the key, what was found and what is allowed.
 */
reason_status rsn_gguf_int(const rsn_gguf *g, const char *key, int64_t min, int64_t max,
                           int64_t *out);
reason_status rsn_gguf_bool(const rsn_gguf *g, const char *key, bool *out);
reason_status rsn_gguf_float(const rsn_gguf *g, const char *key, double *out);
reason_status rsn_gguf_string(const rsn_gguf *g, const char *key, rsn_text *out);
reason_status rsn_gguf_strings(const rsn_gguf *g, const char *key, const rsn_text **out,
                               size_t *n);
reason_status rsn_gguf_ints(const rsn_gguf *g, const char *key, const int32_t **out,
                            size_t *n);
reason_status rsn_gguf_bytes(const rsn_gguf *g, const char *key, const uint8_t **out,
                             size_t *n);

#endif
