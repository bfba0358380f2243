/* exp, log, pow, sin and cos in float64: error bounds against long double, and special
 * values. Where long double is no wider than double there is nothing to measure against,
 * and the bounds allow for the other side's error. */
#include "kernels_common.h"

#include <float.h>
#include <math.h>

#include "kernels/mathd.h"

static const long double SLACK = LDBL_MANT_DIG > 53 ? 0 : 2;

static double next_double(uint64_t *state, double low, double high) {
    double unit =
        ((double)next_random(state) + (double)next_random(state) * 0x1p-32) * 0x1p-32;
    return low + (high - low) * unit;
}

static long double error_in_ulps(double got, long double exact) {
    int exponent;
    frexpl(exact, &exponent);
    if (exponent < -1021) exponent = -1021; /* subnormals share one spacing */
    return fabsl((long double)got - exact) / ldexpl(1, exponent - 53);
}

static void test_kernels_mathd__exp(void **unused) {
    (void)unused;
    uint64_t state = 1;
    long double worst = 0;
    for (int i = 0; i < 300000; i++) {
        double x = next_double(&state, i % 2 ? -745 : -1, i % 2 ? 709.7 : 1);
        worst = fmaxl(worst, error_in_ulps(rsn_expd(x), expl((long double)x)));
    }
    assert_true(worst <= 2 + SLACK);
    assert_true(rsn_expd(0) == 1 && rsn_expd(-0.0) == 1);
    assert_true(rsn_expd(INFINITY) == INFINITY && rsn_expd(709.79) == INFINITY);
    assert_true(rsn_expd(709.78) < INFINITY && rsn_expd(1e300) == INFINITY);
    assert_true(rsn_expd(-INFINITY) == 0 && rsn_expd(-746) == 0 && rsn_expd(-1e300) == 0);
    assert_true(rsn_expd(-745.1) == 0x1p-1074);
    assert_true(isnan(rsn_expd((double)NAN)));
}

static void test_kernels_mathd__log(void **unused) {
    (void)unused;
    uint64_t state = 2;
    long double worst = 0;
    for (int i = 0; i < 300000; i++) {
        double x = i % 2 ? rsn_expd(next_double(&state, -744, 709))
                         : next_double(&state, 0.5, 2);
        if (x == 1) continue;
        worst = fmaxl(worst, error_in_ulps(rsn_logd(x), logl((long double)x)));
    }
    assert_true(worst <= 2 + SLACK);
    assert_true(rsn_logd(1) == 0 && rsn_logd(0) == -INFINITY &&
                rsn_logd(-0.0) == -INFINITY);
    assert_true(rsn_logd(INFINITY) == INFINITY && isnan(rsn_logd((double)NAN)));
    assert_true(isnan(rsn_logd(-1)) && isnan(rsn_logd(-INFINITY)));
    assert_true(fabs(rsn_logd(0x1p-1074) + 744.44007192138126) < 1e-12);
}

static void test_kernels_mathd__pow(void **unused) {
    (void)unused;
    uint64_t state = 3;
    long double worst_near = 0, worst_far = 0;
    for (int i = 0; i < 300000; i++) {
        double x = rsn_expd(next_double(&state, -40, 40)),
               y = next_double(&state, -17, 17);
        if (i % 3 == 0)
            x = 10000 + 990000 * next_double(&state, 0, 1), y = -(double)(i % 128) / 128;
        long double exact = powl((long double)x, (long double)y),
                    far = fabsl(logl(exact));
        if (far <= 64)
            worst_near = fmaxl(worst_near, error_in_ulps(rsn_powd(x, y), exact));
        else if (far < 700)
            worst_far = fmaxl(worst_far, fabsl(rsn_powd(x, y) / exact - 1));
    }
    assert_true(worst_near <= 2 + SLACK);
    assert_true(worst_far <= 0x1p-44L);
    assert_true(rsn_powd(10, 0) == 1 && rsn_powd(1, 1e308) == 1 &&
                rsn_powd(2, 10) == 1024);
    assert_true(rsn_powd(2, INFINITY) == INFINITY && rsn_powd(2, -INFINITY) == 0);
    assert_true(rsn_powd(0.5, 1e308) == 0 && rsn_powd(0.5, -1e308) == INFINITY);
    assert_true(rsn_powd(1 + DBL_EPSILON, 1e300) == INFINITY);
    assert_true(isnan(rsn_powd(0, 1)) && isnan(rsn_powd(-1, 2)));
    assert_true(isnan(rsn_powd(INFINITY, 1)) && isnan(rsn_powd((double)NAN, 0)));
    assert_true(isnan(rsn_powd(1, (double)NAN)) && isnan(rsn_powd(2, (double)NAN)));
}

static void check_angle(double x, long double *worst) {
    double s, c;
    rsn_sincos(x, &s, &c);
    *worst = fmaxl(*worst, fabsl(s - sinl((long double)x)));
    *worst = fmaxl(*worst, fabsl(c - cosl((long double)x)));
}

static void test_kernels_mathd__sincos(void **unused) {
    (void)unused;
    uint64_t state = 4;
    long double worst = 0;
    for (int i = 0; i < 300000; i++) {
        check_angle(next_double(&state, -10, 10), &worst);
        check_angle(next_double(&state, -0x1p27, 0x1p27), &worst);
        check_angle((double)(i + 1) * 1.5707963267948966, &worst); /* near zeros */
    }
    check_angle(0x1p27, &worst);
    assert_true(worst <= 0x1p-52L + SLACK * 0x1p-53L);
    double s, c;
    rsn_sincos(0, &s, &c);
    assert_true(s == 0 && c == 1);
    const double outside[] = {0x1.0000000000001p27, -1e300, INFINITY, -INFINITY,
                              (double)NAN};
    for (size_t i = 0; i < 5; i++) {
        rsn_sincos(outside[i], &s, &c);
        assert_true(isnan(s) && isnan(c));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_mathd__exp),
        cmocka_unit_test(test_kernels_mathd__log),
        cmocka_unit_test(test_kernels_mathd__pow),
        cmocka_unit_test(test_kernels_mathd__sincos),
    };
    return cmocka_run_group_tests_name("kernels/mathd", tests, NULL, NULL);
}
