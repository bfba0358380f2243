/* TQ1_0, TQ2_0 and both layouts of I2_S: every byte by hand, random blocks against the
 * formulas, and encoding by its definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/half.h"
#include "unit/quant/blocks.h"

/* --- reading ------------------------------------------------------------------------ */

static void formula_tq2_0(const uint8_t *in, float *y) {
    for (int j = 0; j < 64; j += 32)
        for (int n = 0; n < 4; n++)
            for (int m = 0; m < 32; m++)
                y[4 * j + 32 * n + m] =
                    half_at(in + 64) * (float)((in[j + m] >> 2 * n & 3) - 1);
}

static int digit_by_rule(uint8_t byte, int n) {
    static const uint8_t powers[] = {1, 3, 9, 27, 81};
    uint8_t q = (uint8_t)(byte * powers[n]);
    return q * 3 >> 8;
}

static void formula_tq1_0(const uint8_t *in, float *y) {
    float d = half_at(in + 52);
    for (int n = 0; n < 5; n++) {
        for (int m = 0; m < 32; m++)
            y[32 * n + m] = d * (float)(digit_by_rule(in[m], n) - 1);
        for (int m = 0; m < 16; m++)
            y[160 + 16 * n + m] = d * (float)(digit_by_rule(in[32 + m], n) - 1);
        for (int j = 0; n < 4 && j < 4; j++)
            y[240 + 4 * n + j] = d * (float)(digit_by_rule(in[48 + j], n) - 1);
    }
}

static void formula_i2_s(const uint8_t *in, float *y) {
    for (int i = 0; i < 128; i++)
        y[i] = (float)((in[i % 32] >> (6 - 2 * (i / 32)) & 3) - 1);
}

static void formula_i2_s_b(const uint8_t *in, float *y) {
    for (int i = 0; i < 64; i++)
        y[i] = (float)((in[i % 16] >> (6 - 2 * (i / 16)) & 3) - 1);
}

static void test_quant_ternary__random_blocks(void **unused) {
    (void)unused;
    check_formula(RSN_TYPE_TQ1_0, formula_tq1_0);
    check_formula(RSN_TYPE_TQ2_0, formula_tq2_0);
    check_formula(RSN_TYPE_I2_S, formula_i2_s);
    check_formula(RSN_TYPE_I2_S_B, formula_i2_s_b);
}

/* All 256 bytes in all places of a block. 243 of them are five digits, which come from
 * division here; of the 13 that no encoder writes the rule says what they are. */
static void test_quant_ternary__tq1_0_every_byte(void **unused) {
    (void)unused;
    int digits[256][5];
    bool used[256] = {false};
    for (int v = 0; v < 243; v++) {
        int byte = (v * 256 + 242) / 243;
        assert_false(used[byte]);
        used[byte] = true;
        for (int n = 4, rest = v; n >= 0; n--, rest /= 3) digits[byte][n] = rest % 3;
    }
    int n_unused = 0;
    for (int byte = 0; byte < 256; byte++) {
        n_unused += !used[byte];
        for (int n = 0; n < 5 && !used[byte]; n++)
            digits[byte][n] = digit_by_rule((uint8_t)byte, n);
        uint8_t block[54];
        float x[256];
        memset(block, byte, 52);
        put_half(block + 52, 0xC200); /* -3 */
        decode_block(RSN_TYPE_TQ1_0, block, x);
        for (int i = 0; i < 256; i++) {
            int n = i < 160 ? i / 32 : i < 240 ? (i - 160) / 16 : (i - 240) / 4;
            assert_true(x[i] == -3.0f * (float)(digits[byte][n] - 1));
        }
    }
    assert_int_equal(n_unused, 13);
}

/* One weight at a time is 1 among zeros: where each lies, also across block borders. */
static void check_places(rsn_type type, size_t n_blocks,
                         size_t (*byte_of)(size_t i), unsigned (*shift_of)(size_t i)) {
    const rsn_type_info *info = type_of(type);
    size_t n = n_blocks * info->block_elems;
    uint8_t bytes[2 * MOST_BYTES];
    float x[2 * MOST_ELEMS];
    for (size_t at = 0; at < n; at++) {
        memset(bytes, 0x55, sizeof bytes);
        if (type == RSN_TYPE_TQ2_0)
            for (size_t b = 0; b < n_blocks; b++) put_half(bytes + 66 * b + 64, 0x3C00);
        bytes[byte_of(at)] ^= (uint8_t)(3 << shift_of(at)); /* code 2 */
        rsn_type_decode(info, bytes, x, n);
        for (size_t i = 0; i < n; i++) assert_true(x[i] == (i == at ? 1 : 0));
    }
}

static size_t byte_in_a(size_t i) {
    return i / 128 * 32 + i % 32;
}
static unsigned shift_in_a(size_t i) {
    return 6 - 2 * (unsigned)(i / 32 % 4);
}
static size_t byte_in_b(size_t i) {
    return i / 64 * 16 + i % 16;
}
static unsigned shift_in_b(size_t i) {
    return 6 - 2 * (unsigned)(i / 16 % 4);
}
static size_t byte_in_tq2_0(size_t i) {
    return i / 256 * 66 + i % 256 / 128 * 32 + i % 32;
}
static unsigned shift_in_tq2_0(size_t i) {
    return 2 * (unsigned)(i / 32 % 4);
}

static void test_quant_ternary__places(void **unused) {
    (void)unused;
    check_places(RSN_TYPE_I2_S, 4, byte_in_a, shift_in_a);
    check_places(RSN_TYPE_I2_S_B, 8, byte_in_b, shift_in_b);
    check_places(RSN_TYPE_TQ2_0, 2, byte_in_tq2_0, shift_in_tq2_0);
}

