/* Q4_0, Q4_1, Q5_0, Q5_1: blocks made by hand, random blocks against the formulas, and
 * the published encoders by their definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quant/half.h"
#include "unit/quant/blocks.h"

static const rsn_type TYPES[] = {RSN_TYPE_Q4_0, RSN_TYPE_Q4_1, RSN_TYPE_Q5_0,
                                 RSN_TYPE_Q5_1};

/* --- reading ------------------------------------------------------------------------ */

static void formula_q4_0(const uint8_t *in, float *y) {
    for (int j = 0; j < 16; j++) {
        y[j] = half_at(in) * (float)((in[2 + j] & 15) - 8);
        y[j + 16] = half_at(in) * (float)((in[2 + j] >> 4) - 8);
    }
}

static void formula_q4_1(const uint8_t *in, float *y) {
    for (int j = 0; j < 16; j++) {
        y[j] = half_at(in) * (float)(in[4 + j] & 15) + half_at(in + 2);
        y[j + 16] = half_at(in) * (float)(in[4 + j] >> 4) + half_at(in + 2);
    }
}

static int fifth_bit(const uint8_t *h, int j) {
    return (h[j / 8] >> j % 8 & 1) << 4;
}

static void formula_q5_0(const uint8_t *in, float *y) {
    for (int j = 0; j < 16; j++) {
        int low = (in[6 + j] & 15) | fifth_bit(in + 2, j);
        int high = in[6 + j] >> 4 | fifth_bit(in + 2, j + 16);
        y[j] = half_at(in) * (float)(low - 16);
        y[j + 16] = half_at(in) * (float)(high - 16);
    }
}

static void formula_q5_1(const uint8_t *in, float *y) {
    for (int j = 0; j < 16; j++) {
        int low = (in[8 + j] & 15) | fifth_bit(in + 4, j);
        int high = in[8 + j] >> 4 | fifth_bit(in + 4, j + 16);
        y[j] = half_at(in) * (float)low + half_at(in + 2);
        y[j + 16] = half_at(in) * (float)high + half_at(in + 2);
    }
}

static void test_quant_legacy__random_blocks(void **unused) {
    (void)unused;
    check_formula(RSN_TYPE_Q4_0, formula_q4_0);
    check_formula(RSN_TYPE_Q4_1, formula_q4_1);
    check_formula(RSN_TYPE_Q5_0, formula_q5_0);
    check_formula(RSN_TYPE_Q5_1, formula_q5_1);
}

/* Every code in both halves: bytes 0x0F, 0x1E, ... hold j below and 15 - j above. */
static void put_all_nibbles(uint8_t *out) {
    for (int j = 0; j < 16; j++) out[j] = (uint8_t)((15 - j) | j << 4);
}

/* A negative scale, the smallest subnormal one, and one of 1.5. */
static const uint16_t SCALES[] = {0xC000, 0x0001, 0x8001, 0x3E00};

static void test_quant_legacy__every_code(void **unused) {
    (void)unused;
    uint8_t block[24];
    float x[32];
    for (size_t s = 0; s < sizeof SCALES / sizeof *SCALES; s++) {
        put_half(block, SCALES[s]);
        float d = half_at(block);
        put_half(block + 2, 0xC500); /* -5 */
        put_all_nibbles(block + 4);
        decode_block(RSN_TYPE_Q4_1, block, x);
        for (int j = 0; j < 16; j++) {
            assert_true(x[j] == d * (float)(15 - j) - 5);
            assert_true(x[j + 16] == d * (float)j - 5);
        }
        put_all_nibbles(block + 2);
        decode_block(RSN_TYPE_Q4_0, block, x);
        for (int j = 0; j < 16; j++) {
            assert_true(x[j] == d * (float)(7 - j));
            assert_true(x[j + 16] == d * (float)(j - 8));
        }
    }
}

/* Weights 0, 3, 6, ... have their fifth bit, in all four bytes of the word. */
static void test_quant_legacy__fifth_bits(void **unused) {
    (void)unused;
    uint8_t block[24];
    float x[32];
    for (size_t s = 0; s < sizeof SCALES / sizeof *SCALES; s++) {
        put_half(block, SCALES[s]);
        float d = half_at(block);
        memcpy(block + 2, "\x49\x92\x24\x49", 4);
        put_all_nibbles(block + 6);
        decode_block(RSN_TYPE_Q5_0, block, x);
        for (int j = 0; j < 32; j++) {
            int code = (j < 16 ? 15 - j : j - 16) + (j % 3 == 0 ? 16 : 0);
            assert_true(x[j] == d * (float)(code - 16));
        }
        put_half(block + 2, 0x4500); /* 5 */
        memcpy(block + 4, "\x49\x92\x24\x49", 4);
        put_all_nibbles(block + 8);
        decode_block(RSN_TYPE_Q5_1, block, x);
        for (int j = 0; j < 32; j++) {
            int code = (j < 16 ? 15 - j : j - 16) + (j % 3 == 0 ? 16 : 0);
            assert_true(x[j] == d * (float)code + 5);
        }
    }
}

