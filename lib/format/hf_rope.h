/* RoPE in config.json: rope_theta, rope_scaling, and rope_parameters, their newer form. */
#ifndef REASON_FORMAT_HF_ROPE_H
#define REASON_FORMAT_HF_ROPE_H

#include "format/hf_config.h"

/* Keys of our own: what rope_freqs.weight was made of. */
#define RSN_HF_LLAMA3 "reason.rope.llama3."

/* What Llama 3's scaling divides frequency i of n_rot / 2 by: slow ones by the factor,
 * fast ones by 1, between them a ramp. */
double rsn_hf_llama3_factor(double base, size_t n_rot, size_t i, double factor,
                            double low, double high, int64_t n_ctx_orig);

/* Adds the rope.* keys and sets what of the config concerns RoPE; n_ctx as config.json has
 * it. */
reason_status rsn_hf_rope_read(rsn_pairs *pairs, int64_t n_ctx, rsn_hf_config *config);

#endif
