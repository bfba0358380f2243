/* What logits say of the next token: log-probabilities and how far two distributions are
 * apart, all in double. */
#ifndef REASON_CONVERT_LIKELIHOOD_H
#define REASON_CONVERT_LIKELIHOOD_H

#include <stddef.h>
#include <stdint.h>

/* Logits of one position with what is needed of all of them. */
typedef struct rsn_odds {
    const float *logits; /* [n]; borrowed */
    size_t n;
    size_t top;     /* the first of the largest */
    double log_sum; /* log of the sum of exp(logits); not finite if a logit is not */
} rsn_odds;

/* n >= 1 */
rsn_odds rsn_odds_read(const float *logits, size_t n);
/* Natural log of a token's probability. */
double rsn_odds_logprob(const rsn_odds *odds, size_t token);
/* KL(base || other) in nats: the sum over all tokens of p_base (log p_base - log
 * p_other). At least 0; exactly 0 for equal logits. Both have as many tokens. */
double rsn_odds_divergence(const rsn_odds *base, const rsn_odds *other);

/* The value below which the part `share` of sorted numbers lies, between two of them in
 * proportion; n >= 1. */
double rsn_quantile(const double *sorted, size_t n, double share);
void rsn_sort_doubles(double *x, size_t n); /* none of them NaN */

#endif
