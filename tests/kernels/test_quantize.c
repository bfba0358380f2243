/* The quantizing of activations: generic against its definition in table.h, every level
 * against generic, byte for byte. */
#include "kernels_common.h"

#include <math.h>

#include "kernels/q8.h"

enum { MAX_BLOCKS = 40, MAX_K = 32 * MAX_BLOCKS };

typedef struct row_parts {
    const int8_t *q;
    float scale[MAX_BLOCKS];
    int32_t sum[MAX_BLOCKS];
} row_parts;

static row_parts read_row(const uint8_t *row, size_t k) {
    row_parts p;
    p.q = (const int8_t *)row;
    memcpy(p.scale, row + k, k / 32 * 4);
    memcpy(p.sum, row + k + k / 32 * 4, k / 32 * 4);
    return p;
}

/* Runs every level on x and checks it against generic; the generic row is left in
 * `row`. */
static void check_levels(const float *x, size_t k, uint8_t *row) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), bytes = rsn_act_row_bytes(RSN_ACT_Q8_32, k);
    for (size_t l = 0; l < n_levels; l++) {
        guarded out = guarded_new(bytes, 4 * (k / 32 % 4));
        levels[l]->quantize_q8(x, k, out.data);
        if (l == 0) memcpy(row, out.data, bytes);
        assert_memory_equal(out.data, row, bytes);
        guarded_free(&out);
    }
}

static void test_kernels_quantize__row_bytes(void **unused) {
    (void)unused;
    assert_int_equal(rsn_act_row_bytes(RSN_ACT_F32, 3), 12);
    assert_int_equal(rsn_act_row_bytes(RSN_ACT_Q8_32, 0), 0);
    assert_int_equal(rsn_act_row_bytes(RSN_ACT_Q8_32, 32), 64);
    assert_int_equal(rsn_act_row_bytes(RSN_ACT_Q8_32, 64), 128);
    assert_int_equal(rsn_act_row_bytes(RSN_ACT_Q8_32, 2560), 3200);
}

static void test_kernels_quantize__definition(void **unused) {
    (void)unused;
    uint64_t state = 1;
    float x[MAX_K];
    uint8_t row[2 * MAX_K];
    for (size_t blocks = 1; blocks <= MAX_BLOCKS; blocks++) {
        size_t k = 32 * blocks;
        float factor = ldexpf(1.0f, (int)(next_random(&state) % 200) - 100);
        for (size_t i = 0; i < k; i++) x[i] = next_float(&state) * factor;
        check_levels(x, k, row);
        row_parts p = read_row(row, k);
        for (size_t b = 0; b < blocks; b++) {
            float top = 0;
            int32_t sum = 0;
            for (size_t j = 0; j < 32; j++) top = fmaxf(top, fabsf(x[32 * b + j]));
            assert_true(p.scale[b] == top / 127.0f);
            for (size_t j = 0; j < 32; j++) {
                float wanted = rintf(x[32 * b + j] * (127.0f / top));
                assert_true((float)p.q[32 * b + j] == wanted && fabsf(wanted) <= 127);
                sum += p.q[32 * b + j];
            }
            assert_int_equal(p.sum[b], sum);
        }
    }
}

static void test_kernels_quantize__ties_to_even(void **unused) {
    (void)unused;
    float x[32] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -126.5f, 125.5f};
    const int8_t wanted[32] = {127, 0, 2, 2, 0, -2, -2, 126, -126, 126};
    uint8_t row[64];
    check_levels(x, 32, row);
    assert_memory_equal(row, wanted, 32);
}

/* A small block, an ordinary one and a special one beside each other. */
static void check_special(float value, bool is_nan, bool is_zero) {
    float x[96];
    uint8_t row[128];
    for (size_t i = 0; i < 96; i++) x[i] = (float)(i % 5);
    for (size_t at = 0; at < 32; at++) {
        for (size_t j = 0; j < 32; j++) x[32 + j] = is_zero ? 0 : (float)j;
        x[32 + at] = value;
        check_levels(x, 96, row);
        row_parts p = read_row(row, 96);
        assert_true(is_nan    ? isnan(p.scale[1])
                    : is_zero ? p.scale[1] == 0
                              : p.scale[1] > 0);
        if (is_nan || is_zero) {
            for (size_t j = 0; j < 32; j++) assert_int_equal(p.q[32 + j], 0);
            assert_int_equal(p.sum[1], 0);
        }
        assert_true(p.scale[0] == 4.0f / 127.0f && p.scale[2] == 4.0f / 127.0f);
    }
}

static void test_kernels_quantize__special_values(void **unused) {
    (void)unused;
    check_special(NAN, true, false);
    check_special(-NAN, true, false);
    check_special(INFINITY, true, false);
    check_special(-INFINITY, true, false);
    check_special(3.4e38f, false, false);
    check_special(-0.0f, false, true);
    check_special(0x1p-149f, false, true);
    check_special(0x1.fffffep-121f, false, true);
    check_special(0x1p-120f, false, false);
}

static void test_kernels_quantize__smallest_block(void **unused) {
    (void)unused;
    float x[32] = {0x1p-120f, -0x1p-120f, 0x1p-121f};
    uint8_t row[64];
    check_levels(x, 32, row);
    row_parts p = read_row(row, 32);
    assert_true(p.scale[0] == 0x1p-120f / 127.0f);
    assert_int_equal(p.q[0], 127);
    assert_int_equal(p.q[1], -127);
    assert_int_equal(p.q[2], 64); /* 63.5 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_quantize__row_bytes),
        cmocka_unit_test(test_kernels_quantize__definition),
        cmocka_unit_test(test_kernels_quantize__ties_to_even),
        cmocka_unit_test(test_kernels_quantize__special_values),
        cmocka_unit_test(test_kernels_quantize__smallest_block),
    };
    return cmocka_run_group_tests_name("kernels/quantize", tests, NULL, NULL);
}
