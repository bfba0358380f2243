/* Means, their errors and intervals, and the logistic function: what every figure over
 * samples, pairs or tasks is made of. */
#ifndef REASON_REWARD_STATISTICS_H
#define REASON_REWARD_STATISTICS_H

#include <stddef.h>

/* 95% of a normal distribution lie within so many standard deviations of its mean. */
#define RSN_Z95 1.959963984540054

typedef struct rsn_mean {
    double mean; /* NaN of nothing */
    double se;   /* standard error; NaN of fewer than 2 */
    double sd;   /* standard deviation of a sample; NaN of fewer than 2 */
    size_t n;
} rsn_mean;

/* Value i of n; NaN: it is none and does not count. */
typedef double (*rsn_value_fn)(const void *user, size_t i);

/* Of values 0 to n - 1, added in their order, in two passes that need no memory. */
rsn_mean rsn_mean_of(size_t n, rsn_value_fn value, const void *user);
/* Of n numbers, `stride` bytes apart from `first` on. */
rsn_mean rsn_mean_of_column(const double *first, size_t stride, size_t n);
/* The 95% interval of a share of n (Wilson 1927); NaN for n = 0. */
void rsn_wilson(double share, double n, double *low, double *high);

/* 1 / (1 + exp(-x)). */
double rsn_sigma(double x);
/* log(1 + exp(x)), which does not overflow. */
double rsn_softplus(double x);

#endif
