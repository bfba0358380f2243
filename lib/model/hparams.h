/* The sizes and constants of a network, read from a GGUF plan and checked against sane
 * limits. */
#ifndef REASON_MODEL_HPARAMS_H
#define REASON_MODEL_HPARAMS_H

#include "format/gguf.h"

typedef struct rsn_hparams {
    size_t n_layers;
    size_t n_embd;     /* width of the residual stream */
    size_t n_heads;    /* query heads */
    size_t n_heads_kv; /* key and value heads; divides n_heads */
    size_t head_dim;
    size_t n_ff;    /* width of the feed-forward layer */
    size_t n_vocab; /* rows of the embedding */
    size_t n_ctx;   /* positions the model was made for */
    size_t n_rot;   /* dimensions of a head that RoPE turns; even */
    double rope_base;
    float rms_eps;
} rsn_hparams;

/* Reads the keys that begin with `arch`. FORMAT for values out of range, UNSUPPORTED for
 * RoPE scaling. n_vocab is 0 if the file has no {arch}.vocab_size. */
reason_status rsn_hparams_read(const rsn_gguf *g, const char *arch, rsn_hparams *hp);

#endif
