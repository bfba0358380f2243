/* Bradley and Terry's model (1952), fitted to games by maximum likelihood: player a beats
 * b with the chance sigma(s_a - s_b). Owns the fit and its errors. Invariant: the prior,
 * a fraction of a drawn game of every player against one of strength 0, makes the
 * likelihood strictly concave with a maximum that exists, whoever won everything and
 * whoever never met. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "reward/rank.h"
#include "reward/statistics.h"

enum { MOST_STEPS = 200, MOST_HALVINGS = 60 };

/* Shares of the largest strength. */
static const double SHORT_STEP = 1e-3, SMALL_STEP = 1e-6;

typedef struct fit {
    const rsn_games *games;
    double prior;
    size_t n;
    double *at;    /* [n] strengths */
    double *trial; /* [n] */
    double *step;  /* [n], first the gradient */
    double *h;     /* [n, n] minus the second derivatives, then its factor, lower half */
} fit;

/* Minus the logarithm of the likelihood. */
static double loss_of(const fit *f, const double *s) {
    const rsn_games *g = f->games;
    double loss = 0;
    for (size_t i = 0; i < g->n; i++) {
        double x = s[g->a[i]] - s[g->b[i]];
        loss += g->scores[i] * rsn_softplus(-x) + (1 - g->scores[i]) * rsn_softplus(x);
    }
    for (size_t i = 0; i < f->n; i++)
        loss += f->prior / 2 * (rsn_softplus(-s[i]) + rsn_softplus(s[i]));
    return loss;
}

static void differentiate(fit *f) {
    const rsn_games *g = f->games;
    memset(f->h, 0, f->n * f->n * sizeof *f->h);
    for (size_t i = 0; i < f->n; i++) {
        double p = rsn_sigma(f->at[i]), q = rsn_sigma(-f->at[i]);
        f->step[i] = f->prior * (0.5 - p);
        f->h[i * f->n + i] = f->prior * p * q;
    }
    for (size_t i = 0; i < g->n; i++) {
        size_t a = g->a[i], b = g->b[i];
        double x = f->at[a] - f->at[b];
        double p = rsn_sigma(x), curve = p * rsn_sigma(-x);
        f->step[a] += g->scores[i] - p;
        f->step[b] -= g->scores[i] - p;
        f->h[a * f->n + a] += curve;
        f->h[b * f->n + b] += curve;
        f->h[(a > b ? a : b) * f->n + (a > b ? b : a)] -= curve;
    }
}

/* Cholesky's factor in the lower half. False: rounding has left nothing positive. */
static bool factor(double *h, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k <= i; k++) {
            double sum = h[i * n + k];
            for (size_t j = 0; j < k; j++)
                sum -= h[i * n + j] * h[k * n + j];
            if (k == i && !(sum > 0))
                return false;
            h[i * n + k] = k == i ? sqrt(sum) : sum / h[k * n + k];
        }
    return true;
}

/* x becomes what the factored matrix times it was. */
static void solve(const double *l, size_t n, double *x) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            x[i] -= l[i * n + j] * x[j];
        x[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++)
            x[i] -= l[j * n + i] * x[j];
        x[i] /= l[i * n + i];
    }
}

static double largest_of(const double *x, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* Goes along the step, halving it until the loss is no larger. False: nowhere is it. */
static bool advance(fit *f) {
    double loss = loss_of(f, f->at), share = 1;
    for (int tries = 0; tries < MOST_HALVINGS; tries++, share /= 2) {
        for (size_t i = 0; i < f->n; i++)
            f->trial[i] = f->at[i] + share * f->step[i];
        if (loss_of(f, f->trial) <= loss) {
            memcpy(f->at, f->trial, f->n * sizeof *f->at);
            return true;
        }
    }
    return false;
}

/* Newton's steps, taken whole where they are short, for the loss does not tell points
 * apart there any more: until they shrink no further, which is rounding. Leaves the factor
 * of the matrix at the end. */
static bool climb(fit *f) {
    double before = (double)INFINITY;
    for (int i = 0; i < MOST_STEPS; i++) {
        differentiate(f);
        if (!factor(f->h, f->n))
            return false;
        solve(f->h, f->n, f->step);
        double length = largest_of(f->step, f->n) / fmax(1, largest_of(f->at, f->n));
        if (length == 0 || (length < SHORT_STEP && length >= before / 2))
            return length < SMALL_STEP;
        if (length >= SHORT_STEP) {
            if (!advance(f))
                return false;
        } else {
            before = length;
            for (size_t k = 0; k < f->n; k++)
                f->at[k] += f->step[k];
        }
    }
    return false;
}

/* Roots of the diagonal of the inverse: sums of squares of the columns of the factor's
 * inverse, one column at a time. */
static void put_errors(const fit *f, double *errors) {
    for (size_t i = 0; i < f->n; i++) {
        double *x = f->trial, sum = 0;
        memset(x, 0, f->n * sizeof *x);
        x[i] = 1;
        for (size_t k = i; k < f->n; k++) {
            for (size_t j = i; j < k; j++)
                x[k] -= f->h[k * f->n + j] * x[j];
            x[k] /= f->h[k * f->n + k];
            sum += x[k] * x[k];
        }
        errors[i] = sqrt(sum);
    }
}

reason_status rsn_bradley_terry(const rsn_games *games, double prior, double *strengths,
                                double *errors, bool *converged) {
    size_t n = games->n_players;
    *converged = false;
    if (n > RSN_RANK_MAX_PLAYERS)
        return rsn_fail(REASON_ERR_LIMIT, "%zu players, %d at most", n,
                        RSN_RANK_MAX_PLAYERS);
    fit f = {.games = games, .prior = prior, .n = n, .at = strengths};
    f.trial = rsn_alloc2(n, sizeof *f.trial);
    f.step = rsn_alloc2(n, sizeof *f.step);
    f.h = rsn_alloc2(n, n * sizeof *f.h);
    bool ok = f.trial && f.step && f.h;
    if (ok) {
        memset(strengths, 0, n * sizeof *strengths);
        *converged = climb(&f);
        if (errors && *converged)
            put_errors(&f, errors);
        for (size_t i = 0; errors && !*converged && i < n; i++)
            errors[i] = (double)NAN;
    }
    rsn_free(f.trial);
    rsn_free(f.step);
    rsn_free(f.h);
    return ok ? REASON_OK : REASON_ERR_NO_MEMORY;
}
