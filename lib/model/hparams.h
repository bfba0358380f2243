/* The sizes and constants of a network, read from a GGUF plan and checked against sane
 * limits. */
#ifndef REASON_MODEL_HPARAMS_H
#define REASON_MODEL_HPARAMS_H

#include "format/gguf.h"
#include "model/head.h"
#include "model/rope_scaling.h"
#include "model/traits.h"

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
    size_t window;  /* positions a layer with a window sees; 0: no layer has one */
    size_t window_period; /* layers whose number from 1 it divides see all; 0: none */
    size_t nope_period;   /* layers whose number it divides have no RoPE; 0: all have */
    float rms_eps;
    float embed_scale;       /* of embeddings; 1 where there is none, as the next two */
    float residual_scale;    /* of what is added to the stream */
    float logit_scale;       /* of logits, before their cap */
    float attn_scale;        /* of scores */
    float attn_cap, logit_cap; /* soft caps of scores and logits; 0: none */
    unsigned act_bits; /* of what the seven projections read, 8 or 4, with one scale per
                          token; 0: as the types of their weights want */
    bool hadamard; /* what attention gives and the gated product are transformed before
                      they are projected back (kernels/table.h) */
    rsn_rope_config rope;
    rsn_head head;
} rsn_hparams;

/* Reads the keys that begin with `arch`, and our own (keys.h). FORMAT for values out of
 * range, UNSUPPORTED for what no forward pass of this library does. n_vocab is 0 if the
 * file has no {arch}.vocab_size. */
reason_status rsn_hparams_read(const rsn_gguf *g, const char *arch,
                               const rsn_traits *traits, rsn_hparams *hp);

static inline bool rsn_has_window(const rsn_hparams *hp, size_t layer) {
    return hp->window > 0 &&
           (hp->window_period == 0 || (layer + 1) % hp->window_period != 0);
}

static inline bool rsn_has_rope(const rsn_hparams *hp, size_t layer) {
    return hp->nope_period == 0 || (layer + 1) % hp->nope_period != 0;
}

#endif
