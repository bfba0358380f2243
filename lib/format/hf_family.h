/* Families of Hugging Face models: what the classes in config.json's "architectures" are
 * called here, and what of them differs from the common way. */
#ifndef REASON_FORMAT_HF_FAMILY_H
#define REASON_FORMAT_HF_FAMILY_H

#include "base/status.h"
#include "base/str.h"

enum {
    RSN_HF_PERMUTED = 1, /* GGUF files have the rows of q and k so that RoPE turns
                            neighbours; the folder has them in halves */
    RSN_HF_NORM_ONE = 2, /* norms are stored less 1 */
    RSN_HF_GELU = 4,     /* the gate is GELU in its tanh form instead of SiLU */
    RSN_HF_RELU2 = 8,    /* or squared ReLU */
    RSN_HF_POST_NORMS = 16, /* both branches have a norm behind them */
    RSN_HF_NO_PRE_NORMS = 32, /* and none before */
    RSN_HF_GLM_NORMS = 64,  /* as POST_NORMS, in names of its own */
    RSN_HF_FFN_NORM_RENAMED = 128, /* GGUF files call ffn_norm post_attention_norm */
    RSN_HF_FUSED = 256,     /* q, k, v in one tensor, gate and up in one */
    RSN_HF_WINDOWS = 512,   /* sliding_window is in force where it is there */
    RSN_HF_TERNARY = 1024,  /* weights may be packed to three values */
    RSN_HF_TWO_LAYERS = 2048 /* not of families: the head has two layers */
};

typedef struct rsn_hf_family {
    const char *stem; /* of the classes: "Qwen2" of Qwen2ForCausalLM */
    const char *arch; /* general.architecture */
    const char *type; /* model_type of config.json */
    unsigned bits;
    int64_t head_dim;   /* where config.json does not say; 0: hidden / heads */
    int64_t window_period; /* layers whose number it divides have no window; 0: none */
    double rope_base; /* where config.json does not say; 0: 10000 */
} rsn_hf_family;

/* What stands on top of the layers. */
typedef enum rsn_hf_task {
    RSN_HF_CAUSAL,         /* lm_head */
    RSN_HF_SEQUENCE,       /* score.weight, read at the last token */
    RSN_HF_TOKENS,         /* score.weight and bias, read at every token */
    RSN_HF_REWARD,         /* score.0 and score.2, read at the last token */
    RSN_HF_PROCESS_REWARD, /* the same, read at step tokens */
    RSN_HF_N_TASKS
} rsn_hf_task;

/* UNSUPPORTED for a class that is none of these, with the list of them. */
reason_status rsn_hf_family_find(rsn_text class, const rsn_hf_family **family,
                                 rsn_hf_task *task);
/* The way back, of general.architecture: the first family that has it, with windows if
 * they are asked for; NULL: there is none. */
const rsn_hf_family *rsn_hf_family_of(const char *arch, bool windows);
/* "ForCausalLM" and so on. */
const char *rsn_hf_task_suffix(rsn_hf_task task);

#endif
