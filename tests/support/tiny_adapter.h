/* GGUF files of adapters for the tiny models of the builder, made without the library. */
#ifndef REASON_TESTS_SUPPORT_TINY_ADAPTER_H
#define REASON_TESTS_SUPPORT_TINY_ADAPTER_H

#include "support/gguf_build.h"

/* Zero means the default in brackets. */
typedef struct tiny_adapter_options {
    uint32_t rank;      /* [4] */
    float alpha;        /* [no key: the scale is 1] */
    uint32_t type;      /* of both factors, one that the builder encodes [F32] */
    const char *only;   /* part of the names of the tensors that it changes [all] */
    bool output;        /* also "output.weight" of a tied model */
    const char *arch;   /* [the model's] */
    uint64_t seed;
} tiny_adapter_options;

typedef struct tiny_adapter {
    tiny_adapter_options o;
    const tiny_model *m; /* outlives it */
    gguf_bytes file;
    char *path; /* of the file, NULL while nothing is saved */
} tiny_adapter;

void tiny_adapter_make(const tiny_model *m, const tiny_adapter_options *options,
                       tiny_adapter *a);
/* The same bytes in a file; its path. */
const char *tiny_adapter_save(tiny_adapter *a);
void tiny_adapter_free(tiny_adapter *a);

/* sum[rows][cols] += scale * alpha / rank * B A of the tensor; false: it is not changed. */
bool tiny_adapter_add(const tiny_adapter *a, const char *tensor, double scale,
                      double *sum);

#endif
