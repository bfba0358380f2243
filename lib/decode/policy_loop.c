/* A guard against text that repeats itself, as long samples of reasoning models sometimes
 * do (CASTILLO, arXiv 2505.16881). Owns how long the output has been periodic, for every
 * period at once: a token costs one comparison for each. */
#include "decode/policy.h"

/* Longer passages are not looked for; shorter repetitions are ordinary text. */
enum { LONGEST = 128, LEAST = 32 };

typedef struct loop {
    size_t n_seen;
    size_t same[LONGEST + 1]; /* last tokens that equal the one `period` before them */
} loop;

static reason_status check(const reason_thinking *how) {
    if (how->loop_guard == 0 || how->loop_guard >= 2)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "loop_guard %d, 0 or 2 and more expected",
                    how->loop_guard);
}

static bool in_force(const reason_thinking *how) {
    return how->loop_guard > 0;
}

static size_t state(const reason_thinking *how) {
    (void)how;
    return sizeof(loop);
}

static bool repeats(const rsn_view *v, void *state) {
    loop *l = state;
    size_t times = (size_t)v->how->loop_guard;
    bool found = false;
    for (; l->n_seen < v->n_output; l->n_seen++)
        for (size_t period = 1; period <= LONGEST && period <= l->n_seen; period++) {
            bool same = v->output[l->n_seen].id == v->output[l->n_seen - period].id;
            l->same[period] = same ? l->same[period] + 1 : 0;
        }
    for (size_t period = 1; period <= LONGEST && !found; period++)
        found = l->same[period] >= (times - 1) * period &&
                l->same[period] + period >= LEAST;
    return found;
}

const rsn_policy rsn_policy_loop = {
    .check = check, .in_force = in_force, .state = state, .repeats = repeats};
