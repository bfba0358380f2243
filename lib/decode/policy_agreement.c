/* Early exit when the answer stays the same (answer convergence, arXiv 2506.02536; probes as
 * in arXiv 2412.20993). Owns the last answer, as tokens, and how often it came in a row. */
#include <string.h>

#include "decode/policy.h"

typedef struct agreement {
    int32_t times; /* in a row */
    size_t n;
    int32_t answer[]; /* [n] */
} agreement;

static reason_status check(const reason_thinking *how) {
    if (how->exit_agreement == 0 || how->exit_agreement >= 2)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "exit_agreement %d, 0 or 2 and more expected",
                    how->exit_agreement);
}

static bool in_force(const reason_thinking *how) {
    return how->exit_agreement > 0;
}

static size_t state(const reason_thinking *how) {
    return sizeof(agreement) + rsn_policy_probe(how) * sizeof(int32_t);
}

static bool exits(const rsn_view *v, void *state, const rsn_aside *aside) {
    agreement *a = state;
    size_t n_bytes = aside->n_answer * sizeof *aside->answer;
    bool same = a->times > 0 && a->n == aside->n_answer &&
                memcmp(a->answer, aside->answer, n_bytes) == 0;
    memcpy(a->answer, aside->answer, n_bytes);
    a->n = aside->n_answer;
    a->times = a->n == 0 ? 0 : same ? a->times + 1 : 1;
    return a->times >= v->how->exit_agreement;
}

const rsn_policy rsn_policy_agreement = {.check = check,
                                         .in_force = in_force,
                                         .state = state,
                                         .exits = exits,
                                         .answers = true};
