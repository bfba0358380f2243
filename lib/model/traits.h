/* What tells one architecture from another: bits and a few constants, the whole of its
 * row in arch_table.c. Everything else comes from the file. */
#ifndef REASON_MODEL_TRAITS_H
#define REASON_MODEL_TRAITS_H

#include <stddef.h>

enum {
    RSN_TRAIT_ROPE_ADJACENT =
        1,                  /* RoPE turns pairs (2i, 2i+1) instead of (i, i + n_rot/2) */
    RSN_TRAIT_QKV_BIAS = 2, /* q, k and v have biases */
    RSN_TRAIT_QKV_BIAS_OK = 4, /* they may have */
    RSN_TRAIT_QK_NORM = 8,     /* q and k are normalized per head before RoPE */
    RSN_TRAIT_SUB_NORM = 16,   /* what attention gives and the gated product are
                                  normalized before they are projected back; files with
                                  reason.hadamard may leave that out */
    RSN_TRAIT_RELU2 = 32,      /* the gate is relu(x)^2 instead of silu(x) */
    RSN_TRAIT_ACTS_ROW = 64,   /* the seven projections read activations in 8 bits, or as
                                  reason.activation_bits says, with one scale per token,
                                  whatever their weights are */
    RSN_TRAIT_SCALE_OK = 128,  /* the seven projections may have a scale beside them */
    RSN_TRAIT_GELU = 256,      /* the gate is GELU in its tanh form */
    RSN_TRAIT_EMBD_ROOT = 512, /* embeddings are multiplied by sqrt(n_embd) */
    RSN_TRAIT_POST_NORM = 1024, /* both branches are normalized before they are added */
    RSN_TRAIT_NO_PRE_NORM = 2048,  /* and not before they are computed */
    RSN_TRAIT_QK_NORM_WIDE = 4096, /* q and k are normalized over all heads at once */
    RSN_TRAIT_WINDOWS = 8192,      /* layers may see a window of positions only */
    RSN_TRAIT_LOCAL_UNSCALED = 16384, /* RoPE scaling spares the layers with a window */
    RSN_TRAIT_QKV_FUSED_OK = 32768,   /* q, k and v may be one tensor, attn_qkv */
    RSN_TRAIT_GATE_UP_FUSED = 65536,  /* gate and up are one tensor, ffn_up */
    RSN_TRAIT_FFN_NORM_RENAMED = 131072, /* the norm before the feed-forward layer has the
                                            name post_attention_norm */
    RSN_TRAIT_SCALES = 262144 /* embeddings, branches and logits have scales of their own,
                                 the last one a divisor */
};

typedef struct rsn_traits {
    unsigned bits;
    /* Where the file does not say: positions of a window, and the period of layers with
     * none (each whose number from 1 it divides; 0: every layer has one). */
    size_t window, window_period;
    size_t nope_period; /* each layer whose number it divides has no RoPE; 0: none */
    size_t wide_layers; /* with as many layers, scores are scaled for heads of n_embd /
                           n_heads dimensions */
    double attn_cap, logit_cap; /* where the file does not say */
    double local_base; /* RoPE base of layers with a window; 0: that of the others */
} rsn_traits;

#endif
