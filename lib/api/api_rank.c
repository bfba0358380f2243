/* Public functions of rankings: plain numbers in, plain numbers out. */
#include <math.h>

#include "api/judge_request.h"
#include "api/options.h"
#include "base/fpstate.h"
#include "reward/calibrate.h"
#include "reward/rank.h"
#include "reward/statistics.h"

static const reason_elo_options ELO = {.size = sizeof ELO,
                                       .k = 32,
                                       .start = 1000,
                                       .scale = 400,
                                       .n_passes = 1,
                                       .shuffle = true};

double reason_preference(double reward_a, double reward_b, double temperature) {
    return rsn_preference(reward_a, reward_b, temperature);
}

/* --- columns of numbers -------------------------------------------------------------- */

/* [n] numbers within [low, high]; NULL: there are none to check. */
static reason_status check_column(const char *name, const double *x, size_t n, double low,
                                  double high) {
    for (size_t i = 0; x && i < n; i++)
        if (!(isfinite(x[i]) && x[i] >= low && x[i] <= high))
            return rsn_fail(REASON_ERR_INVALID_ARG, "%s %zu is %g, %g to %g expected",
                            name, i, x[i], low, high);
    return REASON_OK;
}

static reason_status check_some(const char *name, size_t n) {
    return n > 0 ? REASON_OK
                 : rsn_fail(REASON_ERR_INVALID_ARG, "%s is 0, at least 1 expected", name);
}

static const double MOST = 1e300;

reason_status reason_calibrate(const double *margins, const double *labels, size_t n,
                               reason_calibration *calibration) {
    reason_calibration out = {.size = sizeof out};
    if (!margins || !labels || !calibration)
        return rsn_fail_null("margins, labels or calibration");
    reason_status status = check_some("n", n);
    if (status == REASON_OK)
        status = check_column("margin", margins, n, -MOST, MOST);
    if (status == REASON_OK)
        status = check_column("label", labels, n, 0, 1);
    if (status != REASON_OK)
        return status;
    rsn_fpstate state = rsn_fpstate_enter();
    rsn_calibrate(margins, labels, n, &out);
    rsn_fpstate_leave(state);
    return rsn_options_write(calibration, &out, sizeof out, "calibration");
}

reason_status reason_win_rate(const double *scores, const double *lengths_a,
                              const double *lengths_b, const double *difficulties,
                              size_t n, double penalty, reason_win_rates *rates) {
    reason_win_rates out = {.size = sizeof out};
    if (!scores || !lengths_a || !lengths_b || !rates)
        return rsn_fail_null("scores, lengths_a, lengths_b or rates");
    const struct {
        const char *name;
        const double *x;
        double low, high;
    } columns[] = {{"score", scores, 0, 1},
                   {"length_a", lengths_a, 0, 1e15},
                   {"length_b", lengths_b, 0, 1e15},
                   {"difficulty", difficulties, -1e6, 1e6}};
    reason_status status = check_some("n", n);
    for (size_t i = 0; i < sizeof columns / sizeof *columns && status == REASON_OK; i++)
        status = check_column(columns[i].name, columns[i].x, n, columns[i].low,
                              columns[i].high);
    if (status == REASON_OK && !(isfinite(penalty) && penalty > 0))
        status = rsn_fail(REASON_ERR_INVALID_ARG, "penalty %g, above 0 expected",
                          penalty);
    if (status != REASON_OK)
        return status;
    rsn_fpstate state = rsn_fpstate_enter();
    rsn_win_rate(scores, lengths_a, lengths_b, difficulties, n, penalty, &out);
    rsn_fpstate_leave(state);
    return rsn_options_write(rates, &out, sizeof out, "rates");
}

double reason_tie_by_length(double score, double length_a, double length_b, double most,
                            double small) {
    return rsn_tie_by_length(score, length_a, length_b, most, small);
}

void reason_share_interval(double share, uint64_t n, double *low, double *high) {
    double from, to;
    rsn_wilson(share >= 0 && share <= 1 ? share : (double)NAN, (double)n, &from, &to);
    if (low)
        *low = from;
    if (high)
        *high = to;
}

/* --- games --------------------------------------------------------------------------- */

static void clear(double *x, size_t n) {
    for (size_t i = 0; x && i < n; i++)
        x[i] = (double)NAN;
}

static reason_status check_games(const rsn_games *g, const double *out) {
    if (!out || (g->n > 0 && (!g->a || !g->b || !g->scores)))
        return rsn_fail_null("a, b, scores or what receives");
    reason_status status = check_some("n_players", g->n_players);
    return status == REASON_OK ? rsn_games_check(g) : status;
}

reason_status reason_elo_options_init(reason_elo_options *options, size_t size) {
    return rsn_options_init(options, size, &ELO, sizeof ELO, "options");
}

reason_status rsn_elo_read(const reason_elo_options *options, reason_elo_options *o) {
    *o = ELO;
    reason_status status = rsn_options_read(options, o, sizeof *o, "Elo's options");
    if (status != REASON_OK)
        return status;
    if (!isfinite(o->k) || !isfinite(o->start) || !(isfinite(o->scale) && o->scale > 0))
        return rsn_fail(REASON_ERR_INVALID_ARG,
                        "k %g, start %g or scale %g, numbers and a scale above 0 expected",
                        o->k, o->start, o->scale);
    if (o->n_passes < 1)
        return rsn_fail(REASON_ERR_INVALID_ARG, "n_passes %d, 1 or more expected",
                        o->n_passes);
    return REASON_OK;
}

reason_status reason_elo(const uint32_t *a, const uint32_t *b, const double *scores,
                         size_t n_games, size_t n_players,
                         const reason_elo_options *options, double *ratings) {
    const rsn_games games = {a, b, scores, n_games, n_players};
    reason_elo_options o;
    clear(ratings, n_players);
    reason_status status = check_games(&games, ratings);
    if (status == REASON_OK)
        status = rsn_elo_read(options, &o);
    if (status != REASON_OK)
        return status;
    rsn_fpstate state = rsn_fpstate_enter();
    status = rsn_elo(&games, &o, ratings);
    rsn_fpstate_leave(state);
    return status;
}

reason_status reason_bradley_terry(const uint32_t *a, const uint32_t *b,
                                   const double *scores, size_t n_games,
                                   size_t n_players, double prior, double *strengths,
                                   double *errors, bool *converged) {
    const rsn_games games = {a, b, scores, n_games, n_players};
    bool found = false;
    clear(strengths, n_players);
    clear(errors, n_players);
    if (converged)
        *converged = false;
    reason_status status = check_games(&games, strengths);
    if (status == REASON_OK && !(isfinite(prior) && prior > 0))
        status = rsn_fail(REASON_ERR_INVALID_ARG, "prior %g, above 0 expected", prior);
    rsn_fpstate state = rsn_fpstate_enter();
    if (status == REASON_OK)
        status = rsn_bradley_terry(&games, prior, strengths, errors, &found);
    rsn_fpstate_leave(state);
    if (converged)
        *converged = found;
    return status;
}
