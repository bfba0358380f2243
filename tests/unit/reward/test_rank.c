/* Rankings against numbers of SciPy, statsmodels and scikit-learn, and against what must
 * hold of any games. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "oracle/rankings.h"
#include "reason/reason.h"
#include "reward/statistics.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { PLAYERS = 8 };

static void expect_near(double found, double wanted, double tolerance) {
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.17g, %.17g expected", found, wanted);
}

static void expect_refused(reason_status status, const char *words) {
    assert_int_equal(status, REASON_ERR_INVALID_ARG);
    if (!strstr(reason_last_error(), words))
        fail_msg("\"%s\" has no \"%s\"", reason_last_error(), words);
}

/* --- figures that all share ---------------------------------------------------------- */

static void test_reward_statistics__mean(void **state) {
    (void)state;
    const struct {
        double value, other;
    } items[] = {{1, 9}, {2, 9}, {4, 9}, {9, 9}};
    rsn_mean m = rsn_mean_of_column(&items[0].value, sizeof *items, 4);
    expect_near(m.mean, 4, 1e-15);
    expect_near(m.sd, sqrt((9 + 4 + 0 + 25) / 3.0), 1e-15);
    expect_near(m.se, m.sd / 2, 1e-15);
    m = rsn_mean_of_column(&items[0].other, sizeof *items, 4);
    assert_true(m.mean == 9 && m.se == 0 && m.n == 4);
    m = rsn_mean_of_column(&items[1].value, sizeof *items, 1);
    assert_true(m.mean == 2 && isnan(m.se) && isnan(m.sd));
    m = rsn_mean_of_column(&items[0].value, sizeof *items, 0);
    assert_true(isnan(m.mean) && isnan(m.se) && m.n == 0);
    const double gaps[] = {(double)NAN, 3, (double)NAN, 5};
    m = rsn_mean_of_column(gaps, sizeof *gaps, 4);
    assert_true(m.mean == 4 && m.se == 1 && m.n == 2);
}

static void test_reward_statistics__sigma(void **state) {
    (void)state;
    for (double x = -800; x <= 800; x += 0.37) {
        long double e = expl(-(long double)x), s = 1 / (1 + e);
        expect_near(rsn_sigma(x), (double)s, 1e-15 * (double)s + 1e-305);
        expect_near(rsn_softplus(x), (double)log1pl(expl((long double)x)),
                    1e-15 * fmax(1, x));
    }
    assert_true(rsn_sigma(INFINITY) == 1 && rsn_sigma(-INFINITY) == 0);
    assert_true(rsn_softplus(-INFINITY) == 0 && isinf(rsn_softplus(INFINITY)));
    assert_true(isnan(rsn_sigma(NAN)) && isnan(rsn_softplus(NAN)));
}

/* Wilson's ends are the shares from which the found one is z standard errors away. */
static void test_reward_statistics__interval(void **state) {
    (void)state;
    double low, high;
    for (uint64_t n = 1; n <= 60; n++)
        for (uint64_t count = 0; count <= n; count++) {
            double share = (double)count / (double)n;
            reason_share_interval(share, n, &low, &high);
            assert_true(low >= 0 && low <= share + 1e-15 && share <= high + 1e-15 && high <= 1);
            for (int k = 0; k < 2; k++) {
                double end = k ? high : low, away = share - end;
                if (end > 1e-12 && end < 1 - 1e-12)
                    expect_near(away * away * (double)n / (end * (1 - end)),
                                1.959963984540054 * 1.959963984540054, 1e-6);
            }
        }
    reason_share_interval(0, 0, &low, &high);
    assert_true(isnan(low) && isnan(high));
    reason_share_interval(1.5, 1, &low, &high);
    assert_true(isnan(low) && isnan(high));
    reason_share_interval(0.5, 2, NULL, NULL);
}

/* --- preferences --------------------------------------------------------------------- */

