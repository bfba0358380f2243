/* Writes a safetensors file: the header from what is to come, then data as it comes. */
#ifndef REASON_FORMAT_SAFETENSORS_WRITE_H
#define REASON_FORMAT_SAFETENSORS_WRITE_H

#include "base/replace.h"
#include "format/safetensors.h"

typedef struct rsn_st_writer {
    rsn_replace file;
    uint64_t total; /* bytes that the whole file will have */
} rsn_st_writer;

/* Writes the header: tensors in this order, with name, dtype, n_dims and shape; the rest is
 * set here, offset from the start of the file. LIMIT, IO, NO_MEMORY; on failure there is
 * nothing to abandon. */
reason_status rsn_st_write_begin(const char *path, rsn_st_tensor *tensors, size_t n,
                                 rsn_st_writer *w);
/* The next n bytes of data, in the order of the tensors. */
reason_status rsn_st_write_data(rsn_st_writer *w, const void *bytes, size_t n);
/* Gives the file its name. The writer is empty then, whatever happened; INTERNAL if data is
 * missing. */
reason_status rsn_st_write_commit(rsn_st_writer *w);
/* Fine after a commit. */
void rsn_st_write_abandon(rsn_st_writer *w);

#endif
