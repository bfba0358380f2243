/* IQ4_NL and IQ4_XS: every code and scale by hand, random blocks against the formulas,
 * and what encoding costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/quant/blocks.h"

static const float T[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                            1,    13,   25,  38,  53,  69,  89,  113};

static void formula_iq4_nl(const uint8_t *in, float *y) {
    for (int j = 0; j < 16; j++) {
        y[j] = half_at(in) * T[in[2 + j] & 15];
        y[j + 16] = half_at(in) * T[in[2 + j] >> 4];
    }
}

static void formula_iq4_xs(const uint8_t *in, float *y) {
    const uint8_t *sl = in + 4, *qs = in + 8;
    int sh = in[2] | in[3] << 8;
    for (int i = 0; i < 256; i++) {
        int b = i / 32, r = i % 32;
        int scale = (sl[b / 2] >> 4 * (b % 2) & 15) | (sh >> 2 * b & 3) << 4;
        int nibble = r < 16 ? qs[16 * b + r] & 15 : qs[16 * b + r - 16] >> 4;
        y[i] = half_at(in) * (float)(scale - 32) * T[nibble];
    }
}

static void test_quant_iq4__random_blocks(void **unused) {
    (void)unused;
    check_formula(RSN_TYPE_IQ4_NL, formula_iq4_nl);
    check_formula(RSN_TYPE_IQ4_XS, formula_iq4_xs);
}

static void test_quant_iq4__every_code(void **unused) {
    (void)unused;
    static const uint16_t scales[] = {0x3C00, 0xC000, 0x0001};
    static const float values[] = {1, -2, 0x1p-24f};
    for (size_t s = 0; s < 3; s++) {
        uint8_t block[18];
        float x[32];
        put_half(block, scales[s]);
        for (int j = 0; j < 16; j++) block[2 + j] = (uint8_t)((15 - j) | j << 4);
        decode_block(RSN_TYPE_IQ4_NL, block, x);
        for (int j = 0; j < 16; j++)
            assert_true(x[j] == values[s] * T[15 - j] && x[j + 16] == values[s] * T[j]);
    }
}

/* Each of eight scales at each of 64 values, among zeros and among ones. */
static void test_quant_iq4__scales(void **unused) {
    (void)unused;
    for (int which = 0; which < 8; which++)
        for (int value = 0; value < 128; value++) {
            uint8_t block[136];
            float x[256];
            int others = value < 64 ? 0 : 63, low = 4 + which / 2, high = 2 + which / 4;
            memset(block, value < 64 ? 0 : 0xFF, sizeof block);
            put_half(block, 0xBC00); /* -1 */
            int shift = which % 2 * 4, high_shift = which % 4 * 2, code = value % 64;
            block[low] = (uint8_t)((block[low] & ~(15 << shift)) | (code & 15) << shift);
            block[high] &= (uint8_t) ~(3 << high_shift);
            block[high] |= (uint8_t)(code >> 4 << high_shift);
            decode_block(RSN_TYPE_IQ4_XS, block, x);
            for (int i = 0; i < 256; i++) {
                int scale = which == i / 32 ? code : others;
                assert_true(x[i] == -(float)(scale - 32) * (value < 64 ? T[0] : T[15]));
            }
        }
}

static void test_quant_iq4__round_trip_error(void **unused) {
    (void)unused;
    check_error(RSN_TYPE_IQ4_NL, 0.0745);
    check_error(RSN_TYPE_IQ4_XS, 0.0755);
}

/* Weights that a block holds exactly come back exactly: IQ4_NL alone, IQ4_XS with scales
 * from -32 to 31, one of them -32. */
static void test_quant_iq4__exact(void **unused) {
    (void)unused;
    uint64_t state = 21;
    for (int round = 0; round < 500; round++) {
        float x[256], y[256];
        for (int b = 0; b < 8; b++) {
            int scale = b == round % 8 ? -32 : (int)(next_random(&state) % 64) - 32;
            for (int j = 0; j < 32; j++) {
                uint32_t code = j < 16 ? (uint32_t)j : next_random(&state) % 16;
                x[32 * b + j] = 0.125f * (float)scale * T[code];
            }
        }
        encode_decode(type_of(RSN_TYPE_IQ4_XS), x, y, 256);
        for (int i = 0; i < 256; i++) assert_true(y[i] == x[i]);
        encode_decode(type_of(RSN_TYPE_IQ4_NL), x, y, 256);
        for (int i = 0; i < 256; i++) assert_true(y[i] == x[i]);
    }
}

static void test_quant_iq4__any_floats(void **unused) {
    (void)unused;
    check_not_finite(RSN_TYPE_IQ4_NL);
    check_not_finite(RSN_TYPE_IQ4_XS);
    check_extremes(RSN_TYPE_IQ4_NL);
    check_extremes(RSN_TYPE_IQ4_XS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_iq4__random_blocks),
        cmocka_unit_test(test_quant_iq4__every_code),
        cmocka_unit_test(test_quant_iq4__scales),
        cmocka_unit_test(test_quant_iq4__round_trip_error),
        cmocka_unit_test(test_quant_iq4__exact),
        cmocka_unit_test(test_quant_iq4__any_floats),
    };
    return cmocka_run_group_tests_name("quant/iq4", tests, NULL, NULL);
}
