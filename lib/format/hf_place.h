/* The tokens of a draft by id. */
#ifndef REASON_FORMAT_HF_PLACE_H
#define REASON_FORMAT_HF_PLACE_H

#include "format/hf_draft.h"

typedef struct rsn_hf_ids {
    int32_t *items;
    size_t n;
} rsn_hf_ids;

/* All lists live in the draft's arena. */
typedef struct rsn_hf_place {
    rsn_text *texts; /* [n] */
    int32_t *types;  /* [n] */
    float *scores;   /* [n]; NULL: the model has none */
    size_t n;
    rsn_text *merges;
    size_t n_merges;
    int64_t roles[RSN_HF_N_ROLES]; /* -1: there is none */
    rsn_hf_ids ends;               /* beside eos */
    rsn_hf_ids lstrip, rstrip;
    rsn_hf_ids literal; /* added tokens that stay what text becomes */
} rsn_hf_place;

/* FORMAT for ids that are taken twice, lie beyond n_vocab (0: not known) or leave too
 * many others without a token. */
reason_status rsn_hf_place_tokens(rsn_hf_draft *d, size_t n_vocab, rsn_hf_place *place);

#endif
