/* Log-probabilities, divergences and the statistics over them, against long double sums
 * written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/likelihood.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double random_unit(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

static void fill(uint64_t *state, float *x, size_t n, double width) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((random_unit(state) - 0.5) * width);
}

/* log p of each token, the obvious way. */
static long double *reference(const float *logits, size_t n) {
    long double *p = malloc(n * sizeof *p), max = logits[0], sum = 0;
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += expl(logits[i] - max);
    for (size_t i = 0; i < n; i++)
        p[i] = logits[i] - max - logl(sum);
    return p;
}

static long double reference_divergence(const float *base, const float *other, size_t n) {
    long double *p = reference(base, n), *q = reference(other, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += expl(p[i]) * (p[i] - q[i]);
    free(p);
    free(q);
    return sum;
}

static void assert_near(double found, long double expected, double error) {
    if (!(fabsl(found - expected) <= error * (1 + fabsl(expected))))
        fail_msg("%.17g, %.17Lg expected", found, expected);
}

static void test_convert_likelihood__against_the_reference(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 31, 606, 5000};
    static const double widths[] = {0, 0.01, 10, 60, 2000};
    uint64_t seed = 3;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t k = 0; k < COUNT(widths); k++) {
            size_t n = sizes[i];
            float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
            assert_true(x && y);
            fill(&seed, x, n, widths[k]);
            fill(&seed, y, n, widths[k]);
            long double *p = reference(x, n);
            rsn_odds a = rsn_odds_read(x, n), b = rsn_odds_read(y, n);
            for (size_t t = 0; t < n; t++) {
                assert_near(rsn_odds_logprob(&a, t), p[t], 1e-13);
                assert_true(x[a.top] >= x[t]);
                assert_true(t >= a.top || x[t] < x[a.top]); /* the first of them */
            }
            assert_near(rsn_odds_divergence(&a, &b), reference_divergence(x, y, n),
                        1e-12);
            assert_true(rsn_odds_divergence(&a, &b) >= 0);
            assert_true(rsn_odds_divergence(&a, &a) == 0);
            free(p);
            free(x);
            free(y);
        }
}

/* The divergence is that of the first from the second, not the other way round. */
static void test_convert_likelihood__direction(void **state) {
    (void)state;
    const float sure[2] = {10, 0}, even[2] = {1, 1};
    rsn_odds a = rsn_odds_read(sure, 2), b = rsn_odds_read(even, 2);
    assert_near(rsn_odds_divergence(&a, &b), reference_divergence(sure, even, 2), 1e-14);
    assert_near(rsn_odds_divergence(&b, &a), reference_divergence(even, sure, 2), 1e-14);
    assert_true(rsn_odds_divergence(&b, &a) > 4 * rsn_odds_divergence(&a, &b));
}

/* Adding a number to all logits changes nothing. */
static void test_convert_likelihood__shifted(void **state) {
    (void)state;
    float x[100], y[100];
    uint64_t seed = 8;
    fill(&seed, x, 100, 20);
    for (size_t i = 0; i < 100; i++) {
        x[i] = roundf(x[i]); /* so that the sum is exact */
        y[i] = x[i] + 1000;
    }
    rsn_odds a = rsn_odds_read(x, 100), b = rsn_odds_read(y, 100);
    assert_true(rsn_odds_divergence(&a, &b) < 1e-11);
    assert_near(rsn_odds_logprob(&b, 7), rsn_odds_logprob(&a, 7), 1e-11);
}

static void test_convert_likelihood__not_finite(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t at = 0; at < 5; at++) {
            float x[5] = {1, 2, 3, 4, 5};
            x[at] = bad[i];
            rsn_odds odds = rsn_odds_read(x, 5);
            assert_true(!isfinite(odds.log_sum));
            assert_true(odds.top < 5);
        }
}

static void test_convert_likelihood__quantile(void **state) {
    (void)state;
    double x[] = {5, 1, 4, 2, 3};
    rsn_sort_doubles(x, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(x[i] == (double)(i + 1));
    assert_true(rsn_quantile(x, 5, 0) == 1);
    assert_true(rsn_quantile(x, 5, 0.5) == 3);
    assert_near(rsn_quantile(x, 5, 0.99), 4.96L, 1e-15);
    assert_true(rsn_quantile(x, 5, 1) == 5);
    assert_true(rsn_quantile(x, 4, 0.5) == 2.5);
    assert_true(rsn_quantile(x, 1, 0.99) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_likelihood__against_the_reference),
        cmocka_unit_test(test_convert_likelihood__direction),
        cmocka_unit_test(test_convert_likelihood__shifted),
        cmocka_unit_test(test_convert_likelihood__not_finite),
        cmocka_unit_test(test_convert_likelihood__quantile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
