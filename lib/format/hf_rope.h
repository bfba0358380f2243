/* RoPE in config.json: rope_theta, rope_scaling, and rope_parameters, their newer form. */
#ifndef REASON_FORMAT_HF_ROPE_H
#define REASON_FORMAT_HF_ROPE_H

#include "format/hf_config.h"

/* Adds the rope.* keys and sets what of the config concerns RoPE; n_ctx as config.json has
 * it. */
reason_status rsn_hf_rope_read(rsn_pairs *pairs, int64_t n_ctx, rsn_hf_config *config);

#endif
