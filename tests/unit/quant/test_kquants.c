/* K-quants: packed scales at their extremes and every code by hand, random blocks against
 * the formulas, and what encoding costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/quant/blocks.h"

static const rsn_type TYPES[] = {RSN_TYPE_Q2_K, RSN_TYPE_Q3_K, RSN_TYPE_Q4_K,
                                 RSN_TYPE_Q5_K, RSN_TYPE_Q6_K};

/* --- formulas ----------------------------------------------------------------------- */

static void formula_q2_k(const uint8_t *in, float *y) {
    const uint8_t *sc = in, *qs = in + 16;
    float d = half_at(in + 80), dmin = half_at(in + 82);
    for (int i = 0; i < 256; i++) {
        int h = i / 128, j = i % 128 / 32, l = i % 32;
        int q = qs[32 * h + l] >> 2 * j & 3, s = sc[8 * h + 2 * j + l / 16];
        y[i] = d * (float)(s & 15) * (float)q - dmin * (float)(s >> 4);
    }
}

static int scale_q3_k(const uint8_t *s, int k) {
    int low = k < 8 ? s[k] & 15 : s[k - 8] >> 4;
    return (low | (s[8 + k % 4] >> 2 * (k / 4) & 3) << 4) - 32;
}

static void formula_q3_k(const uint8_t *in, float *y) {
    const uint8_t *hm = in, *qs = in + 32;
    float d = half_at(in + 108);
    for (int i = 0; i < 256; i++) {
        int h = i / 128, j = i % 128 / 32, l = i % 32;
        int q = (qs[32 * h + l] >> 2 * j & 3) - (hm[l] & 1 << (4 * h + j) ? 0 : 4);
        y[i] = d * (float)scale_q3_k(in + 96, 8 * h + 2 * j + l / 16) * (float)q;
    }
}

static int scale_6(const uint8_t *s, int j) {
    return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
}

static int min_6(const uint8_t *s, int j) {
    return j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
}

static void formula_q4_k(const uint8_t *in, float *y) {
    const uint8_t *s = in + 4, *qs = in + 16;
    float d = half_at(in), dmin = half_at(in + 2);
    for (int c = 0; c < 4; c++)
        for (int l = 0; l < 32; l++) {
            float low = (float)(qs[32 * c + l] & 15), high = (float)(qs[32 * c + l] >> 4);
            y[64 * c + l] =
                d * (float)scale_6(s, 2 * c) * low - dmin * (float)min_6(s, 2 * c);
            y[64 * c + 32 + l] = d * (float)scale_6(s, 2 * c + 1) * high -
                                 dmin * (float)min_6(s, 2 * c + 1);
        }
}

static void formula_q5_k(const uint8_t *in, float *y) {
    const uint8_t *s = in + 4, *qh = in + 16, *qs = in + 48;
    float d = half_at(in), dmin = half_at(in + 2);
    for (int c = 0; c < 4; c++)
        for (int l = 0; l < 32; l++) {
            int low = (qs[32 * c + l] & 15) + (qh[l] & 1 << 2 * c ? 16 : 0);
            int high = (qs[32 * c + l] >> 4) + (qh[l] & 2 << 2 * c ? 16 : 0);
            y[64 * c + l] =
                d * (float)scale_6(s, 2 * c) * (float)low - dmin * (float)min_6(s, 2 * c);
            y[64 * c + 32 + l] = d * (float)scale_6(s, 2 * c + 1) * (float)high -
                                 dmin * (float)min_6(s, 2 * c + 1);
        }
}

static void formula_q6_k(const uint8_t *in, float *y) {
    float d = half_at(in + 208);
    for (int h = 0; h < 2; h++, y += 128) {
        const uint8_t *ql = in + 64 * h, *qh = in + 128 + 32 * h;
        const int8_t *sc = (const int8_t *)in + 192 + 8 * h;
        for (int l = 0; l < 32; l++) {
            int q1 = ((ql[l] & 15) | (qh[l] >> 0 & 3) << 4) - 32;
            int q2 = ((ql[l + 32] & 15) | (qh[l] >> 2 & 3) << 4) - 32;
            int q3 = (ql[l] >> 4 | (qh[l] >> 4 & 3) << 4) - 32;
            int q4 = (ql[l + 32] >> 4 | (qh[l] >> 6 & 3) << 4) - 32;
            y[l] = d * (float)sc[l / 16] * (float)q1;
            y[l + 32] = d * (float)sc[l / 16 + 2] * (float)q2;
            y[l + 64] = d * (float)sc[l / 16 + 4] * (float)q3;
            y[l + 96] = d * (float)sc[l / 16 + 6] * (float)q4;
        }
    }
}

