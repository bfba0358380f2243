/* Names of tensors: in Hugging Face folders and in GGUF files, both ways. */
#ifndef REASON_FORMAT_HF_NAMES_H
#define REASON_FORMAT_HF_NAMES_H

#include "format/hf_family.h"

/* What a tensor is for, as far as its bytes depend on it. */
typedef enum rsn_hf_role {
    RSN_HF_OTHER,
    RSN_HF_QUERY, /* rows or biases of q: may be in another order */
    RSN_HF_KEY,
    RSN_HF_MATRIX, /* of a layer, so it may be ternary; q and k may be too */
    RSN_HF_NORM,   /* may be less 1 */
    RSN_HF_OUTPUT  /* is the embedding again where these are tied */
} rsn_hf_role;

typedef struct rsn_hf_name {
    const char *hf, *gguf; /* in a layer without "model.layers.N." and "blk.N." */
    rsn_hf_role role;
    unsigned with, without; /* bits of the family: any of the first, none of the second */
} rsn_hf_name;

/* A tensor's row, and its layer; -1: it is in none. */
typedef struct rsn_hf_place {
    const rsn_hf_name *name;
    int64_t layer;
} rsn_hf_place;

/* False: a model with these bits, those of its family and TWO_LAYERS, has no tensor of
 * this name. */
bool rsn_hf_name_find(unsigned bits, rsn_text hf, rsn_hf_place *place);
bool rsn_hf_name_find_gguf(unsigned bits, rsn_text gguf, rsn_hf_place *place);
/* Whether the name is of something that folders hold but no model needs. */
bool rsn_hf_name_is_ballast(rsn_text hf);

/* A place's name on either side. */
typedef struct rsn_hf_name_text {
    char text[96];
} rsn_hf_name_text;
rsn_hf_name_text rsn_hf_name_make(const rsn_hf_place *place);
rsn_hf_name_text rsn_hf_name_make_gguf(const rsn_hf_place *place);

#endif