static void test_reward_preference(void **state) {
    (void)state;
    for (int i = -30; i <= 30; i++)
        expect_near(reason_preference(i * 0.5, 1, 2),
                    1 / (1 + exp(-(i * 0.5 - 1) / 2)), 1e-15);
    assert_true(reason_preference(3, 3, 0) == 0.5 && reason_preference(4, 3, 0) == 1 &&
                reason_preference(2, 3, 0) == 0);
    assert_true(reason_preference(9, 3, (double)INFINITY) == 0.5);
    assert_true(isnan(reason_preference(1, 2, -1)) && isnan(reason_preference(NAN, 2, 1)) &&
                isnan(reason_preference(1, 2, NAN)));
    assert_true(reason_preference(INFINITY, 0, 1) == 1);
}

static reason_calibration calibrate(const double *margins, const double *labels,
                                    size_t n) {
    reason_calibration c = {.size = sizeof c};
    assert_int_equal(reason_calibrate(margins, labels, n, &c), REASON_OK);
    return c;
}

static void test_reward_calibrate__as_scipy(void **state) {
    (void)state;
    reason_calibration c = calibrate(MARGINS, LABELS, COUNT(MARGINS));
    expect_near(c.temperature, CALIBRATION[0], 1e-6);
    expect_near(c.log_loss, CALIBRATION[1], 1e-12);
    expect_near(c.log_loss_before, CALIBRATION[2], 1e-12);
    expect_near(c.error, CALIBRATION[3], 1e-7);
    expect_near(c.error_before, CALIBRATION[4], 1e-12);
    assert_true(c.log_loss < c.log_loss_before);
}

/* Rewards in other units, however small or large, are calibrated alike; so are pairs that
 * are given the other way round. */
static void test_reward_calibrate__units(void **state) {
    (void)state;
    enum { N = COUNT(MARGINS) };
    double scaled[N], turned[N], labels[N];
    for (int power = -200; power <= 200; power += 25) {
        for (size_t i = 0; i < N; i++)
            scaled[i] = ldexp(MARGINS[i], power);
        reason_calibration c = calibrate(scaled, LABELS, N);
        expect_near(ldexp(c.temperature, -power), CALIBRATION[0], 1e-6);
        expect_near(c.log_loss, CALIBRATION[1], 1e-12);
    }
    for (size_t i = 0; i < N; i++) {
        turned[i] = i % 2 ? -MARGINS[i] : MARGINS[i];
        labels[i] = i % 2 ? 1 - LABELS[i] : LABELS[i];
    }
    reason_calibration c = calibrate(turned, labels, N);
    expect_near(c.temperature, CALIBRATION[0], 1e-6);
    expect_near(c.error, CALIBRATION[3], 1e-7);
}

static void test_reward_calibrate__ends(void **state) {
    (void)state;
    const double margins[] = {2, -1, 0, 0.5}, right[] = {1, 0, 0.5, 1},
                 wrong[] = {0, 1, 0.5, 0}, none[] = {0, 0, 0, 0};
    reason_calibration c = calibrate(margins, right, 4);
    assert_true(c.temperature == 0 && c.error == 0);
    expect_near(c.log_loss, log(2) / 4, 1e-15);
    c = calibrate(margins, wrong, 4);
    assert_true(isinf(c.temperature));
    expect_near(c.log_loss, log(2), 1e-15);
    c = calibrate(none, right, 4);
    assert_true(isinf(c.temperature));
    double bad[] = {1, NAN};
    expect_refused(reason_calibrate(bad, right, 2, &c), "margin 1");
    bad[1] = 1.5;
    expect_refused(reason_calibrate(margins, bad, 2, &c), "label 1 is 1.5");
    expect_refused(reason_calibrate(margins, right, 0, &c), "n is 0");
}

/* --- Elo ----------------------------------------------------------------------------- */

