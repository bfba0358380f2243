/* Q8_0: blocks made by hand, random ones against the formula, the encoder against its
 * definition, round-trip error, and floats that no block can hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/half.h"
#include "unit/quant/blocks.h"

static void encode(const float *x, void *bytes, size_t n) {
    rsn_type_info_get(RSN_TYPE_Q8_0)->encode(x, NULL, bytes, n);
}

static void decode(const void *bytes, float *x, size_t n) {
    rsn_type_decode(rsn_type_info_get(RSN_TYPE_Q8_0), bytes, x, n);
}

static void formula_q8_0(const uint8_t *in, float *y) {
    for (int j = 0; j < 32; j++) y[j] = half_at(in) * (float)(int8_t)in[2 + j];
}

static void test_quant_q8_0__random_blocks(void **unused) {
    (void)unused;
    check_formula(RSN_TYPE_Q8_0, formula_q8_0);
}

/* Negative and subnormal scales times the most negative byte. */
static void test_quant_q8_0__lowest_byte(void **unused) {
    (void)unused;
    uint8_t block[34];
    float x[32];
    memset(block, 0x80, sizeof block); /* the scale is -128 * 2^-24 */
    decode(block, x, 32);
    for (int j = 0; j < 32; j++) assert_true(x[j] == 0x1p-10f);
    put_half(block, 0xC500); /* -5 */
    decode(block, x, 32);
    for (int j = 0; j < 32; j++) assert_true(x[j] == 640);
}

/* Every byte value occurs, -128 too; at an odd address. */
static void test_quant_q8_0__decodes_every_byte(void **unused) {
    (void)unused;
    uint8_t bytes[1 + 8 * 34];
    float x[8 * 32];
    for (int b = 0; b < 8; b++) {
        uint16_t scale = rsn_f16_from_f32(0.125f * (float)(b + 1));
        memcpy(bytes + 1 + 34 * b, &scale, 2);
        for (int j = 0; j < 32; j++) bytes[1 + 34 * b + 2 + j] = (uint8_t)(32 * b + j);
    }
    decode(bytes + 1, x, 256);
    for (int i = 0; i < 256; i++) {
        assert_true(x[i] == 0.125f * (float)(i / 32 + 1) * (float)(int8_t)i);
    }
}

static void test_quant_q8_0__encodes_by_definition(void **unused) {
    (void)unused;
    uint64_t state = 1;
    float x[64];
    uint8_t bytes[70];
    for (int round = 0; round < 5000; round++) {
        float factor = ldexpf(1, (int)(next_random(&state) % 40) - 30);
        for (int i = 0; i < 64; i++) {
            x[i] = factor * (float)((int32_t)next_random(&state) >> 8) * 0x1p-23f;
        }
        memset(bytes, 0xA5, sizeof bytes);
        encode(x, bytes, 64);
        assert_int_equal(bytes[68], 0xA5);
        for (int b = 0; b < 2; b++) {
            float top = 0;
            for (int j = 0; j < 32; j++) top = fmaxf(top, fabsf(x[32 * b + j]));
            float scale = top / 127.0f, inverse = 1.0f / scale;
            assert_int_equal(rsn_load_u16(bytes + 34 * b), rsn_f16_from_f32(scale));
            for (int j = 0; j < 32; j++) {
                float wanted = roundf(x[32 * b + j] * inverse); /* half away from zero */
                assert_int_equal((int8_t)bytes[34 * b + 2 + j], (int)wanted);
            }
        }
    }
}

static void test_quant_q8_0__rounds_halves_away_from_zero(void **unused) {
    (void)unused;
    const float x[32] = {127,   0.5f,        -0.5f,   1.5f,      2.5f,
                         -2.5f, 0.49999997f, -126.5f, 125.49999f};
    const int8_t wanted[32] = {127, 1, -1, 2, 3, -3, 0, -127, 125};
    uint8_t bytes[34];
    encode(x, bytes, 32);
    assert_int_equal(rsn_load_u16(bytes), 0x3C00);
    assert_memory_equal(bytes + 2, wanted, 32);
}

/* Half a step, and what rounding the scale to a half does to 127 steps. */
static void test_quant_q8_0__round_trip_error(void **unused) {
    (void)unused;
    uint64_t state = 2;
    float x[32], back[32];
    uint8_t bytes[34];
    for (int round = 0; round < 5000; round++) {
        float top = 0;
        for (int i = 0; i < 32; i++) {
            x[i] = (float)((int32_t)next_random(&state) >> 8) * 0x1p-23f;
            top = fmaxf(top, fabsf(x[i]));
        }
        encode(x, bytes, 32);
        decode(bytes, back, 32);
        for (int i = 0; i < 32; i++) {
            assert_true(fabsf(back[i] - x[i]) <= top / 254 * 1.001f + top * 0x1p-11f);
        }
    }
}

static void test_quant_q8_0__zeros(void **unused) {
    (void)unused;
    const float x[32] = {0.0f, -0.0f};
    const uint8_t wanted[34] = {0};
    uint8_t bytes[34];
    encode(x, bytes, 32);
    assert_memory_equal(bytes, wanted, 34);
    encode(x, bytes, 0);
    assert_memory_equal(bytes, wanted, 34);
}

/* Scales that vanish as halves, scales whose inverse overflows, scales beyond halves. */
static void test_quant_q8_0__any_floats(void **unused) {
    (void)unused;
    check_not_finite(RSN_TYPE_Q8_0);
    check_extremes(RSN_TYPE_Q8_0);
    check_idempotent(RSN_TYPE_Q8_0);
    check_error(RSN_TYPE_Q8_0, 0.0054);
}

/* What is too large for any scale becomes the largest that there is. */
static void test_quant_q8_0__saturates(void **unused) {
    (void)unused;
    const float x[32] = {FLT_MAX, -FLT_MAX, 1e7f, 65504};
    const float wanted[32] = {127 * 65504.0f, -127 * 65504.0f, 127 * 65504.0f, 65504};
    float back[32];
    encode_decode(type_of(RSN_TYPE_Q8_0), x, back, 32);
    assert_memory_equal(back, wanted, sizeof back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_q8_0__random_blocks),
        cmocka_unit_test(test_quant_q8_0__decodes_every_byte),
        cmocka_unit_test(test_quant_q8_0__lowest_byte),
        cmocka_unit_test(test_quant_q8_0__encodes_by_definition),
        cmocka_unit_test(test_quant_q8_0__rounds_halves_away_from_zero),
        cmocka_unit_test(test_quant_q8_0__round_trip_error),
        cmocka_unit_test(test_quant_q8_0__zeros),
        cmocka_unit_test(test_quant_q8_0__any_floats),
        cmocka_unit_test(test_quant_q8_0__saturates),
    };
    return cmocka_run_group_tests_name("quant/q8_0", tests, NULL, NULL);
}
