/* exp, tanh and log in float32: error bounds against long double, special values,
 * monotone ends, and equality of the vector form of exp with the scalar one. */
#include "kernels_common.h"

#include <math.h>

#include "kernels/mathf.h"

/* |got - exact| in units of the last place of a float of the exact value's size. */
static long double error_in_ulps(float got, long double exact) {
    int exponent;
    frexpl(exact, &exponent);
    if (exponent < -125) exponent = -125; /* subnormals share one spacing */
    return fabsl((long double)got - exact) / ldexpl(1, exponent - 24);
}

static long double exp_error(float x) {
    long double exact = expl((long double)x);
    float got = rsn_expf(x);
    if (exact >= 0x1.ffffffp127L) return isinf(got) ? 0 : error_in_ulps(got, exact);
    return error_in_ulps(got, exact);
}

static void test_kernels_mathf__exp_error(void **unused) {
    (void)unused;
    uint64_t state = 1;
    long double worst = 0;
    for (float x = -104.5f; x < 89.5f; x += 0.0000911f * (1 + fabsf(x) * 0.05f)) {
        worst = fmaxl(worst, exp_error(x));
    }
    for (int i = 0; i < 1000000; i++) {
        worst = fmaxl(worst,
                      exp_error(rsn_float_from_bits(next_random(&state) & 0xC2FFFFFF)));
    }
    assert_true(worst <= 2);
}

static void test_kernels_mathf__exp_special_values(void **unused) {
    (void)unused;
    assert_true(rsn_expf(0.0f) == 1 && rsn_expf(-0.0f) == 1);
    assert_true(rsn_expf(INFINITY) == INFINITY && rsn_expf(89) == INFINITY);
    assert_true(rsn_expf(88.72283f) < INFINITY && rsn_expf(88.72284f) == INFINITY);
    assert_true(rsn_expf(3.4e38f) == INFINITY);
    assert_true(same_float(rsn_expf(-INFINITY), 0) && same_float(rsn_expf(-3.4e38f), 0));
    assert_true(same_float(rsn_expf(-104), 0));
    assert_true(rsn_expf(-103.97f) == 0x1p-149f && rsn_expf(-87.4f) < FLT_MIN);
    assert_true(isnan(rsn_expf(NAN)) && isnan(rsn_expf(-NAN)));
    for (float x = -1e-3f; x < 1e-3f; x += 1e-6f) {
        assert_true(rsn_expf(x) <= rsn_expf(x + 1e-6f));
    }
}

static void test_kernels_mathf__exp_in_vectors(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    uint64_t state = 2;
    float x[64], y[64];
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < 64; i++) {
            uint32_t bits = next_random(&state);
            x[i] =
                round % 2 ? rsn_float_from_bits(bits) : (float)(int32_t)bits * 0x1p-24f;
        }
        for (size_t l = 0; l < n_levels; l++) {
            memcpy(y, x, sizeof x);
            levels[l]->exp_sum(y, 0, 64);
            for (size_t i = 0; i < 64; i++) assert_true(same_float(y[i], rsn_expf(x[i])));
        }
    }
}

/* The sum that is rounded once, against the C library's; on CPUs that have an instruction
 * for it both are that. Sums near halfway points and near the least numbers are sought. */
static void test_kernels_mathf__fused(void **unused) {
    (void)unused;
    static const float EDGES[] = {0.0f,      -0.0f,     1.0f,     -1.0f,   0x1p-149f, -0x1p-149f,
                                  0x1p-126f, 0x1p-75f,  0x1p-74f, FLT_MAX, -FLT_MAX,  0x1p+64f,
                                  INFINITY,  -INFINITY, NAN,      3.0f,    0x1.fffffep0f};
    enum { N_EDGES = sizeof EDGES / sizeof *EDGES };
    uint64_t state = 6;
    for (size_t i = 0; i < N_EDGES * N_EDGES * N_EDGES; i++) {
        float a = EDGES[i % N_EDGES], b = EDGES[i / N_EDGES % N_EDGES];
        float c = EDGES[i / N_EDGES / N_EDGES];
        assert_true(same_float(rsn_fmaf(a, b, c), fmaf(a, b, c)));
    }
    for (int i = 0; i < 3000000; i++) {
        float a = rsn_float_from_bits(next_random(&state));
        float b = rsn_float_from_bits(next_random(&state)), c = -(a * b);
        uint32_t r = next_random(&state);
        if (r % 4 == 0) c = rsn_float_from_bits(r * 2654435761u);
        if (r % 4 == 1) c = ldexpf(c, (int)(r >> 8 & 63) - 32);
        if (r % 4 == 2) c = ldexpf(1, -(int)(r >> 8 & 255)) * (r & 4 ? 1 : -1);
        assert_true(same_float(rsn_fmaf(a, b, c), fmaf(a, b, c)));
    }
}