static void elo(const reason_elo_options *o, double *ratings) {
    assert_int_equal(reason_elo(GAME_A, GAME_B, GAME_SCORE, COUNT(GAME_A), PLAYERS, o,
                                ratings),
                     REASON_OK);
}

static void test_reward_elo(void **state) {
    (void)state;
    double found[PLAYERS], again[PLAYERS], sum = 0;
    reason_elo_options o;
    assert_int_equal(reason_elo_options_init(&o, sizeof o), REASON_OK);
    assert_true(o.k == 32 && o.start == 1000 && o.scale == 400 && o.n_passes == 1 &&
                o.shuffle);
    o = (reason_elo_options){sizeof o, 24, 1200, 350, 2, false, 0};
    elo(&o, found);
    for (size_t i = 0; i < PLAYERS; i++)
        expect_near(found[i], ELO[i], 1e-9);
    o.shuffle = true;
    elo(&o, found);
    elo(&o, again);
    assert_memory_equal(found, again, sizeof found);
    o.seed = 1;
    elo(&o, again);
    assert_memory_not_equal(found, again, sizeof found);
    for (size_t i = 0; i < PLAYERS; i++)
        sum += again[i];
    expect_near(sum, 1200 * PLAYERS, 1e-8);
    assert_int_equal(reason_elo(NULL, NULL, NULL, 0, 1, NULL, found), REASON_OK);
    assert_true(found[0] == 1000);
}

static void test_reward_games__refused(void **state) {
    (void)state;
    const uint32_t a[] = {0, 1}, b[] = {1, 0}, beyond[] = {1, 2};
    const double scores[] = {1, 0}, bad[] = {1, -0.5};
    double x[2];
    reason_elo_options o;
    assert_int_equal(reason_elo_options_init(&o, sizeof o), REASON_OK);
    expect_refused(reason_elo(a, a, scores, 2, 2, NULL, x), "game 0");
    assert_true(isnan(x[0]) && isnan(x[1]));
    expect_refused(reason_elo(a, beyond, scores, 2, 2, NULL, x), "game 1");
    expect_refused(reason_elo(a, b, bad, 2, 2, NULL, x), "score -0.5");
    expect_refused(reason_elo(a, b, scores, 2, 0, NULL, x), "n_players");
    o.scale = 0;
    expect_refused(reason_elo(a, b, scores, 2, 2, &o, x), "scale 0");
    o.scale = 400;
    o.n_passes = 0;
    expect_refused(reason_elo(a, b, scores, 2, 2, &o, x), "n_passes 0");
    expect_refused(reason_bradley_terry(a, b, scores, 2, 2, 0, x, NULL, NULL), "prior 0");
    expect_refused(reason_bradley_terry(a, b, bad, 2, 2, 1, x, NULL, NULL), "game 1");
    double many[1025];
    assert_int_equal(reason_bradley_terry(a, b, scores, 2, 1025, 1, many, NULL, NULL),
                     REASON_ERR_LIMIT);
}

/* --- Bradley and Terry --------------------------------------------------------------- */

static void test_reward_bradley_terry__as_statsmodels(void **state) {
    (void)state;
    const struct {
        double prior;
        const double *strengths, *errors;
    } wanted[] = {{0.1, STRENGTHS_0_1, ERRORS_0_1}, {1, STRENGTHS_1_0, ERRORS_1_0}};
    double s[PLAYERS], e[PLAYERS];
    bool converged;
    for (size_t k = 0; k < COUNT(wanted); k++) {
        assert_int_equal(reason_bradley_terry(GAME_A, GAME_B, GAME_SCORE, COUNT(GAME_A),
                                              PLAYERS, wanted[k].prior, s, e, &converged),
                         REASON_OK);
        assert_true(converged);
        for (size_t i = 0; i < PLAYERS; i++) {
            expect_near(s[i], wanted[k].strengths[i], 1e-8);
            expect_near(e[i], wanted[k].errors[i], 1e-7);
        }
    }
}