static void test_quant_kquants__random_blocks(void **unused) {
    (void)unused;
    check_formula(RSN_TYPE_Q2_K, formula_q2_k);
    check_formula(RSN_TYPE_Q3_K, formula_q3_k);
    check_formula(RSN_TYPE_Q4_K, formula_q4_k);
    check_formula(RSN_TYPE_Q5_K, formula_q5_k);
    check_formula(RSN_TYPE_Q6_K, formula_q6_k);
}

/* --- blocks made by hand ------------------------------------------------------------ */

/* Sets one of the 16 numbers of 6 bits (scales 0 to 7, minimums 8 to 15) of the 12 bytes
 * of Q4_K and Q5_K, bit by bit: where each bit lies, as a table. */
static void set_6_bits(uint8_t *s, int which, int value) {
    static const uint8_t first_byte[16] = {0, 1, 2, 3, 8, 9, 10, 11,
                                           4, 5, 6, 7, 8, 9, 10, 11};
    for (int bit = 0; bit < 6; bit++) {
        int byte = first_byte[which], place = bit;
        if (which % 8 >= 4) {
            place = bit < 4 ? bit + (which >= 12 ? 4 : 0) : bit + 2;
            byte = bit < 4 ? byte : byte - (which >= 12 ? 4 : 8);
        }
        s[byte] = (uint8_t)((s[byte] & ~(1 << place)) | (value >> bit & 1) << place);
    }
}

/* Each of the sixteen numbers at each value, among others that are all 0 and all 63; d is
 * 1 and dmin -0.5, so that minimums add. Codes are 1. */
static void test_quant_kquants__packed_scales(void **unused) {
    (void)unused;
    for (int t = 0; t < 2; t++)
        for (int which = 0; which < 16; which++)
            for (int value = 0; value < 128; value++) {
                uint8_t block[176] = {0};
                float x[256];
                put_half(block, 0x3C00);
                put_half(block + 2, 0xB800);
                memset(block + (t ? 48 : 16), 0x11, 128);
                memset(block + 4, value < 64 ? 0 : 0xFF, 12);
                set_6_bits(block + 4, which, value % 64);
                decode_block(t ? RSN_TYPE_Q5_K : RSN_TYPE_Q4_K, block, x);
                for (int i = 0; i < 256; i++) {
                    int scale = value < 64 ? 0 : 63, min = scale;
                    if (which == i / 32) scale = value % 64;
                    if (which == i / 32 + 8) min = value % 64;
                    assert_true(x[i] == (float)scale + 0.5f * (float)min);
                }
            }
}

/* Each of sixteen scales at each of 64 values among zeros and ones; all weights are -4
 * steps because neither their two bits nor their third are set. */
static void test_quant_kquants__q3_k_scales(void **unused) {
    (void)unused;
    for (int which = 0; which < 16; which++)
        for (int value = 0; value < 128; value++) {
            uint8_t block[110] = {0}, *s = block + 96;
            float x[256];
            put_half(block + 108, 0xB400); /* -0.25 */
            memset(s, value < 64 ? 0 : 0xFF, 12);
            int code = value % 64, low = which % 8, top = 8 + which % 4;
            int shift = which / 8 * 4, top_shift = which / 4 * 2;
            s[low] = (uint8_t)((s[low] & ~(15 << shift)) | (code & 15) << shift);
            s[top] = (uint8_t)((s[top] & ~(3 << top_shift)) | code >> 4 << top_shift);
            decode_block(RSN_TYPE_Q3_K, block, x);
            for (int i = 0; i < 256; i++) {
                int scale = which == i / 16 ? code : value < 64 ? 0 : 63;
                assert_true(x[i] == (float)(scale - 32));
            }
        }
}

/* Weight i of each type gets code i modulo the number of codes, the other weights that
 * share its bytes get the opposite; scales are 1. */
static void test_quant_kquants__every_code(void **unused) {
    (void)unused;
    uint8_t q2[84] = {0}, q3[110] = {0}, q4[144] = {0}, q5[176] = {0}, q6[210] = {0};
    float x[256];
    memset(q2, 0x01, 16);
    put_half(q2 + 80, 0x3C00);
    memset(q3 + 96, 0x11, 8); /* 33 */
    memset(q3 + 104, 0xAA, 4);
    put_half(q3 + 108, 0x3C00);
    memset(q6 + 192, 1, 16);
    put_half(q6 + 208, 0x3C00);
    for (int j = 0; j < 8; j++) {
        set_6_bits(q4 + 4, j, 1);
        set_6_bits(q5 + 4, j, 1);
    }
    put_half(q4, 0x3C00);
    put_half(q5, 0x3C00);
    for (int i = 0; i < 256; i++) {
        int h = i / 128, j = i % 128 / 32, l = i % 32;
        int code = 7 * i + i / 32; /* of which each type takes its low bits */
        q2[16 + 32 * h + l] |= (uint8_t)((code & 3) << 2 * j);
        q3[32 + 32 * h + l] |= (uint8_t)((code & 3) << 2 * j);
        q3[l] |= (uint8_t)((code >> 2 & 1) << (4 * h + j));
        q4[16 + i / 64 * 32 + l] |= (uint8_t)((code & 15) << i / 32 % 2 * 4);
        q5[48 + i / 64 * 32 + l] |= (uint8_t)((code & 15) << i / 32 % 2 * 4);
        q5[16 + l] |= (uint8_t)((code >> 4 & 1) << i / 32);
        q6[64 * h + j % 2 * 32 + l] |= (uint8_t)((code & 15) << j / 2 * 4);
        q6[128 + 32 * h + l] |= (uint8_t)((code >> 4 & 3) << 2 * j);
    }
    const struct {
        const uint8_t *block;
        int codes, zero;
    } cases[5] = {{q2, 4, 0}, {q3, 8, 4}, {q4, 16, 0}, {q5, 32, 0}, {q6, 64, 32}};
    for (size_t t = 0; t < 5; t++) {
        decode_block(TYPES[t], cases[t].block, x);
        for (int i = 0; i < 256; i++)
            assert_true(x[i] ==
                        (float)((7 * i + i / 32) % cases[t].codes - cases[t].zero));
    }
}

