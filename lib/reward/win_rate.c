/* Win rates with the taste for length taken out: the model of Length-Controlled
 * AlpacaEval (arXiv 2404.04475) without its regularisation by gamed baselines. Owns the
 * features and the fit. Invariant: the loss is convex and its penalty separable, so
 * minimizing one weight after the other ends at the minimum. */
#include <math.h>

#include "reward/calibrate.h"
#include "reward/statistics.h"

enum { LENGTH, DIFFICULTY, MODEL, N_FEATURES };
enum { MOST_ROUNDS = 10000, MOST_HALVINGS = 100 };

static const double SMALL_CHANGE = 1e-10, MOST_WEIGHT = 1e3;

typedef struct data {
    const double *scores, *a, *b, *difficulties;
    size_t n;
    double spread; /* of the differences of lengths; 0: there is none */
    double penalty;
    double w[N_FEATURES];
} data;

static double longer_by(const void *user, size_t i) {
    const data *d = user;
    return d->b[i] - d->a[i];
}

static double tanh_of(double x) {
    return 2 * rsn_sigma(2 * x) - 1;
}

static double feature(const data *d, size_t i, int k) {
    switch (k) {
    case LENGTH: return d->spread > 0 ? tanh_of(longer_by(d, i) / d->spread) : 0;
    case DIFFICULTY: return d->difficulties ? d->difficulties[i] : 0;
    default: return 1;
    }
}

static double score_of(const void *user, size_t i) {
    return ((const data *)user)->scores[i];
}

static double chance(const data *d, size_t i) {
    double x = 0;
    for (int k = 0; k < N_FEATURES; k++)
        x += d->w[k] * feature(d, i, k);
    return rsn_sigma(x);
}

/* The chance if both were equally long. */
static double chance_alike(const void *user, size_t i) {
    data d = *(const data *)user;
    d.w[LENGTH] = 0;
    return chance(&d, i);
}

/* The derivative of the loss for weight k, were it w, the penalty left out; and the second
 * one. */
static double slope_at(data *d, int k, double w, double *curve) {
    double slope = 0;
    *curve = 0;
    d->w[k] = w;
    for (size_t i = 0; i < d->n; i++) {
        double x = feature(d, i, k), p = chance(d, i);
        slope += x * (p - d->scores[i]);
        *curve += x * x * p * (1 - p);
    }
    return slope;
}

/* The best weight k, all others staying; how far it has moved. It is 0 or on the side to
 * which the loss falls by more than the penalty grows: there by Newton's steps, held
 * between two weights that have it in the middle. */
static double minimize(data *d, int k) {
    double old = d->w[k], curve, at_zero = slope_at(d, k, 0, &curve);
    double sign = at_zero > 0 ? -1 : 1, low = 0, high = MOST_WEIGHT;
    double w = sign * old > 0 ? sign * old : 0;
    if (fabs(at_zero) <= d->penalty) {
        d->w[k] = 0;
        return fabs(old);
    }
    for (int i = 0; i < MOST_HALVINGS; i++) {
        double slope = sign * slope_at(d, k, sign * w, &curve) + d->penalty;
        double next = w - slope / curve;
        *(slope < 0 ? &low : &high) = w;
        if (!(next > low && next < high))
            next = (low + high) / 2;
        if (fabs(next - w) < SMALL_CHANGE / 100)
            break;
        w = next;
    }
    d->w[k] = sign * w;
    return fabs(d->w[k] - old);
}

void rsn_win_rate(const double *scores, const double *lengths_a, const double *lengths_b,
                  const double *difficulties, size_t n, double penalty,
                  reason_win_rates *out) {
    data d = {.scores = scores,
              .a = lengths_a,
              .b = lengths_b,
              .difficulties = difficulties,
              .n = n,
              .penalty = penalty};
    rsn_mean lengths = rsn_mean_of(n, longer_by, &d), plain = rsn_mean_of(n, score_of, &d);
    double moved = 1;
    d.spread = lengths.sd > 0 ? lengths.sd : 0;
    for (int i = 0; i < MOST_ROUNDS && moved > SMALL_CHANGE; i++) {
        moved = 0;
        for (int k = 0; k < N_FEATURES; k++)
            moved = fmax(moved, minimize(&d, k));
    }
    out->win_rate = plain.mean;
    out->win_rate_se = plain.se;
    out->length_controlled = rsn_mean_of(n, chance_alike, &d).mean;
    out->length_weight = d.w[LENGTH];
    out->difficulty_weight = d.w[DIFFICULTY];
    out->model_weight = d.w[MODEL];
    out->converged = moved <= SMALL_CHANGE;
}

double rsn_tie_by_length(double score, double length_a, double length_b, double most,
                         double small) {
    double margin = 2 * score - 1;
    double longer = margin > 0 ? length_a - length_b : length_b - length_a;
    return fabs(margin) <= small && longer > most ? 0.5 : score;
}
