/* Writes a GGUF file (version 3) from pairs and tensors as a reader has them. The file
 * appears under its name only after it was opened again and what it holds was compared
 * with what was written. */
#ifndef REASON_FORMAT_GGUF_WRITE_H
#define REASON_FORMAT_GGUF_WRITE_H

#include "base/replace.h"
#include "format/gguf.h"

/* A checksum of bytes that come in pieces: 64 bits that tell damage, not forgery. */
typedef struct rsn_gguf_sum {
    uint64_t lanes[4];
    uint8_t rest[32]; /* bytes that do not fill a step of all lanes yet */
    uint64_t n;
} rsn_gguf_sum;

/* What a file is to hold. Of tensors the caller sets name, n_dims, ne and type; the writer
 * sets n_bytes, and offset from the start of the file. Both outlive the writer. */
typedef struct rsn_gguf_content {
    const rsn_gguf_pair *pairs;
    size_t n_pairs;
    rsn_gguf_tensor *tensors;
    size_t n_tensors;
} rsn_gguf_content;

typedef struct rsn_gguf_writer {
    rsn_replace file;
    const rsn_gguf_content *content;
    uint64_t total; /* bytes that the whole file will have */
    size_t next;    /* the tensor whose data comes next */
    rsn_gguf_sum sum;
    uint64_t *sums; /* [n_tensors], of those that are complete */
} rsn_gguf_writer;

/* Told while data is compared; a status other than OK ends the writing with it. */
typedef reason_status (*rsn_gguf_tell_fn)(void *user, uint64_t done, uint64_t total);

/* Writes everything but tensor data. INVALID_ARG for names that are equal, IO, NO_MEMORY,
 * LIMIT; on failure there is nothing to abandon. */
reason_status rsn_gguf_write_begin(const char *path, const rsn_gguf_content *content,
                                   rsn_gguf_writer *w);
/* The next n bytes of tensor data, in the order of the tensors; pieces may be of any size
 * but end where a tensor ends. */
reason_status rsn_gguf_write_data(rsn_gguf_writer *w, const void *bytes, size_t n);
/* Opens the file again, compares it and gives it its name. The writer is empty then,
 * whatever happened. `tell` may be NULL. */
reason_status rsn_gguf_write_commit(rsn_gguf_writer *w, rsn_gguf_tell_fn tell,
                                    void *user);
/* Fine after a commit. */
void rsn_gguf_write_abandon(rsn_gguf_writer *w);

/* Bytes of a tensor of this type and shape; false if they are no whole blocks or beyond
 * 2^63. */
bool rsn_gguf_tensor_bytes(const rsn_type_info *type, const uint64_t *ne,
                           uint64_t *n_bytes);

/* Pairs to write; the texts are borrowed. */
rsn_gguf_pair rsn_gguf_pair_u32(const char *key, uint32_t value);
rsn_gguf_pair rsn_gguf_pair_text(const char *key, const char *value);
rsn_gguf_pair rsn_gguf_pair_texts(const char *key, const rsn_text *values, size_t n);

#endif
