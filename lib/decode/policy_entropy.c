/* Early exit when the begin of the answer is certain: the entropy of the token behind a
 * closing tag (the signal of arXiv 2509.26522, by its level). Owns the comparison. */
#include "decode/policy.h"

static reason_status check(const reason_thinking *how) {
    if (how->exit_entropy >= 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "exit_entropy %g, 0 or more expected",
                    (double)how->exit_entropy);
}

static bool in_force(const reason_thinking *how) {
    return how->exit_entropy > 0;
}

static bool exits(const rsn_view *v, void *state, const rsn_aside *aside) {
    (void)state;
    return aside->entropy <= (double)v->how->exit_entropy;
}

const rsn_policy rsn_policy_entropy = {
    .check = check, .in_force = in_force, .exits = exits};
