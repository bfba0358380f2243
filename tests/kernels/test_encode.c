/* Encoders of every instruction set against those of the type table: the same bytes, with
 * and without importance, for any floats and any number of blocks. And importance does
 * what it is for: the weighted error is less than without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/table.h"
#include "unit/quant/blocks.h"

enum { MOST = 256 * 5 };

static void fill(uint64_t *state, float *x, size_t n, int kind) {
    for (size_t i = 0; i < n; i++) {
        x[i] = random_normal(state);
        if (kind == 1) x[i] *= x[i] * x[i];
        if (kind == 2) x[i] = i % 7 ? 0 : x[i] * 1e-39f;
        if (kind == 3) x[i] *= 1e30f;
        if (kind == 4) x[i] = 0.25f;
        if (kind == 5 && i % 300 == 5) x[i] = INFINITY;
    }
}

static void compare(const rsn_kernels *k, const rsn_type_info *type, const float *x,
                    const float *importance, size_t n) {
    uint8_t a[MOST * 2], b[MOST * 2];
    size_t bytes = rsn_type_row_bytes(type, n);
    memset(a, 0x11, sizeof a);
    memset(b, 0x22, sizeof b);
    type->encode(x, importance, a, n);
    k->encode[type->type](x, importance, b, n);
    assert_memory_equal(a, b, bytes);
    assert_int_equal(b[bytes], 0x22);
}

static void test_kernels_encode__same_bytes(void **unused) {
    (void)unused;
    uint64_t state = 7;
    float x[MOST], importance[MOST];
    for (int level = REASON_CPU_AVX2; level <= REASON_CPU_NEON; level++) {
        const rsn_kernels *k = rsn_kernels_for(rsn_cpu_pick((reason_cpu)level));
        for (int kind = 0; kind < 6; kind++)
            for (int t = 0; t < RSN_N_TYPES; t++) {
                const rsn_type_info *type = rsn_type_info_get((rsn_type)t);
                if (!k->encode[t]) continue;
                fill(&state, x, MOST, kind);
                for (size_t i = 0; i < MOST; i++)
                    importance[i] = i % 11 ? fabsf(random_normal(&state)) : 0;
                for (size_t n = type->block_elems; n <= MOST; n += 256) {
                    compare(k, type, x, NULL, n);
                    compare(k, type, x, importance, n);
                }
            }
    }
}

static double weighted_error(const rsn_type_info *type, const float *x,
                             const float *importance, const float *given) {
    uint8_t bytes[MOST * 2];
    float y[MOST];
    double error = 0;
    type->encode(x, given, bytes, MOST);
    rsn_type_decode(type, bytes, y, MOST);
    for (size_t i = 0; i < MOST; i++) {
        double miss = (double)x[i] - (double)y[i];
        error += (double)importance[i] * miss * miss;
    }
    return error;
}

static void test_kernels_encode__importance_pays(void **unused) {
    (void)unused;
    static const rsn_type types[] = {RSN_TYPE_Q4_0, RSN_TYPE_Q4_1,   RSN_TYPE_Q5_0,
                                     RSN_TYPE_Q5_1, RSN_TYPE_Q2_K,   RSN_TYPE_Q3_K,
                                     RSN_TYPE_Q4_K, RSN_TYPE_Q5_K,   RSN_TYPE_Q6_K,
                                     RSN_TYPE_IQ4_NL, RSN_TYPE_IQ4_XS};
    uint64_t state = 9;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        const rsn_type_info *type = rsn_type_info_get(types[t]);
        double with = 0, without = 0;
        for (int round = 0; round < 10; round++) {
            float x[MOST], importance[MOST];
            fill(&state, x, MOST, 0);
            for (size_t i = 0; i < MOST; i++)
                importance[i] = (float)exp(1.5 * (double)random_normal(&state));
            with += weighted_error(type, x, importance, importance);
            without += weighted_error(type, x, importance, NULL);
        }
        print_message("%-7s weighted squared error with importance: %.3f of that without\n",
                      type->name, with / without);
        assert_true(with < 0.97 * without);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_encode__same_bytes),
        cmocka_unit_test(test_kernels_encode__importance_pays),
    };
    return cmocka_run_group_tests_name("kernels/encode", tests, NULL, NULL);
}
