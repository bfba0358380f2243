/* The weights of a network, bound by name to a validated file. Matrices are views into
 * the file's bytes until packing.h puts them into another order; vectors are float32,
 * converted without loss where the file has less. */
#ifndef REASON_MODEL_WEIGHTS_H
#define REASON_MODEL_WEIGHTS_H

#include "format/source.h"
#include "model/hparams.h"

typedef struct rsn_matrix {
    const unsigned char *data; /* [rows][row_bytes], or packed (kernels/pack.h) */
    const rsn_type_info *type;
    size_t rows, cols;
    size_t row_bytes;
    float scale; /* multiplies every product; 1 where the file has none */
    const rsn_gguf_tensor *tensor; /* of the file that it is, or is rows of, */
    size_t first_row;              /* from this one on */
    const struct rsn_lowrank *low; /* what adapters add (lowrank.h); NULL: nothing */
} rsn_matrix;

typedef struct rsn_layer {
    size_t number;       /* in the file */
    const float *steer;  /* [n_embd], added to the residual stream behind it; NULL: nothing */
    const float *attn_norm; /* [n_embd] or NULL */
    rsn_matrix q;           /* [n_heads * head_dim, n_embd] */
    rsn_matrix k, v;        /* [n_heads_kv * head_dim, n_embd] */
    const float *q_bias, *k_bias, *v_bias; /* [rows of q, k, v] or NULL */
    const float *q_norm, *k_norm; /* [head_dim], or as wide as q and k, or NULL */
    const float *attn_sub_norm;            /* [n_heads * head_dim] or NULL */
    rsn_matrix o;                          /* [n_embd, n_heads * head_dim] */
    const float *attn_post_norm;           /* [n_embd] or NULL */
    const float *ffn_norm;                 /* [n_embd] or NULL */
    rsn_matrix gate, up;                   /* [n_ff, n_embd] */
    const float *ffn_sub_norm;             /* [n_ff] or NULL */
    rsn_matrix down;                       /* [n_embd, n_ff] */
    const float *ffn_post_norm;            /* [n_embd] or NULL */
} rsn_layer;

/* Of a head (head.h); matrices are of floats, and have the scale 1. */
typedef struct rsn_head_weights {
    rsn_matrix dense;         /* [n_hidden, n_embd]; no data: none */
    const float *dense_bias;  /* [n_hidden] or NULL */
    const float *norm;        /* [n_hidden] or NULL */
    rsn_matrix output;        /* [n_out, n_hidden]; no data: no head */
    const float *output_bias; /* [n_out] or NULL */
} rsn_head_weights;

typedef struct rsn_weights {
    rsn_matrix embedding;     /* [n_vocab, n_embd] */
    rsn_matrix output; /* [n_vocab, n_embd]; the embedding where the file ties them; no data
                          of a model that is a head only */
    const float *output_norm; /* [n_embd] */
    rsn_rope_factors rope;
    rsn_head_weights head;
    rsn_layer *layers;        /* [n_layers] */
    bool tied;                /* output is the embedding, packed or not */
    uint64_t n_parameters;    /* elements of all tensors */
    size_t low_width;         /* of what a pass keeps of a token for adapters; 0: none */
} rsn_weights;

/* Matrix i of those that every layer has; NULL behind the last. */
rsn_matrix *rsn_layer_matrix(rsn_layer *layer, size_t i);

/* Binds every tensor of the plan; blobs[i] holds the data of part i, and what is allocated
 * comes from `arena`. FORMAT for a missing tensor or a wrong shape, UNSUPPORTED for a
 * tensor that the architecture does not have. */
reason_status rsn_weights_bind(const rsn_gguf *g, const rsn_blob *blobs,
                               const rsn_hparams *hp, const rsn_traits *traits,
                               rsn_arena *arena, rsn_weights *w);

#endif
