/* Models that are another one with its layers in another order, or steered. */
#ifndef REASON_MODEL_DERIVE_H
#define REASON_MODEL_DERIVE_H

#include "model/model.h"

/* A model of base's layers[0 .. n), each 0 to its number of layers - 1 and as often as
 * listed, with n layers of keys and values; control: [n][n_embd], a row added to the
 * residual stream behind each, or NULL. Shares all else with the base, which it retains.
 * INVALID_ARG, NO_MEMORY. */
reason_status rsn_model_derive(rsn_model *base, const int32_t *layers, size_t n,
                               const float *control, rsn_model **derived);

#endif
