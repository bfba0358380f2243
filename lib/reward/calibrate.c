/* Calibration of margins by a temperature (Guo et al. 2017, arXiv 1706.04599, for pairs).
 * Owns the fit of one number and what is left of the error. Invariant: the loss is convex
 * in 1 / temperature, so its minimum is found by halving, and where it lies at an end the
 * temperature is that end: 0 or infinity. */
#include "reward/calibrate.h"

#include <math.h>

#include "reward/rank.h"
#include "reward/statistics.h"

enum { N_BINS = 10, MOST_HALVINGS = 200 };

typedef struct pairs {
    const double *margins, *labels;
    size_t n;
} pairs;

/* The derivative of the loss for 1 / temperature. */
static double slope_at(const pairs *p, double inverse) {
    double slope = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->margins[i] != 0)
            slope += p->margins[i] *
                     (rsn_sigma(inverse * p->margins[i]) - p->labels[i]);
    return slope;
}

/* Whether every margin is on the side of its label, all of it. */
static bool is_separable(const pairs *p) {
    for (size_t i = 0; i < p->n; i++)
        if (p->margins[i] != 0 && p->labels[i] != (p->margins[i] > 0))
            return false;
    return true;
}

static double fit_temperature(const pairs *p) {
    if (!(slope_at(p, 0) < 0))
        return (double)INFINITY;
    if (is_separable(p))
        return 0;
    double low = 0, high = 1;
    while (slope_at(p, high) < 0 && high < 0x1p1000)
        high *= 2;
    while (slope_at(p, high / 2) >= 0 && high > 0x1p-1000)
        high /= 2;
    for (int i = 0; i < MOST_HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        *(slope_at(p, middle) < 0 ? &low : &high) = middle;
    }
    return 1 / (low + (high - low) / 2);
}

static double loss_of(const pairs *p, double temperature) {
    double loss = 0;
    for (size_t i = 0; i < p->n; i++) {
        double x = p->margins[i], y = p->labels[i];
        if (x == 0 || isinf(temperature))
            loss += rsn_softplus(0);
        else if (temperature > 0)
            loss += y * rsn_softplus(-x / temperature) +
                    (1 - y) * rsn_softplus(x / temperature);
        else /* reached by separable pairs alone, which lose nothing */
            loss += 0;
    }
    return loss / (double)p->n;
}

/* Bins of equal width of how sure the chance is of the side that it likes. */
static double error_of(const pairs *p, double temperature) {
    double sure[N_BINS] = {0}, right[N_BINS] = {0}, error = 0;
    for (size_t i = 0; i < p->n; i++) {
        double chance = rsn_preference(p->margins[i], 0, temperature);
        double y = p->labels[i];
        double confidence = fmax(chance, 1 - chance);
        size_t bin = (size_t)((confidence - 0.5) * 2 * N_BINS);
        bin = bin < N_BINS ? bin : N_BINS - 1;
        sure[bin] += confidence;
        right[bin] += chance > 0.5 ? y : chance < 0.5 ? 1 - y : 0.5;
    }
    for (size_t i = 0; i < N_BINS; i++)
        error += fabs(sure[i] - right[i]);
    return error / (double)p->n;
}

void rsn_calibrate(const double *margins, const double *labels, size_t n,
                   reason_calibration *out) {
    const pairs p = {margins, labels, n};
    out->temperature = fit_temperature(&p);
    out->log_loss_before = loss_of(&p, 1);
    out->log_loss = loss_of(&p, out->temperature);
    out->error_before = error_of(&p, 1);
    out->error = error_of(&p, out->temperature);
}