/* Code 3, which nobody writes, is one more than code 2; a subnormal scale. */
static void test_quant_ternary__code_3(void **unused) {
    (void)unused;
    uint8_t block[66];
    float x[256];
    memset(block, 0xFF, sizeof block);
    put_half(block + 64, 0x8003);
    decode_block(RSN_TYPE_TQ2_0, block, x);
    for (int i = 0; i < 256; i++) assert_true(x[i] == -6 * 0x1p-24f);
    decode_block(RSN_TYPE_I2_S, block, x);
    for (int i = 0; i < 128; i++) assert_true(x[i] == 2);
    decode_block(RSN_TYPE_I2_S_B, block, x);
    for (int i = 0; i < 64; i++) assert_true(x[i] == 2);
}

/* --- writing ------------------------------------------------------------------------ */

/* Weights around half of the largest: which become 0 follows from the definition. Both
 * types have the same codes and scale. */
static void test_quant_ternary__encodes_by_definition(void **unused) {
    (void)unused;
    uint64_t state = 31;
    for (int round = 0; round < 2000; round++) {
        float x[256], y[256], z[256], top = 0;
        float factor = ldexpf(1, (int)(next_random(&state) % 20) - 12);
        for (int i = 0; i < 256; i++) {
            x[i] = factor * random_normal(&state);
            top = fmaxf(top, fabsf(x[i]));
        }
        encode_decode(type_of(RSN_TYPE_TQ1_0), x, y, 256);
        encode_decode(type_of(RSN_TYPE_TQ2_0), x, z, 256);
        check_same(y, z, 256, "TQ1_0 and TQ2_0");
        float d = rsn_f16_to_f32(rsn_f16_from_f32(top)), inverse = 1 / top;
        for (int i = 0; i < 256; i++)
            assert_true(y[i] == d * roundf(x[i] * inverse));
    }
}

/* Five digits a byte, the most significant first; four in the last four bytes. */
static void test_quant_ternary__tq1_0_bytes(void **unused) {
    (void)unused;
    float x[256] = {0};
    uint8_t block[54];
    x[0] = x[64] = x[240] = 1; /* digits 2 1 2 1 1, and 2 1 1 1 (0) */
    x[32] = -1;                /* 2 0 2 1 1 */
    type_of(RSN_TYPE_TQ1_0)->encode(x, NULL, block, 256);
    const int first = (((2 * 3 + 0) * 3 + 2) * 3 + 1) * 3 + 1;
    assert_int_equal(block[0], (first * 256 + 242) / 243);
    assert_int_equal(block[1], (121 * 256 + 242) / 243);
    assert_int_equal(block[47], (121 * 256 + 242) / 243);
    assert_int_equal(block[48], ((((2 * 3 + 1) * 3 + 1) * 3 + 1) * 3 * 256 + 242) / 243);
    assert_int_equal(block[49], (40 * 3 * 256 + 242) / 243);
    assert_int_equal(block[52] | block[53] << 8, 0x3C00);
}

/* Weights already divided by the tensor's scale; what is larger than 1 is 1. */
static void test_quant_ternary__i2_s(void **unused) {
    (void)unused;
    static const float values[] = {-1, 0, 1, 0.49f, 0.5f, -0.49f, -0.5f, 1e30f, -1e30f};
    static const float wanted[] = {-1, 0, 1, 0, 1, 0, -1, 1, -1};
    static const rsn_type types[] = {RSN_TYPE_I2_S, RSN_TYPE_I2_S_B};
    uint64_t state = 32;
    for (int round = 0; round < 200; round++) {
        float x[384], y[384], z[384];
        for (int i = 0; i < 384; i++) {
            uint32_t which = next_random(&state) % 9;
            x[i] = values[which];
            z[i] = wanted[which];
        }
        for (int t = 0; t < 2; t++) {
            encode_decode(type_of(types[t]), x, y, 384);
            assert_memory_equal(y, z, sizeof y);
        }
    }
    float x[128] = {NAN, INFINITY, -INFINITY, 1}, y[128];
    encode_decode(type_of(RSN_TYPE_I2_S), x, y, 128);
    assert_true(y[0] == 0 && y[1] == 1 && y[2] == -1 && y[3] == 1);
}

static void test_quant_ternary__round_trip_error(void **unused) {
    (void)unused;
    check_error(RSN_TYPE_TQ1_0, 0.815);
    check_error(RSN_TYPE_TQ2_0, 0.815);
}

static void test_quant_ternary__any_floats(void **unused) {
    (void)unused;
    static const rsn_type types[] = {RSN_TYPE_TQ1_0, RSN_TYPE_TQ2_0};
    for (int t = 0; t < 2; t++) {
        check_not_finite(types[t]);
        check_extremes(types[t]);
        check_idempotent(types[t]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_ternary__random_blocks),
        cmocka_unit_test(test_quant_ternary__tq1_0_every_byte),
        cmocka_unit_test(test_quant_ternary__places),
        cmocka_unit_test(test_quant_ternary__code_3),
        cmocka_unit_test(test_quant_ternary__encodes_by_definition),
        cmocka_unit_test(test_quant_ternary__tq1_0_bytes),
        cmocka_unit_test(test_quant_ternary__i2_s),
        cmocka_unit_test(test_quant_ternary__round_trip_error),
        cmocka_unit_test(test_quant_ternary__any_floats),
    };
    return cmocka_run_group_tests_name("quant/ternary", tests, NULL, NULL);
}
