/* Which type each tensor gets: the mixes layer by layer against the published rule spelt
 * out, fallbacks of rows that do not fit, rules, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "convert/targets.h"

static const char *type_of(rsn_targets *t, const char *name, uint64_t row,
                           const char **reason) {
    rsn_gguf_tensor tensor = {.name = {name, strlen(name)},
                              .n_dims = 2,
                              .ne = {row, 64, 1, 1},
                              .type = rsn_type_info_get(RSN_TYPE_F16)};
    return rsn_target_of(t, &tensor, reason)->name;
}

static rsn_targets targets_of(const char *mix) {
    rsn_targets t = {.mix = rsn_mix_find(mix), .n_layers = 28, .n_gqa = 6,
                     .has_output = true};
    assert_non_null(t.mix);
    return t;
}

static void expect(rsn_targets *t, const char *name, const char *type) {
    const char *reason;
    assert_string_equal(type_of(t, name, 512, &reason), type);
}

static void test_convert_targets__q4_k_m(void **state) {
    (void)state;
    /* of 28 layers: the first 3, the last 4, and 5, 8, 11, 14, 17, 20, 23 */
    static const char more[] = "1110010010010010010010011111";
    rsn_targets t = targets_of("q4_k_m");
    for (int i = 0; i < 28; i++) {
        char name[64];
        const char *wide = more[i] == '1' ? "Q6_K" : "Q4_K";
        (void)snprintf(name, sizeof name, "blk.%d.attn_v.weight", i);
        expect(&t, name, wide);
        (void)snprintf(name, sizeof name, "blk.%d.ffn_down.weight", i);
        expect(&t, name, wide);
        (void)snprintf(name, sizeof name, "blk.%d.attn_q.weight", i);
        expect(&t, name, "Q4_K");
        (void)snprintf(name, sizeof name, "blk.%d.attn_qkv.weight", i);
        expect(&t, name, "Q5_K");
    }
    expect(&t, "output.weight", "Q6_K");
    expect(&t, "token_embd.weight", "Q4_K");
    t.has_output = false;
    expect(&t, "token_embd.weight", "Q6_K");
    t.pure = true;
    expect(&t, "token_embd.weight", "Q4_K");
}

static void test_convert_targets__other_mixes(void **state) {
    (void)state;
    static const struct {
        const char *mix, *v0, *v3, *v10, *down0, *down2, *down10, *out;
    } rows[] = {
        {"Q3_K_M", "Q5_K", "Q4_K", "Q4_K", "Q5_K", "Q4_K", "Q4_K", "Q4_K"},
        {"Q3_K_L", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K"},
        {"Q4_K_S", "Q5_K", "Q5_K", "Q4_K", "Q5_K", "Q5_K", "Q4_K", "Q4_K"},
        {"Q5_K_S", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K"},
        {"Q5_K_M", "Q6_K", "Q5_K", "Q5_K", "Q6_K", "Q6_K", "Q5_K", "Q5_K"},
        {"Q2_K", "Q4_K", "Q4_K", "Q4_K", "Q3_K", "Q3_K", "Q3_K", "Q3_K"},
        {"Q2_K_S", "Q4_K", "Q4_K", "Q4_K", "Q4_K", "Q4_K", "Q2_K", "Q2_K"},
        {"IQ4_XS", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "Q5_K", "IQ4_XS", "IQ4_XS"},
        {"Q4_0", "Q4_0", "Q4_0", "Q4_0", "Q4_0", "Q4_0", "Q4_0", "Q4_0"},
        {"Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rsn_targets t = targets_of(rows[i].mix);
        expect(&t, "blk.0.attn_v.weight", rows[i].v0);
        expect(&t, "blk.3.attn_v.weight", rows[i].v3);
        expect(&t, "blk.10.attn_v.weight", rows[i].v10);
        expect(&t, "blk.0.ffn_down.weight", rows[i].down0);
        expect(&t, "blk.2.ffn_down.weight", rows[i].down2);
        expect(&t, "blk.10.ffn_down.weight", rows[i].down10);
        expect(&t, "blk.10.attn_output.weight", rows[i].out);
    }
    rsn_targets t = targets_of("Q4_0");
    t.has_importance = true;
    expect(&t, "blk.0.ffn_down.weight", "Q4_1");
    t = targets_of("IQ4_NL");
    t.has_importance = true;
    expect(&t, "blk.0.ffn_down.weight", "IQ4_NL");
    assert_null(rsn_mix_find("Q4_K_X"));
    assert_null(rsn_target_type("Q4_K_M"));
    assert_null(rsn_target_type("I2_S layout B"));
}

static void test_convert_targets__fallback(void **state) {
    (void)state;
    static const struct {
        const char *mix, *of_32, *of_1;
    } rows[] = {
        {"Q4_K_S", "Q5_0", "F16"}, {"Q5_K_S", "Q5_1", "F16"}, {"Q6_K", "Q8_0", "F16"},
        {"Q2_K_S", "IQ4_NL", "F16"}, {"Q3_K_S", "IQ4_NL", "F16"},
        {"IQ4_XS", "IQ4_NL", "F16"}, {"TQ1_0", "F16", "F16"}, {"TQ2_0", "F16", "F16"},
        {"I2_S", "F16", "F16"},      {"Q8_0", "Q8_0", "F16"}, {"BF16", "BF16", "BF16"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reason;
        rsn_targets t = targets_of(rows[i].mix);
        assert_string_equal(type_of(&t, "blk.9.attn_k.weight", 32 * 9, &reason),
                            rows[i].of_32);
        assert_string_equal(reason, strcmp(rows[i].of_32, t.mix->name) ? "fallback" : "type");
        assert_string_equal(type_of(&t, "blk.9.attn_k.weight", 33, &reason),
                            rows[i].of_1);
    }
}

static void test_convert_targets__rules_and_what_is_kept(void **state) {
    (void)state;
    const char *reason;
    rsn_rule rules[2];
    rsn_targets t = targets_of("Q4_K_M");
    assert_int_equal(rsn_rule_read("blk\\.[0-3]\\.attn_(q|k)=q8_0", &rules[0]), REASON_OK);
    assert_int_equal(rsn_rule_read("a=b|attn=F16", &rules[1]), REASON_OK);
    t.rules = rules;
    t.n_rules = 2;
    assert_string_equal(type_of(&t, "blk.3.attn_q.weight", 512, &reason), "Q8_0");
    assert_string_equal(reason, "rule");
    assert_string_equal(type_of(&t, "blk.4.attn_q.weight", 512, &reason), "F16");
    assert_string_equal(type_of(&t, "blk.4.ffn_up.weight", 512, &reason), "Q4_K");
    static const char *const kept[] = {"blk.0.attn_norm.weight", "blk.0.attn_q.bias",
                                       "blk.0.ffn_gate_inp.weight", "rope_freqs"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        (void)type_of(&t, kept[i], 512, &reason);
        assert_string_equal(reason, "kept");
    }
    assert_int_equal(rules[0].n_matches, 1);
    rsn_rule_free(&rules[0]);
    rsn_rule_free(&rules[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convert_targets__q4_k_m),
        cmocka_unit_test(test_convert_targets__other_mixes),
        cmocka_unit_test(test_convert_targets__fallback),
        cmocka_unit_test(test_convert_targets__rules_and_what_is_kept),
    };
    return cmocka_run_group_tests_name("convert/targets", tests, NULL, NULL);
}
