/* Early exit when the begin of the answer has settled (EAT, arXiv 2509.26522): the variance
 * of the entropy behind a closing tag, under an exponential moving average. Owns the
 * average. */
#include "decode/policy.h"

/* The weight of the newest value, and how many there have to be. */
static const double NEWEST = 0.2;
enum { LEAST = 3 };

typedef struct average {
    double mean, variance;
    size_t n;
} average;

static reason_status check(const reason_thinking *how) {
    if (how->exit_variance >= 0)
        return REASON_OK;
    return rsn_fail(REASON_ERR_INVALID_ARG, "exit_variance %g, 0 or more expected",
                    (double)how->exit_variance);
}

static bool in_force(const reason_thinking *how) {
    return how->exit_variance > 0;
}

static size_t state(const reason_thinking *how) {
    (void)how;
    return sizeof(average);
}

static bool exits(const rsn_view *v, void *state, const rsn_aside *aside) {
    average *a = state;
    double off = a->n == 0 ? 0 : aside->entropy - a->mean;
    a->mean = a->n == 0 ? aside->entropy : a->mean + NEWEST * off;
    a->variance = (1 - NEWEST) * (a->variance + NEWEST * off * off);
    a->n++;
    return a->n >= LEAST && a->variance <= (double)v->how->exit_variance;
}

const rsn_policy rsn_policy_variance = {
    .check = check, .in_force = in_force, .state = state, .exits = exits};
