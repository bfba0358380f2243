/* Heads: what a model has in place of logits, or beside them. A dense layer, an activation
 * and a norm where the file has them, then outputs; docs/FORMATS.md has the keys. */
#ifndef REASON_MODEL_HEAD_H
#define REASON_MODEL_HEAD_H

#include "base/pool.h"
#include "format/gguf.h"

struct reason_model;

/* Where outputs are read, and how many there are. */
typedef enum rsn_head_kind {
    RSN_HEAD_NONE,
    RSN_HEAD_REWARD, /* one, at the last token */
    RSN_HEAD_LABELS, /* n_out, at the last token */
    RSN_HEAD_STEPS,  /* n_out, at each step token */
    RSN_HEAD_TOKENS  /* n_out, at every token */
} rsn_head_kind;

typedef enum rsn_activation {
    RSN_ACTIVATION_TANH, /* of a dense layer where the file does not say */
    RSN_ACTIVATION_RELU,
    RSN_ACTIVATION_GELU, /* in its tanh form */
    RSN_ACTIVATION_NONE
} rsn_activation;

/* What is made of outputs before they are called a score. */
typedef enum rsn_transform {
    RSN_TRANSFORM_NONE,
    RSN_TRANSFORM_SIGMOID,
    RSN_TRANSFORM_SOFTMAX
} rsn_transform;

typedef struct rsn_head {
    rsn_head_kind kind;
    rsn_activation activation;
    rsn_transform transform;
    bool only;          /* the model has no output matrix: it cannot give logits */
    int32_t step_token; /* -1: none */
    size_t n_hidden;    /* width of what the outputs read: of the dense layer, or n_embd */
    size_t n_out;       /* 0: no head */
    const rsn_text *labels; /* [n_out] or NULL */
} rsn_head;

/* Reads keys and the shapes of cls.* tensors. FORMAT, UNSUPPORTED. n_embd is the stream's
 * width. */
reason_status rsn_head_read(const rsn_gguf *g, const char *arch, size_t n_embd,
                            rsn_head *head);
/* Their names in files; NULL for other numbers. */
const char *rsn_head_kind_name(rsn_head_kind kind);
const char *rsn_activation_name(rsn_activation activation);
const char *rsn_transform_name(rsn_transform transform);

/* MISMATCH, with the tensor that it lacks, for a model without a head, or without an
 * output matrix. */
reason_status rsn_head_check(const struct reason_model *model);
reason_status rsn_logits_check(const struct reason_model *model);

/* out [n][n_out] of hidden [n][n_embd], rows of rsn_step.hidden. Each row's outputs have
 * one order of additions, that of products of floats, whatever the others are. `scratch` is
 * [n][n_hidden]. The pool is entered. */
void rsn_head_run(const struct reason_model *model, rsn_pool *pool, const float *hidden,
                  size_t n, float *scratch, float *out);

#endif
