/* What type each tensor of a model gets: by the name that was asked for, by rules of the
 * caller, and by what its rows allow. */
#ifndef REASON_CONVERT_TARGETS_H
#define REASON_CONVERT_TARGETS_H

#include <regex.h>

#include "format/gguf.h"

/* A name that a whole file can have, "Q4_K_M". */
typedef struct rsn_mix {
    const char *name;
    rsn_type base;      /* of matrices that nothing else is said about; RSN_N_TYPES: what
                           they have */
    uint32_t file_type; /* general.file_type */
    const struct rsn_mix_row *rows; /* exceptions, ended by one without a part */
    size_t n_rows;
} rsn_mix;

/* NULL if no file can have this name; letters count alike. */
const rsn_mix *rsn_mix_find(const char *name);
/* A type by the name it has in files; NULL if there is none. */
const rsn_type_info *rsn_target_type(const char *name);

typedef struct rsn_rule {
    regex_t pattern;
    const char *text; /* as given; borrowed */
    const rsn_type_info *type;
    size_t n_matches;
} rsn_rule;

/* Reads "PATTERN=TYPE". INVALID_ARG. */
reason_status rsn_rule_read(const char *text, rsn_rule *rule);
void rsn_rule_free(rsn_rule *rule);

/* What decides, for a whole model. */
typedef struct rsn_targets {
    const rsn_mix *mix;
    bool pure; /* the mix's exceptions do not count */
    bool has_importance;
    rsn_rule *rules; /* [n_rules], the first that matches counts */
    size_t n_rules;
    int64_t n_layers, n_gqa; /* of the model; heads that share keys and values */
    bool has_output; /* else the embedding is the output matrix too */
} rsn_targets;

/* Reads what a mix needs to know about the model. */
reason_status rsn_targets_look(const rsn_gguf *g, rsn_targets *t);

/* The type of a tensor and, as static text, why: "kept" (no weight matrix), "type",
 * "mix", "rule", or "fallback" where its rows are no whole blocks of what it should be.
 */
const rsn_type_info *rsn_target_of(rsn_targets *t, const rsn_gguf_tensor *tensor,
                                   const char **reason);

#endif
