/* 16-bit floats: every half against its definition, rounding at and beside every
 * midpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "quant/half.h"

/* The value of a half by its definition; infinity and NaN are not asked for. */
static double half_value(uint16_t h) {
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double magnitude =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return h & 0x8000 ? -magnitude : magnitude;
}

static void test_quant_half__every_half_to_float(void **unused) {
    (void)unused;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float x = rsn_f16_to_f32((uint16_t)h);
        uint32_t fraction = h & 0x3FF;
        if ((h & 0x7C00) != 0x7C00) {
            assert_true((double)x == half_value((uint16_t)h));
            assert_int_equal(signbit(x) != 0, h >> 15);
        } else if (fraction == 0) {
            assert_true(x == (h & 0x8000 ? -INFINITY : INFINITY));
        } else { /* NaN: quiet, payload kept */
            uint32_t wanted = (h & 0x8000) << 16 | 0x7FC00000 | fraction << 13;
            assert_int_equal(rsn_float_bits(x), wanted);
        }
    }
}

static void test_quant_half__round_trip(void **unused) {
    (void)unused;
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint16_t quiet = (h & 0x7C00) == 0x7C00 && (h & 0x3FF) ? 0x200 : 0;
        assert_int_equal(rsn_f16_from_f32(rsn_f16_to_f32((uint16_t)h)), h | quiet);
    }
}

/* Between the halves h and h + 1 (finite, positive) lies one float in the middle. */
static void test_quant_half__nearest_even(void **unused) {
    (void)unused;
    for (uint32_t h = 0; h < 0x7C00; h++) {
        double above = h == 0x7BFF ? 65536 : half_value((uint16_t)(h + 1));
        float middle = (float)((half_value((uint16_t)h) + above) / 2); /* exact */
        uint32_t even = h & 1 ? h + 1 : h;
        assert_int_equal(rsn_f16_from_f32(middle), even);
        assert_int_equal(rsn_f16_from_f32(-middle), even | 0x8000);
        assert_int_equal(rsn_f16_from_f32(nextafterf(middle, 0)), h);
        assert_int_equal(rsn_f16_from_f32(nextafterf(middle, INFINITY)), h + 1);
    }
    assert_int_equal(rsn_f16_from_f32(1e30f), 0x7C00);
    assert_int_equal(rsn_f16_from_f32(-INFINITY), 0xFC00);
    assert_int_equal(rsn_f16_from_f32(0x1p-149f), 0);
    assert_int_equal(rsn_f16_from_f32(-0.0f), 0x8000);
    assert_int_equal(rsn_f16_from_f32(rsn_float_from_bits(0x7F800001)), 0x7E00);
    assert_int_equal(rsn_f16_from_f32(rsn_float_from_bits(0xFFFFFFFF)), 0xFFFF);
}

static void test_quant_half__bf16(void **unused) {
    (void)unused;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float x = rsn_bf16_to_f32((uint16_t)h);
        assert_int_equal(rsn_float_bits(x), h << 16);
        if ((h & 0x7F80) == 0x7F80) {
            uint32_t quiet = h & 0x7F ? 0x40 : 0;
            assert_int_equal(rsn_bf16_from_f32(x), h | quiet);
            continue;
        }
        uint32_t even = h & 1 ? h + 1 : h;
        assert_int_equal(rsn_bf16_from_f32(x), h);
        assert_int_equal(rsn_bf16_from_f32(rsn_float_from_bits(h << 16 | 0x8000)), even);
        assert_int_equal(rsn_bf16_from_f32(rsn_float_from_bits(h << 16 | 0x7FFF)), h);
        assert_int_equal(rsn_bf16_from_f32(rsn_float_from_bits(h << 16 | 0x8001)), h + 1);
    }
    /* A NaN whose payload is all in the bits that go. */
    assert_int_equal(rsn_bf16_from_f32(rsn_float_from_bits(0x7F800001)), 0x7FC0);
    assert_int_equal(rsn_bf16_from_f32(rsn_float_from_bits(0xFFFFFFFF)), 0xFFFF);
}

static void test_quant_half__loads_at_any_address(void **unused) {
    (void)unused;
    const uint8_t bytes[5] = {0x11, 0x22, 0x33, 0x44, 0x55};
    assert_int_equal(rsn_load_u16(bytes), 0x2211);
    assert_int_equal(rsn_load_u16(bytes + 1), 0x3322);
    assert_int_equal(rsn_load_u16(bytes + 3), 0x5544);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_half__every_half_to_float),
        cmocka_unit_test(test_quant_half__round_trip),
        cmocka_unit_test(test_quant_half__nearest_even),
        cmocka_unit_test(test_quant_half__bf16),
        cmocka_unit_test(test_quant_half__loads_at_any_address),
    };
    return cmocka_run_group_tests_name("quant/half", tests, NULL, NULL);
}
