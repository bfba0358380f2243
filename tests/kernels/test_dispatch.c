/* The choice of tables: every entry filled, no level above the one asked for. */
#include "kernels_common.h"

static void test_kernels_dispatch__tables_are_full(void **unused) {
    (void)unused;
    for (int l = REASON_CPU_AUTO; l <= REASON_CPU_NEON; l++) {
        const rsn_kernels *k = rsn_kernels_for((reason_cpu)l);
        assert_non_null(k);
        for (size_t type = 0; type < RSN_N_TYPES; type++)
            assert_true(k->product[type] != NULL);
        assert_true(k->quantize_q8_256 && k->quantize_q8_row && k->relu2_mul);
        assert_true(k->quantize_q4_row && k->hadamard);
        assert_true(k->quantize_q8 && k->dot && k->add_scaled);
        assert_true(k->add && k->scale && k->f16_from_f32);
        assert_true(k->f32_from_f16 && k->rms_norm && k->rope && k->silu_mul);
        assert_true(k->relu2_mul && k->gelu_mul && k->soft_cap);
        assert_true(k->max && k->exp_sum);
    }
}

static void test_kernels_dispatch__never_above_the_level(void **unused) {
    (void)unused;
    for (int l = REASON_CPU_GENERIC; l <= REASON_CPU_NEON; l++) {
        assert_true((int)rsn_kernels_for((reason_cpu)l)->level <= l);
        assert_true(rsn_kernels_for((reason_cpu)l)->level >= REASON_CPU_GENERIC);
    }
    assert_int_equal(rsn_kernels_for(REASON_CPU_AUTO)->level, REASON_CPU_GENERIC);
    assert_int_equal(rsn_kernels_for((reason_cpu)99)->level, REASON_CPU_GENERIC);
}

static void test_kernels_dispatch__one_table_per_level(void **unused) {
    (void)unused;
    for (int l = REASON_CPU_GENERIC; l <= REASON_CPU_NEON; l++) {
        const rsn_kernels *k = rsn_kernels_for((reason_cpu)l);
        assert_ptr_equal(k, rsn_kernels_for(k->level));
    }
}

/* Equal bits would hide a level that is served by generic functions. */
static void test_kernels_dispatch__levels_have_their_own(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS], *g;
    size_t n_levels = find_levels(levels);
    g = levels[0];
    for (size_t l = 1; l < n_levels; l++) {
        const rsn_kernels *k = levels[l];
        for (size_t type = 0; type < RSN_N_TYPES; type++) {
            assert_true(k->product[type] != g->product[type]);
            if (rsn_type_info_get((rsn_type)type)->act == RSN_ACT_F32) continue;
            assert_true(k->product[type] != levels[l - 1]->product[type]);
        }
        assert_true(k->quantize_q8_256 != g->quantize_q8_256);
        assert_true(k->quantize_q8_row != g->quantize_q8_row);
        assert_true(k->quantize_q4_row != g->quantize_q4_row);
        assert_true(k->relu2_mul != g->relu2_mul && k->hadamard != g->hadamard);
        assert_true(k->quantize_q8 != g->quantize_q8 && k->dot != g->dot);
        assert_true(k->add != g->add && k->scale != g->scale);
        assert_true(k->add_scaled != g->add_scaled);
        assert_true(k->f16_from_f32 != g->f16_from_f32);
        assert_true(k->f32_from_f16 != g->f32_from_f16);
        assert_true(k->rms_norm != g->rms_norm && k->rope != g->rope);
        assert_true(k->silu_mul != g->silu_mul && k->max != g->max);
        assert_true(k->gelu_mul != g->gelu_mul && k->soft_cap != g->soft_cap);
        assert_true(k->exp_sum != g->exp_sum);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_dispatch__tables_are_full),
        cmocka_unit_test(test_kernels_dispatch__never_above_the_level),
        cmocka_unit_test(test_kernels_dispatch__one_table_per_level),
        cmocka_unit_test(test_kernels_dispatch__levels_have_their_own),
    };
    return cmocka_run_group_tests_name("kernels/dispatch", tests, NULL, NULL);
}