static void test_kernels_mathf__tanh_error(void **unused) {
    (void)unused;
    long double worst = 0;
    for (uint32_t bits = 1; bits < 0x41800000; bits += 509) { /* to 16 */
        float x = rsn_float_from_bits(bits);
        worst = fmaxl(worst, error_in_ulps(rsn_tanhf(x), tanhl((long double)x)));
        assert_true(rsn_tanhf(-x) == -rsn_tanhf(x));
    }
    for (float x = 0.5f; x < 1; x += 0x1p-22f) {
        worst = fmaxl(worst, error_in_ulps(rsn_tanhf(x), tanhl((long double)x)));
    }
    print_message("tanh: at most %.2Lf units in the last place\n", worst);
    assert_true(worst <= 2);
}

static void test_kernels_mathf__tanh_special_values(void **unused) {
    (void)unused;
    assert_true(rsn_tanhf(0) == 0 && rsn_tanhf(-0.0f) == 0);
    assert_true(rsn_tanhf(0x1p-149f) == 0x1p-149f && rsn_tanhf(-0x1p-149f) == -0x1p-149f);
    assert_true(rsn_tanhf(INFINITY) == 1 && rsn_tanhf(-INFINITY) == -1);
    assert_true(rsn_tanhf(FLT_MAX) == 1 && rsn_tanhf(-FLT_MAX) == -1);
    assert_true(isnan(rsn_tanhf(NAN)) && isnan(rsn_tanhf(-NAN)));
}

static void test_kernels_mathf__tanh_in_vectors(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    uint64_t state = 8;
    float x[64], y[64];
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < 64; i++) {
            uint32_t bits = next_random(&state);
            x[i] =
                round % 2 ? rsn_float_from_bits(bits) : (float)(int32_t)bits * 0x1p-29f;
        }
        for (size_t l = 0; l < n_levels; l++) {
            memcpy(y, x, sizeof x);
            levels[l]->soft_cap(y, 1, 64);
            for (size_t i = 0; i < 64; i++)
                assert_true(same_float(y[i], rsn_tanhf(x[i])));
        }
    }
}

static void test_kernels_mathf__log_error(void **unused) {
    (void)unused;
    uint64_t state = 3;
    long double worst = 0;
    for (uint32_t bits = 1; bits < 0x7F800000; bits += 1021) {
        float x = rsn_float_from_bits(bits);
        worst = fmaxl(worst, error_in_ulps(rsn_logf(x), logl((long double)x)));
    }
    for (int i = 0; i < 1000000; i++) { /* around 1, where the result nears 0 */
        float x = 0.5f + (float)(next_random(&state) >> 8) * 0x1p-24f * 1.5f;
        if (x == 1) continue;
        worst = fmaxl(worst, error_in_ulps(rsn_logf(x), logl((long double)x)));
    }
    assert_true(worst <= 2);
}

static void test_kernels_mathf__log_special_values(void **unused) {
    (void)unused;
    assert_true(same_float(rsn_logf(1), 0));
    assert_true(rsn_logf(0.0f) == -INFINITY && rsn_logf(-0.0f) == -INFINITY);
    assert_true(rsn_logf(INFINITY) == INFINITY);
    assert_true(isnan(rsn_logf(-1)) && isnan(rsn_logf(-INFINITY)) &&
                isnan(rsn_logf(NAN)));
    assert_true(isnan(rsn_logf(-0x1p-149f)));
    assert_true(fabsf(rsn_logf(0x1p-149f) + 103.27893f) < 1e-4f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_mathf__exp_error),
        cmocka_unit_test(test_kernels_mathf__exp_special_values),
        cmocka_unit_test(test_kernels_mathf__exp_in_vectors),
        cmocka_unit_test(test_kernels_mathf__fused),
        cmocka_unit_test(test_kernels_mathf__tanh_error),
        cmocka_unit_test(test_kernels_mathf__tanh_special_values),
        cmocka_unit_test(test_kernels_mathf__tanh_in_vectors),
        cmocka_unit_test(test_kernels_mathf__log_error),
        cmocka_unit_test(test_kernels_mathf__log_special_values),
    };
    return cmocka_run_group_tests_name("kernels/mathf", tests, NULL, NULL);
}
