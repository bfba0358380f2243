/* Weights in the order that the kernels read them (kernels/pack.h). */
#ifndef REASON_MODEL_PACKING_H
#define REASON_MODEL_PACKING_H

#include "base/cancel.h"
#include "kernels/table.h"
#include "model/weights.h"

/* Packs every matrix that products read: where it lies if the weights' bytes may be
 * written (they were copied), else into *storage, for which the pages of the file are
 * given back. *storage, NULL where nothing is packed or all in place, is to be freed with
 * rsn_free_aligned() after the weights' last use. A large model is packed by as many
 * threads as the process may use. Returns CANCELLED, NO_MEMORY; some matrices are packed
 * then and others not. */
reason_status rsn_weights_pack(const rsn_kernels *kernels, const rsn_hparams *hp,
                               bool in_place, const rsn_cancel *cancel, rsn_weights *w,
                               void **storage);

#endif
