/* Statistics that several rooms share. Owns the formulas; which values count is left to
 * the callers. Invariant: a figure is a function of the values in their order, the same
 * bits everywhere. */
#include "reward/statistics.h"

#include <math.h>
#include <stdbool.h>

#include "kernels/mathd.h"

rsn_mean rsn_mean_of(size_t n, rsn_value_fn value, const void *user) {
    const double none = (double)NAN;
    rsn_mean m = {.mean = 0};
    for (int pass = 0; pass < 2; pass++) {
        double sum = 0;
        m.n = 0;
        for (size_t i = 0; i < n; i++) {
            double x = value(user, i);
            if (isnan(x))
                continue;
            sum += pass == 0 ? x : (x - m.mean) * (x - m.mean);
            m.n++;
        }
        if (pass == 0) {
            m.mean = m.n > 0 ? sum / (double)m.n : none;
        } else {
            m.se = m.n > 1 ? sqrt(sum / (double)m.n / (double)(m.n - 1)) : none;
            m.sd = m.n > 1 ? sqrt(sum / (double)(m.n - 1)) : none;
        }
    }
    return m;
}

typedef struct column {
    const char *first;
    size_t stride;
} column;

static double column_value(const void *user, size_t i) {
    const column *c = user;
    return *(const double *)(const void *)(c->first + i * c->stride);
}

rsn_mean rsn_mean_of_column(const double *first, size_t stride, size_t n) {
    const column c = {(const char *)first, stride};
    return rsn_mean_of(n, column_value, &c);
}

void rsn_wilson(double share, double n, double *low, double *high) {
    const double z = RSN_Z95;
    double scale = 1 + z * z / n;
    double middle = (share + z * z / (2 * n)) / scale;
    double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale;
    bool has = n > 0 && !isnan(share); /* fmax() takes the number of the two */
    *low = has ? fmax(middle - half, 0) : (double)NAN;
    *high = has ? fmin(middle + half, 1) : (double)NAN;
}

double rsn_sigma(double x) {
    double e = rsn_expd(-fabs(x));
    return isnan(x) ? x : x < 0 ? e / (1 + e) : 1 / (1 + e);
}

double rsn_softplus(double x) {
    double e = rsn_expd(-fabs(x));
    double rest = e < 0x1p-40 ? e : rsn_logd(1 + e);
    return isnan(x) ? x : fmax(x, 0) + rest;
}
