/* config.json of a Hugging Face folder, as the metadata of a GGUF file. */
#ifndef REASON_FORMAT_HF_CONFIG_H
#define REASON_FORMAT_HF_CONFIG_H

#include "format/flat_json.h"
#include "format/hf_family.h"
#include "format/pairs.h"

/* How ternary weights lie in the folder (docs/FORMATS.md). */
typedef enum rsn_hf_ternary {
    RSN_HF_PLAIN,    /* they do not */
    RSN_HF_ONLINE,   /* floats, to be rounded to three values of mean magnitude */
    RSN_HF_MULTIPLY, /* four values in a byte, weight_scale multiplies products */
    RSN_HF_DIVIDE    /* the same, it divides them */
} rsn_hf_ternary;

/* What of config.json the tensors' names and places depend on. */
typedef struct rsn_hf_config {
    rsn_flat json;
    const rsn_hf_family *family;
    rsn_hf_task task;
    const char *arch; /* general.architecture: the family's, or of ternary Llama another */
    int64_t n_layers, n_heads, n_heads_kv, head_dim, n_vocab, n_outputs;
    int tied; /* 1, 0; -1: config.json does not say */
    rsn_hf_ternary ternary;
    /* What RoPE's frequencies are divided by, [n_rot / 2] floats each; NULL: nothing. */
    size_t n_rot;
    const float *rope_all, *rope_short, *rope_long;
} rsn_hf_config;

/* Reads FOLDER/config.json and adds what it says to `pairs`, whose arena keeps it. FORMAT,
 * UNSUPPORTED, LIMIT, IO, NO_MEMORY; sentences begin with the file's path. */
reason_status rsn_hf_config_read(const char *folder, rsn_pairs *pairs,
                                 rsn_hf_config *config);

#endif