/* Two players have a solution on paper: with w wins of n, and the priors' halves, s =
 * logit of the share that balances the gradient; by symmetry s_1 = -s_0. */
static void test_reward_bradley_terry__two(void **state) {
    (void)state;
    const uint32_t a[] = {0, 0, 1, 0}, b[] = {1, 1, 0, 1};
    const double scores[] = {1, 1, 1, 0.5};
    double s[2], e[2];
    bool converged;
    assert_int_equal(reason_bradley_terry(a, b, scores, 4, 2, 0.3, s, e, &converged),
                     REASON_OK);
    assert_true(converged);
    expect_near(s[0], -s[1], 1e-9);
    expect_near(2.5 - 4 / (1 + exp(-2 * s[0])) + 0.3 * (0.5 - 1 / (1 + exp(-s[0]))), 0,
                1e-9);
    assert_int_equal(reason_bradley_terry(NULL, NULL, NULL, 0, 2, 0.3, s, e, &converged),
                     REASON_OK);
    assert_true(converged && s[0] == 0 && s[1] == 0);
    expect_near(e[0], 1 / sqrt(0.3 / 4), 1e-12);
}

/* Whatever the games, even if one player wins a thousand of them: it converges, the
 * gradient is 0, and the order of games does not matter. */
static void test_reward_bradley_terry__random(void **state) {
    (void)state;
    enum { MOST = 1000, MOST_PLAYERS = 40 };
    static uint32_t a[MOST], b[MOST], ra[MOST], rb[MOST];
    static double scores[MOST], rs[MOST];
    double s[MOST_PLAYERS], e[MOST_PLAYERS], again[MOST_PLAYERS];
    for (uint64_t round = 0; round < 300; round++) {
        size_t n = 2 + (size_t)(rsn_rng_uniform(round, 0, 0, 0) * (MOST_PLAYERS - 2));
        size_t games = (size_t)(rsn_rng_uniform(round, 0, 1, 0) * MOST);
        double prior = pow(10, -4 * rsn_rng_uniform(round, 0, 2, 0));
        bool converged = false, ordered = round % 3 == 0;
        for (size_t i = 0; i < games; i++) {
            a[i] = (uint32_t)(rsn_rng_uniform(round, 1, i, 0) * (double)n);
            b[i] = (uint32_t)(rsn_rng_uniform(round, 2, i, 0) * (double)(n - 1));
            b[i] += b[i] >= a[i];
            double u = rsn_rng_uniform(round, 3, i, 0);
            scores[i] = ordered ? a[i] < b[i] : u < 0.1 ? 0.5 : u < 0.2 ? u * 5 - 0.5 : u < 0.6;
            ra[games - 1 - i] = b[i];
            rb[games - 1 - i] = a[i];
            rs[games - 1 - i] = 1 - scores[i];
        }
        assert_int_equal(
            reason_bradley_terry(a, b, scores, games, n, prior, s, e, &converged),
            REASON_OK);
        assert_true(converged);
        double gradient[MOST_PLAYERS];
        for (size_t i = 0; i < n; i++) {
            gradient[i] = prior * (0.5 - 1 / (1 + exp(-s[i])));
            assert_true(e[i] > 0);
        }
        for (size_t i = 0; i < games; i++) {
            double left = scores[i] - 1 / (1 + exp(s[b[i]] - s[a[i]]));
            gradient[a[i]] += left;
            gradient[b[i]] -= left;
        }
        for (size_t i = 0; i < n; i++)
            expect_near(gradient[i], 0, 1e-9);
        assert_int_equal(
            reason_bradley_terry(ra, rb, rs, games, n, prior, again, NULL, NULL),
            REASON_OK);
        for (size_t i = 0; i < n; i++)
            expect_near(again[i], s[i], 1e-5 * fmax(1, fabs(s[i])));
    }
}

/* --- win rates ----------------------------------------------------------------------- */