/* --- writing ------------------------------------------------------------------------ */

/* The code of weight j in a block whose nibbles begin at n and fifth bits at h. */
static int code_at(const uint8_t *n, const uint8_t *h, int j) {
    int nibble = j < 16 ? n[j] & 15 : n[j - 16] >> 4;
    return nibble | (h ? fifth_bit(h, j) : 0);
}

static int cut(float x, int top) {
    return x > (float)top ? top : (int)x;
}

/* The first weight of the largest magnitude is -n steps; codes are cut, not rounded. */
static void check_around_zero(const float *x, int n, const uint8_t *block,
                              const uint8_t *nibbles, const uint8_t *fifth) {
    float m = x[0];
    for (int j = 1; j < 32; j++) m = fabsf(x[j]) > fabsf(m) ? x[j] : m;
    float d = m / (float)-n, inverse = d != 0 ? 1 / d : 0;
    assert_int_equal(block[0] | block[1] << 8, rsn_f16_from_f32(d));
    for (int j = 0; j < 32; j++)
        assert_int_equal(code_at(nibbles, fifth, j),
                         cut(x[j] * inverse + ((float)n + 0.5f), 2 * n - 1));
}

static void check_between(const float *x, int top, const uint8_t *block,
                          const uint8_t *nibbles, const uint8_t *fifth) {
    float low = x[0], high = x[0];
    for (int j = 1; j < 32; j++) {
        low = fminf(low, x[j]);
        high = fmaxf(high, x[j]);
    }
    float d = (high - low) / (float)top, inverse = d != 0 ? 1 / d : 0;
    assert_int_equal(block[0] | block[1] << 8, rsn_f16_from_f32(d));
    assert_int_equal(block[2] | block[3] << 8, rsn_f16_from_f32(low));
    for (int j = 0; j < 32; j++)
        assert_int_equal(code_at(nibbles, fifth, j),
                         cut((x[j] - low) * inverse + 0.5f, top));
}

static void test_quant_legacy__encodes_by_definition(void **unused) {
    (void)unused;
    uint64_t state = 3;
    float x[32];
    uint8_t block[24];
    for (int round = 0; round < 5000; round++) {
        float factor = ldexpf(1, (int)(next_random(&state) % 20) - 16);
        float shift = round % 3 ? 0 : factor * random_normal(&state);
        for (int j = 0; j < 32; j++) x[j] = shift + factor * random_normal(&state);
        if (round % 5 == 0) x[7] = -x[20]; /* equal magnitudes */
        type_of(RSN_TYPE_Q4_0)->encode(x, NULL, block, 32);
        check_around_zero(x, 8, block, block + 2, NULL);
        type_of(RSN_TYPE_Q5_0)->encode(x, NULL, block, 32);
        check_around_zero(x, 16, block, block + 6, block + 2);
        type_of(RSN_TYPE_Q4_1)->encode(x, NULL, block, 32);
        check_between(x, 15, block, block + 4, NULL);
        type_of(RSN_TYPE_Q5_1)->encode(x, NULL, block, 32);
        check_between(x, 31, block, block + 8, block + 4);
    }
}

/* The weight of the largest magnitude sits on code 0 whatever its sign; the one opposite
 * to it has no code and takes the last. */
static void test_quant_legacy__farthest_weight(void **unused) {
    (void)unused;
    const float x[32] = {0, 4, -8, 8, 1, 0.49f, 0.5f, -0.5f, -0.51f};
    const float wanted[32] = {0, 4, -8, 7, 1, 0, 1, 0, -1};
    float y[32];
    encode_decode(type_of(RSN_TYPE_Q4_0), x, y, 32);
    assert_memory_equal(y, wanted, sizeof y);
}

static void test_quant_legacy__round_trip_error(void **unused) {
    (void)unused;
    check_error(RSN_TYPE_Q4_0, 0.087);
    check_error(RSN_TYPE_Q4_1, 0.0795);
    check_error(RSN_TYPE_Q5_0, 0.0441);
    check_error(RSN_TYPE_Q5_1, 0.0388);
}

static void test_quant_legacy__any_floats(void **unused) {
    (void)unused;
    for (size_t t = 0; t < 4; t++) {
        check_not_finite(TYPES[t]);
        check_extremes(TYPES[t]);
        check_idempotent(TYPES[t]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_legacy__random_blocks),
        cmocka_unit_test(test_quant_legacy__every_code),
        cmocka_unit_test(test_quant_legacy__fifth_bits),
        cmocka_unit_test(test_quant_legacy__encodes_by_definition),
        cmocka_unit_test(test_quant_legacy__farthest_weight),
        cmocka_unit_test(test_quant_legacy__round_trip_error),
        cmocka_unit_test(test_quant_legacy__any_floats),
    };
    return cmocka_run_group_tests_name("quant/legacy", tests, NULL, NULL);
}
