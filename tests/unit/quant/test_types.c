/* The table of types: rows in order, numbers and names as published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "quant/types.h"

static void test_quant_types__rows(void **unused) {
    (void)unused;
    static const struct {
        const char *name;
        uint32_t id;
        size_t elems, bytes, group;
        rsn_act act;
        bool has_min;
    } wanted[RSN_N_TYPES] = {
        {"F32", 0, 1, 4, 0, RSN_ACT_F32, false},
        {"F16", 1, 1, 2, 0, RSN_ACT_F32, false},
        {"BF16", 30, 1, 2, 0, RSN_ACT_F32, false},
        {"Q4_0", 2, 32, 18, 32, RSN_ACT_Q8_32, false},
        {"Q4_1", 3, 32, 20, 32, RSN_ACT_Q8_32, true},
        {"Q5_0", 6, 32, 22, 32, RSN_ACT_Q8_32, false},
        {"Q5_1", 7, 32, 24, 32, RSN_ACT_Q8_32, true},
        {"Q8_0", 8, 32, 34, 32, RSN_ACT_Q8_32, false},
        {"Q2_K", 10, 256, 84, 16, RSN_ACT_Q8_256, true},
        {"Q3_K", 11, 256, 110, 16, RSN_ACT_Q8_256, false},
        {"Q4_K", 12, 256, 144, 32, RSN_ACT_Q8_256, true},
        {"Q5_K", 13, 256, 176, 32, RSN_ACT_Q8_256, true},
        {"Q6_K", 14, 256, 210, 16, RSN_ACT_Q8_256, false},
        {"IQ4_NL", 20, 32, 18, 32, RSN_ACT_Q8_32, false},
        {"IQ4_XS", 23, 256, 136, 32, RSN_ACT_Q8_256, false},
        {"TQ1_0", 34, 256, 54, 256, RSN_ACT_Q8_256, false},
        {"TQ2_0", 35, 256, 66, 256, RSN_ACT_Q8_256, false},
        {"I2_S", 36, 128, 32, 128, RSN_ACT_Q8_ROW, false},
        {"I2_S layout B", RSN_NO_GGML_ID, 64, 16, 64, RSN_ACT_Q8_ROW, false},
    };
    for (size_t i = 0; i < RSN_N_TYPES; i++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)i);
        assert_non_null(info);
        assert_int_equal(info->type, i);
        assert_string_equal(info->name, wanted[i].name);
        assert_int_equal(info->ggml_id, wanted[i].id);
        assert_int_equal(info->block_elems, wanted[i].elems);
        assert_int_equal(info->block_bytes, wanted[i].bytes);
        assert_int_equal(info->group_elems, wanted[i].group);
        assert_int_equal(info->act, wanted[i].act);
        assert_true(info->has_min == wanted[i].has_min);
        assert_true(info->act == RSN_ACT_F32 ? info->decode && !info->expand
                                             : info->expand && !info->decode);
        assert_int_equal(info->tail_bytes, info->act == RSN_ACT_Q8_ROW ? 32 : 0);
        if (wanted[i].id == RSN_NO_GGML_ID) continue;
        assert_ptr_equal(rsn_type_by_ggml(wanted[i].id), info);
        assert_string_equal(rsn_type_ggml_name(wanted[i].id), wanted[i].name);
    }
    assert_null(rsn_type_info_get(RSN_N_TYPES));
    assert_null(rsn_type_info_get((rsn_type)-1));
}

static void test_quant_types__ids_not_handled(void **unused) {
    (void)unused;
    size_t n_handled = 0;
    for (uint32_t id = 0; id < 1000; id++) n_handled += rsn_type_by_ggml(id) != NULL;
    assert_int_equal(n_handled, RSN_N_TYPES - 1); /* I2_S has two layouts */
    assert_null(rsn_type_by_ggml(UINT32_MAX));
}

static void test_quant_types__published_names(void **unused) {
    (void)unused;
    assert_string_equal(rsn_type_ggml_name(2), "Q4_0");
    assert_string_equal(rsn_type_ggml_name(12), "Q4_K");
    assert_string_equal(rsn_type_ggml_name(14), "Q6_K");
    assert_string_equal(rsn_type_ggml_name(23), "IQ4_XS");
    assert_string_equal(rsn_type_ggml_name(28), "F64");
    assert_string_equal(rsn_type_ggml_name(35), "TQ2_0");
    assert_string_equal(rsn_type_ggml_name(36), "I2_S");
    assert_string_equal(rsn_type_ggml_name(39), "TL2 or MXFP4");
    assert_string_equal(rsn_type_ggml_name(40), "unknown");
    assert_string_equal(rsn_type_ggml_name(UINT32_MAX), "unknown");
    const uint32_t removed[] = {4, 5, 31, 32, 33};
    for (size_t i = 0; i < sizeof removed / sizeof *removed; i++) {
        assert_non_null(strstr(rsn_type_ggml_name(removed[i]), "removed"));
    }
    for (uint32_t id = 0; id < 40; id++) {
        for (uint32_t other = 0; other < id; other++) {
            assert_string_not_equal(rsn_type_ggml_name(id), rsn_type_ggml_name(other));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_types__rows),
        cmocka_unit_test(test_quant_types__ids_not_handled),
        cmocka_unit_test(test_quant_types__published_names),
    };
    return cmocka_run_group_tests_name("quant/types", tests, NULL, NULL);
}
