/* RoPE's frequencies and what stretches them to longer contexts: none, linear, YaRN,
 * LongRoPE, and Llama 3's factors per frequency. */
#ifndef REASON_MODEL_ROPE_SCALING_H
#define REASON_MODEL_ROPE_SCALING_H

#include "base/arena.h"
#include "format/gguf.h"
#include "model/traits.h"

typedef enum rsn_rope_kind {
    RSN_ROPE_PLAIN,
    RSN_ROPE_LINEAR,
    RSN_ROPE_YARN,
    RSN_ROPE_LONGROPE
} rsn_rope_kind;

typedef struct rsn_rope_config {
    double base;
    double local_base;  /* of layers with a window */
    bool local_differs; /* these have a table of their own */
    bool local_unscaled;
    rsn_rope_kind kind;
    double factor;       /* of positions, for LINEAR and YARN */
    /* Of sines and cosines, 0 where the file does not say: the first is LONGROPE's whole
     * factor and multiplies that of others, the second is YARN's whole one. */
    double attn_factor, yarn_attn_factor;
    double beta_fast, beta_slow; /* YARN: turns in n_ctx_orig between which it mixes */
    size_t n_ctx_orig;   /* positions before scaling */
} rsn_rope_config;

/* Tensors that divide frequencies, [n_rot / 2] or NULL. */
typedef struct rsn_rope_factors {
    const float *all; /* rope_freqs */
    const float *short_ctx, *long_ctx;
} rsn_rope_factors;

/* The tables of a model. SHORT is that of every session where LONG has none. */
typedef enum rsn_rope_table { RSN_ROPE_SHORT, RSN_ROPE_LONG, RSN_ROPE_LOCAL, RSN_N_ROPES }
    rsn_rope_table;

typedef struct rsn_rope {
    const double *inv_freq; /* [n_rot / 2], radians per position; NULL: no such table */
    double factor;          /* of sines and cosines */
} rsn_rope;

/* Reads the rope.* keys but for the number of dimensions; n_ctx is the model's. */
reason_status rsn_rope_read(const rsn_gguf *g, const char *arch, const rsn_traits *traits,
                            size_t n_ctx, rsn_rope_config *config);
/* Makes the tables, in the arena. */
reason_status rsn_rope_make(const rsn_rope_config *config, size_t n_rot, size_t n_ctx,
                            const rsn_rope_factors *factors, rsn_arena *arena,
                            rsn_rope ropes[RSN_N_ROPES]);

#endif
