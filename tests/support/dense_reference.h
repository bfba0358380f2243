/* The forward pass of the architectures of tiny_arch.c the slow and obvious way, in
 * float64, over a tiny model of the builder. Shares no code with the library but its
 * readers of block types. */
#ifndef REASON_TESTS_SUPPORT_DENSE_REFERENCE_H
#define REASON_TESTS_SUPPORT_DENSE_REFERENCE_H

#include "support/gguf_build.h"

typedef struct dense_reference_options {
    bool q8; /* what block types multiply is rounded to 8 bits, as the library's kernels
                say; with bitnet what the seven projections multiply, always, and to 4
                where the model says so */
    bool half_cache; /* keys and values are rounded to half precision */
    size_t n_ctx;    /* of the session; 0: the model's */
    /* Told what rows [first, ..) of a tensor multiply, [n][cols], before it is rounded. */
    void (*see)(void *user, const char *tensor, size_t first, const double *x, size_t n,
                size_t cols);
    void *user;
    const int32_t *path; /* the layers to run, [n_path]; NULL: all in order */
    size_t n_path;
    const float *control; /* [n_path][n_embd], added behind each; NULL: nothing */
    /* What adapters add to a tensor, [rows][cols], to be freed; NULL: nothing. Asked for
     * "output.weight" also where the embedding is the output. */
    double *(*change)(const void *user, const char *tensor);
    const void *change_user;
    const float *inputs;   /* [n][n_embd] instead of the tokens' embeddings; NULL: these */
} dense_reference_options;

/* Logits after each token, [n][n_vocab], to be freed. Ends the process without memory. */
double *dense_reference_logits(const tiny_model *m, const int32_t *tokens, size_t n,
                               dense_reference_options how);
/* The stream behind the output norm, [n][n_embd], likewise. */
double *dense_reference_hidden(const tiny_model *m, const int32_t *tokens, size_t n,
                               dense_reference_options how);

#endif
