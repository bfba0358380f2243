/* Fits of blocks against a search over a fine grid of scales and minimums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/fit.h"
#include "unit/quant/blocks.h"

static const signed char VALUES[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                       1,    13,   25,  38,  53,  69,  89,  113};

static double error_of(const float *x, const rsn_fit_shape *s, const rsn_block *b) {
    double error = 0;
    for (size_t i = 0; i < (size_t)s->elems; i++) {
        size_t g = i / (size_t)s->group_elems;
        double y = (double)b->d * b->scale[g] * b->q[i] - (double)b->dmin * b->min[g];
        assert_true(b->q[i] >= s->q_low && b->q[i] <= s->q_high);
        error += (y - (double)x[i]) * (y - (double)x[i]);
    }
    return error;
}

/* The error of one group with this scale and minimum and the nearest integers. */
static double try_scale(const float *x, const rsn_fit_shape *s, double scale,
                        double min) {
    double error = 0;
    for (size_t i = 0; i < (size_t)s->group_elems; i++) {
        double best = INFINITY;
        for (int q = s->q_low; q <= s->q_high; q++) {
            bool allowed = !s->iq4;
            for (int v = 0; !allowed && v < 16; v++) allowed = VALUES[v] == q;
            double miss = scale * q - min - (double)x[i];
            if (allowed && miss * miss < best) best = miss * miss;
        }
        error += best;
    }
    return error;
}

static void draw(uint64_t *state, float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = random_normal(state);
}

/* One group whose scale is the block's: all that is lost is the rounding to a half. */
static void test_quant_fit__scales(void **unused) {
    (void)unused;
    static const rsn_fit_shape shapes[] = {{32, 32, -127, 113, true, 1, 1, false},
                                           {16, 16, -4, 3, false, 1, 1, false},
                                           {16, 16, -32, 31, false, 1, 1, false}};
    uint64_t state = 41;
    for (size_t t = 0; t < 3; t++) {
        double found = 0, wanted = 0;
        for (int round = 0; round < 60; round++) {
            float x[32];
            rsn_block b;
            double best = INFINITY, top = 0;
            draw(&state, x, (size_t)shapes[t].elems);
            fit_blocks(x, NULL, 0, &shapes[t], false, 1, &b);
            found += error_of(x, &shapes[t], &b);
            for (size_t i = 0; i < (size_t)shapes[t].elems; i++)
                top = fmax(top, fabs((double)x[i]));
            for (double end = 0.75; end < 1.25; end += 0.005) {
                double scale = top / shapes[t].q_low / end;
                best = fmin(best, try_scale(x, &shapes[t], scale, 0));
                best = fmin(best, try_scale(x, &shapes[t], -scale, 0));
            }
            wanted += best;
        }
        print_message("%d levels: error %.3f of the best of a search\n",
                      t == 0 ? 16 : 2 * -shapes[t].q_low, found / wanted);
        assert_true(found <= 1.05 * wanted);
    }
}

static void test_quant_fit__scales_and_minimums(void **unused) {
    (void)unused;
    /* 63 steps of scale and minimum, so that rounding those costs little */
    static const rsn_fit_shape shapes[] = {{16, 16, 0, 3, false, 0, 63, false},
                                           {32, 32, 0, 15, false, 0, 63, false}};
    uint64_t state = 42;
    for (size_t t = 0; t < 2; t++) {
        double found = 0, wanted = 0;
        for (int round = 0; round < 20; round++) {
            float x[32];
            rsn_block b;
            double best = INFINITY, low = 0, high = 0;
            draw(&state, x, (size_t)shapes[t].elems);
            fit_blocks(x, NULL, 0, &shapes[t], true, 1, &b);
            found += error_of(x, &shapes[t], &b);
            for (size_t i = 0; i < (size_t)shapes[t].elems; i++) {
                low = fmin(low, (double)x[i]);
                high = fmax(high, (double)x[i]);
            }
            for (double end = 0.6; end < 1.1; end += 0.02)
                for (double min = 0.6; min < 1.1; min += 0.02)
                    best = fmin(best, try_scale(x, &shapes[t],
                                                end * (high - low) / shapes[t].q_high,
                                                -low * min));
            wanted += best;
        }
        print_message("%d levels and a minimum: error %.3f of the best of a search\n",
                      shapes[t].q_high + 1, found / wanted);
        assert_true(found <= 1.05 * wanted);
    }
}

/* Groups of one value, on either side of 0, and of nothing. */
static void test_quant_fit__constants(void **unused) {
    (void)unused;
    static const rsn_fit_shape shape = {64, 16, 0, 15, false, 0, 63, false};
    static const float values[4] = {-3, 0, 1.5f, -1};
    float x[64];
    rsn_block b;
    for (int i = 0; i < 64; i++) x[i] = values[i / 16];
    fit_blocks(x, NULL, 0, &shape, true, 1, &b);
    assert_true(error_of(x, &shape, &b) < 64 * 1e-4);
    assert_true(b.scale[2] > 0 && b.min[2] == 0 && b.min[0] == 63);
    assert_true(b.scale[1] * b.q[16] == 0 && b.min[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_fit__scales),
        cmocka_unit_test(test_quant_fit__scales_and_minimums),
        cmocka_unit_test(test_quant_fit__constants),
    };
    return cmocka_run_group_tests_name("quant/fit", tests, NULL, NULL);
}
