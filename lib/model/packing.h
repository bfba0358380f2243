/* Weights in the order that the kernels read them (kernels/pack.h). */
#ifndef REASON_MODEL_PACKING_H
#define REASON_MODEL_PACKING_H

#include "base/cancel.h"
#include "kernels/table.h"
#include "model/weights.h"

/* Packs every matrix that products read, where it lies: the bytes must be the process's
 * own. A large model is packed by as many threads as the process may use. Returns
 * CANCELLED, NO_MEMORY; some matrices are packed then and others not. */
reason_status rsn_weights_pack(const rsn_kernels *kernels, const rsn_hparams *hp,
                               rsn_weights *w, const rsn_cancel *cancel);

#endif
