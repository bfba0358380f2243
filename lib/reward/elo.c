/* Elo's ratings. Owns the order of games and the update; who plays whom is left to
 * callers. Invariant: what one player gains the other loses, so the mean of all ratings
 * stays where it began. */
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "reward/rank.h"
#include "reward/statistics.h"

static const double LN10 = 2.302585092994045684;

reason_status rsn_games_check(const rsn_games *g) {
    for (size_t i = 0; i < g->n; i++) {
        if (g->a[i] >= g->n_players || g->b[i] >= g->n_players || g->a[i] == g->b[i])
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "game %zu is between players %u and %u, two of %zu expected",
                            i, g->a[i], g->b[i], g->n_players);
        if (!(g->scores[i] >= 0 && g->scores[i] <= 1))
            return rsn_fail(REASON_ERR_INVALID_ARG,
                            "game %zu has the score %g, 0 to 1 expected", i,
                            g->scores[i]);
    }
    return REASON_OK;
}

double rsn_preference(double reward_a, double reward_b, double temperature) {
    double margin = reward_a - reward_b;
    if (!(temperature >= 0) || isnan(margin))
        return (double)NAN;
    if (margin == 0 || isinf(temperature))
        return 0.5;
    return rsn_sigma(margin / temperature);
}

static void play(const rsn_games *g, size_t i, const reason_elo_options *o,
                 double *ratings) {
    double *a = &ratings[g->a[i]], *b = &ratings[g->b[i]];
    double expected = rsn_sigma((*a - *b) * LN10 / o->scale);
    double gain = o->k * (g->scores[i] - expected);
    *a += gain;
    *b -= gain;
}

reason_status rsn_elo(const rsn_games *g, const reason_elo_options *o, double *ratings) {
    size_t *order = rsn_alloc2(g->n, sizeof *order);
    if (!order)
        return REASON_ERR_NO_MEMORY;
    for (size_t i = 0; i < g->n_players; i++)
        ratings[i] = o->start;
    for (int32_t pass = 0; pass < o->n_passes; pass++) {
        for (size_t i = 0; i < g->n; i++)
            order[i] = i;
        if (o->shuffle)
            rsn_rng_shuffle(o->seed, (uint32_t)pass, order, g->n);
        for (size_t i = 0; i < g->n; i++)
            play(g, order[i], o, ratings);
    }
    rsn_free(order);
    return REASON_OK;
}
