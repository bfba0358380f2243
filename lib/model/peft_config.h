/* adapter_config.json of a PEFT folder: what scales factors, and what makes an adapter one
 * that is more than products of factors. */
#ifndef REASON_MODEL_PEFT_CONFIG_H
#define REASON_MODEL_PEFT_CONFIG_H

#include "format/flat_json.h"

/* Numbers of some modules alone. */
typedef struct rsn_peft_patterns {
    struct rsn_peft_pattern *list; /* [n], in the file's order: the first that fits counts */
    size_t n;
    const rsn_text **order; /* their names, sorted */
} rsn_peft_patterns;

typedef struct rsn_peft_config {
    rsn_flat json;
    int64_t rank;
    double alpha;
    rsn_peft_patterns ranks, alphas;
    bool by_root; /* alpha is divided by the root of the rank (arXiv 2312.03732) */
} rsn_peft_config;

/* Reads FOLDER/adapter_config.json. FORMAT, IO, LIMIT, NO_MEMORY, UNSUPPORTED with the key
 * and its value; sentences begin with the file's path. */
reason_status rsn_peft_config_read(const char *folder, rsn_arena *arena,
                                   rsn_peft_config *config);
/* The scale of a module, "model.layers.0.self_attn.q_proj", whose factors have this rank;
 * FORMAT if the configuration says another one, or the scale is not finite. */
reason_status rsn_peft_scale(const rsn_peft_config *config, rsn_text module, size_t rank,
                             float *scale);

#endif