static void expect_rates(const double *difficulties, double penalty,
                         const double *wanted) {
    reason_win_rates r = {.size = sizeof r};
    assert_int_equal(reason_win_rate(SCORE, LENGTH_A, LENGTH_B, difficulties,
                                     COUNT(SCORE), penalty, &r),
                     REASON_OK);
    assert_true(r.converged);
    expect_near(r.win_rate, wanted[0], 1e-12);
    expect_near(r.win_rate_se, wanted[1], 1e-12);
    expect_near(r.length_controlled, wanted[2], 1e-6);
    expect_near(r.length_weight, wanted[3], 1e-5);
    expect_near(r.difficulty_weight, wanted[4], 1e-5);
    expect_near(r.model_weight, wanted[5], 1e-5);
}

static void test_reward_win_rate__as_scipy(void **state) {
    (void)state;
    expect_rates(NULL, 1, LENGTH_ONLY);
    expect_rates(DIFFICULTY, 1, WITH_DIFFICULTY);
    expect_rates(DIFFICULTY, 6, STRONG_PENALTY);
}

static void test_reward_win_rate__edges(void **state) {
    (void)state;
    const double same[] = {100, 100, 100}, won[] = {1, 1, 1}, bad[] = {1, 2, 1};
    reason_win_rates r = {.size = sizeof r};
    assert_int_equal(reason_win_rate(won, same, same, NULL, 3, 1e-6, &r), REASON_OK);
    assert_true(r.converged && r.win_rate == 1 && r.win_rate_se == 0 &&
                r.length_weight == 0 && r.length_controlled > 0.999);
    assert_int_equal(reason_win_rate(won, same, same, NULL, 1, 1, &r), REASON_OK);
    assert_true(isnan(r.win_rate_se) && r.length_controlled == 0.5);
    expect_refused(reason_win_rate(bad, same, same, NULL, 3, 1, &r), "score 1 is 2");
    expect_refused(reason_win_rate(won, same, same, NULL, 3, 0, &r), "penalty 0");
    expect_refused(reason_win_rate(won, same, same, NULL, 0, 1, &r), "n is 0");
}

static void test_reward_tie_by_length(void **state) {
    (void)state;
    assert_true(reason_tie_by_length(0.75, 1501, 1000, 500, 0.5) == 0.5);
    assert_true(reason_tie_by_length(0.75, 1500, 1000, 500, 0.5) == 0.75);
    assert_true(reason_tie_by_length(0.76, 1501, 1000, 500, 0.5) == 0.76);
    assert_true(reason_tie_by_length(0.25, 1501, 1000, 500, 0.5) == 0.25);
    assert_true(reason_tie_by_length(0.25, 1000, 1501, 500, 0.5) == 0.5);
    assert_true(reason_tie_by_length(0.5, 1000, 9000, 500, 0.5) == 0.5);
    assert_true(isnan(reason_tie_by_length(NAN, 1, 9000, 500, 0.5)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_statistics__mean),
        cmocka_unit_test(test_reward_statistics__sigma),
        cmocka_unit_test(test_reward_statistics__interval),
        cmocka_unit_test(test_reward_preference),
        cmocka_unit_test(test_reward_calibrate__as_scipy),
        cmocka_unit_test(test_reward_calibrate__units),
        cmocka_unit_test(test_reward_calibrate__ends),
        cmocka_unit_test(test_reward_elo),
        cmocka_unit_test(test_reward_games__refused),
        cmocka_unit_test(test_reward_bradley_terry__as_statsmodels),
        cmocka_unit_test(test_reward_bradley_terry__two),
        cmocka_unit_test(test_reward_bradley_terry__random),
        cmocka_unit_test(test_reward_win_rate__as_scipy),
        cmocka_unit_test(test_reward_win_rate__edges),
        cmocka_unit_test(test_reward_tie_by_length),
    };
    return cmocka_run_group_tests_name("reward_rank", tests, NULL, NULL);
}
