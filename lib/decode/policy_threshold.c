/* Auto mode with a threshold: whether to think is not drawn but read off the model's own
 * probability of thinking. Owns the comparison. */
#include "decode/policy.h"

static reason_status check(const reason_thinking *how) {
    if (how->think_threshold >= 0 && how->think_threshold <= 1)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "think_threshold %g, 0 to 1 expected",
                    (double)how->think_threshold);
}

static bool in_force(const reason_thinking *how) {
    return how->think_threshold > 0;
}

static reason_think_mode decide(const reason_thinking *how, double p_think) {
    return p_think >= (double)how->think_threshold ? REASON_THINK_ON : REASON_THINK_OFF;
}

const rsn_policy rsn_policy_threshold = {
    .check = check, .in_force = in_force, .decides = decide};
