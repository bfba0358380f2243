/* What a model is read from: a GGUF file or its parts, a Hugging Face folder, a
 * safetensors file in one. All give the same plan, and tensor data part by part. */
#ifndef REASON_FORMAT_SOURCE_H
#define REASON_FORMAT_SOURCE_H

#include "format/gguf.h"

/* As rsn_gguf_open_all(), of whatever the path leads to. */
reason_status rsn_source_open(const char *path, bool i2_s_b, rsn_gguf_watch_fn watch,
                              void *user, rsn_gguf *g, rsn_gguf_files *files);
/* The tensor data of part i, mapped or copied; made tensors are in memory of their own.
 * Sentences of IO do not name the part. */
reason_status rsn_source_load(const rsn_gguf *g, const rsn_gguf_files *files, size_t i,
                              bool map, const rsn_cancel *cancel, rsn_blob *blob);

/* The bytes of a tensor; blobs[i] holds the data of part i of the plan. */
static inline const unsigned char *rsn_tensor_bytes(const rsn_gguf *g,
                                                    const rsn_blob *blobs,
                                                    const rsn_gguf_tensor *t) {
    return blobs[t->part].data + (t->offset - g->parts[t->part].data_start);
}

#endif