/* Scales of Q6_K are signed bytes; Q2_K has scale and minimum in one byte; halves may be
 * negative and subnormal. */
static void test_quant_kquants__extreme_scales(void **unused) {
    (void)unused;
    uint8_t q6[210] = {0}, q2[84] = {0};
    float x[256];
    q6[192] = 0x80;
    q6[207] = 0x7F;
    put_half(q6 + 208, 0x8001); /* -2^-24 */
    decode_block(RSN_TYPE_Q6_K, q6, x);
    assert_true(x[0] == -0x1p-24f * -128 * -32 && x[255] == -0x1p-24f * 127 * -32);
    assert_true(x[16] == 0);
    q2[0] = 0xF0;
    q2[1] = 0x0F;
    q2[15] = 0xFF;
    memset(q2 + 16, 0xFF, 64);
    put_half(q2 + 80, 0x0001);
    put_half(q2 + 82, 0x83FF); /* -1023 * 2^-24 */
    decode_block(RSN_TYPE_Q2_K, q2, x);
    assert_true(x[0] == 15 * 1023 * 0x1p-24f && x[16] == 45 * 0x1p-24f);
    assert_true(x[255] == (45 + 15 * 1023) * 0x1p-24f && x[100] == 0);
}

/* --- writing ------------------------------------------------------------------------ */

static void test_quant_kquants__round_trip_error(void **unused) {
    (void)unused;
    check_error(RSN_TYPE_Q2_K, 0.270);
    check_error(RSN_TYPE_Q3_K, 0.147);
    check_error(RSN_TYPE_Q4_K, 0.072);
    check_error(RSN_TYPE_Q5_K, 0.0365);
    check_error(RSN_TYPE_Q6_K, 0.0170);
}

/* Groups of very different sizes each keep their own precision, and so do groups that lie
 * on one side of 0: their scales and minimums are in the right places. */
static void test_quant_kquants__groups(void **unused) {
    (void)unused;
    static const float steps[] = {3, 7, 15, 31, 63}; /* of a range, by type */
    uint64_t state = 11;
    for (size_t t = 0; t < 5; t++)
        for (int round = 0; round < 200; round++) {
            size_t n = type_of(TYPES[t])->group_elems;
            float x[256], y[256], most = 16;
            for (size_t g = 0; g < 256 / n; g++) {
                float size = (float)(1 + next_random(&state) % 16);
                bool negative = next_random(&state) % 2;
                for (size_t i = g * n; i < (g + 1) * n; i++) {
                    float u = (float)((double)next_random(&state) * 0x1p-32);
                    x[i] = size * (round % 2 ? 2 * u - 1 : negative ? -u : u);
                }
            }
            encode_decode(type_of(TYPES[t]), x, y, 256);
            for (size_t i = 0; i < 256; i++)
                assert_true(fabsf(y[i] - x[i]) <= 2.2f * most / steps[t]);
        }
}

static void test_quant_kquants__any_floats(void **unused) {
    (void)unused;
    for (size_t t = 0; t < 5; t++) {
        check_not_finite(TYPES[t]);
        check_extremes(TYPES[t]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quant_kquants__random_blocks),
        cmocka_unit_test(test_quant_kquants__packed_scales),
        cmocka_unit_test(test_quant_kquants__q3_k_scales),
        cmocka_unit_test(test_quant_kquants__every_code),
        cmocka_unit_test(test_quant_kquants__extreme_scales),
        cmocka_unit_test(test_quant_kquants__round_trip_error),
        cmocka_unit_test(test_quant_kquants__groups),
        cmocka_unit_test(test_quant_kquants__any_floats),
    };
    return cmocka_run_group_tests_name("quant/kquants", tests, NULL, NULL);
}
