/* Models that are another one with its layers in another order, steered or adapted. */
#ifndef REASON_MODEL_DERIVE_H
#define REASON_MODEL_DERIVE_H

#include "model/adapter.h"
#include "model/model.h"

/* What to do with the base. */
typedef struct rsn_derive {
    const int32_t *layers; /* [n], each 0 to the base's number of layers - 1 */
    size_t n;
    const float *control; /* [n][n_embd], a row added to the residual stream behind each
                             layer; NULL: nothing */
    rsn_adapters adapters;
} rsn_derive;

/* A model of base's layers as listed, each as often, with n layers of keys and values.
 * Shares all else with the base, which it retains as it does the adapters; they add to
 * those that the base has. INVALID_ARG, MISMATCH, NO_MEMORY. */
reason_status rsn_model_derive(rsn_model *base, const rsn_derive *how,
                               rsn_model **derived);

#endif
