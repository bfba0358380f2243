/* Early exit when the answer is certain (DEER, arXiv 2504.15895): the geometric mean of
 * the probabilities of an answer drawn greedily. Owns the comparison. */
#include "decode/policy.h"
#include "kernels/mathd.h"

static reason_status check(const reason_thinking *how) {
    if (how->exit_confidence >= 0 && how->exit_confidence <= 1)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "exit_confidence %g, 0 to 1 expected",
                    (double)how->exit_confidence);
}

static bool in_force(const reason_thinking *how) {
    return how->exit_confidence > 0;
}

static bool exits(const rsn_view *v, void *state, const rsn_aside *aside) {
    (void)state;
    return aside->n_answer > 0 &&
           rsn_expd(aside->answer_logprob / (double)aside->n_answer) >=
               (double)v->how->exit_confidence;
}

const rsn_policy rsn_policy_confidence = {
    .check = check, .in_force = in_force, .exits = exits, .answers = true};
