/* Owns the sums over a vocabulary, and quantiles. Invariant: one order of additions,
 * so a figure has the same bits whatever computed the logits. */
#include "convert/likelihood.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/mathd.h"

rsn_odds rsn_odds_read(const float *logits, size_t n) {
    rsn_odds odds = {.logits = logits, .n = n};
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[odds.top])
            odds.top = i;
    double max = logits[odds.top], sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += isfinite(logits[i]) ? rsn_expd(logits[i] - max) : (double)NAN;
    odds.log_sum = max + rsn_logd(sum);
    return odds;
}

double rsn_odds_logprob(const rsn_odds *odds, size_t token) {
    return odds->logits[token] - odds->log_sum;
}

/* The two log sums do not depend on the token and stand outside of the sum, so that equal
 * logits give terms that are exactly 0. */
double rsn_odds_divergence(const rsn_odds *base, const rsn_odds *other) {
    double sum = 0;
    for (size_t i = 0; i < base->n; i++)
        sum += rsn_expd(base->logits[i] - base->log_sum) *
               ((double)base->logits[i] - other->logits[i]);
    sum += other->log_sum - base->log_sum;
    return sum < 0 ? 0 : sum; /* rounding: it cannot be negative */
}

double rsn_quantile(const double *sorted, size_t n, double share) {
    double at = share * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n)
        return sorted[n - 1];
    return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void rsn_sort_doubles(double *x, size_t n) {
    qsort(x, n, sizeof *x, compare);
}
