/* The closing tag's own bias and temperature (in the spirit of arXiv 2505.07961, whose
 * exact formula is not public). Owns how likely the close is against everything else. */
#include <math.h>

#include "decode/policy.h"

static reason_status check(const reason_thinking *how) {
    if (how->close_temperature > 0 && !isnan(how->close_bias))
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG,
                    "close_temperature %g must be above 0, close_bias %g a number",
                    (double)how->close_temperature, (double)how->close_bias);
}

static bool in_force(const reason_thinking *how) {
    return how->close_bias != 0 || how->close_temperature != 1;
}

/* Its log-odds against everything else are divided by the temperature, then the bias is
 * added. */
static void adjust(const rsn_view *v, float *logits) {
    float own = logits[v->closing];
    logits[v->closing] = -INFINITY;
    double others = rsn_log_sum_exp(v->tools->kernels, logits, v->tools->n_vocab,
                                    v->tools->shares);
    if (!isinf(others)) /* else there is nothing to weigh it against */
        own = (float)(others +
                      ((double)own - others) / (double)v->how->close_temperature);
    logits[v->closing] = own + v->how->close_bias;
}

const rsn_policy rsn_policy_close = {
    .check = check, .in_force = in_force, .adjusts = adjust};
