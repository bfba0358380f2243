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

/* Rows of quantize_q8_256 and quantize_q8_row, of any length. */
enum { MAX_WIDE = 1100, MAX_WIDE_BYTES = 2048 };

/* A row as table.h says, in the plainest way. `least`: the least that the largest
 * magnitude of the row is taken to be; below 0 each 256 values have their own. */
static void reference_wide(const float *x, size_t k, float least, uint8_t *row) {
    size_t groups = (k + 15) / 16, blocks = (k + 255) / 256, scales = 16 * groups;
    size_t sums = scales + 4 * blocks, digits = sums + 4 * (blocks + 1);
    int32_t sum_of_16[(MAX_WIDE + 255) / 256 * 16] = {0}, total = 0;
    memset(row, 0, (digits + 48 * blocks + 63) / 64 * 64);
    for (size_t i = 0; i < k; i++) {
        size_t from = least < 0 ? i / 256 * 256 : 0;
        size_t to = least < 0 && from + 256 < k ? from + 256 : k;
        float top = 0;
        bool whole = true;
        for (size_t j = from; j < to; j++) {
            whole = whole && isfinite(x[j]);
            top = fmaxf(top, fabsf(x[j]));
        }
        top = fmaxf(top, least);
        float scale = whole ? top < 0x1p-120f ? 0 : top / 127.0f : NAN;
        float factor = whole && scale > 0 ? 127.0f / top : 0;
        int8_t q = (int8_t)(factor > 0 ? rintf(x[i] * factor) : 0);
        memcpy(row + i, &q, 1);
        memcpy(row + scales + i / 256 * 4, &scale, 4);
        sum_of_16[i / 16] += q;
        total += q;
    }
    for (size_t b = 0; b < blocks; b++) {
        int32_t of_block = 0;
        uint8_t *to = row + digits + 48 * b;
        for (size_t g = 0; g < 16; g++) {
            int32_t sum = sum_of_16[16 * b + g];
            to[g] = (uint8_t)((sum + 2048) / 32);
            to[16 + g] = (uint8_t)((sum + 2048) % 32);
            of_block += sum;
        }
        for (size_t g = 0; g < 8; g++) {
            int32_t sum = sum_of_16[16 * b + 2 * g] + sum_of_16[16 * b + 2 * g + 1];
            to[32 + g] = (uint8_t)((sum + 4096) / 64);
            to[40 + g] = (uint8_t)((sum + 4096) % 64);
        }
        memcpy(row + sums + 4 * b, &of_block, 4);
    }
    memcpy(row + sums + 4 * blocks, &total, 4);
}

/* All levels, byte for byte but for which NaN a scale is. */
static void check_wide(const float *x, size_t k) {
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), bytes = rsn_act_row_bytes(RSN_ACT_Q8_256, k);
    size_t scales_at = (k + 15) / 16 * 16, sums_at = scales_at + (k + 255) / 256 * 4;
    uint8_t wanted[MAX_WIDE_BYTES];
    assert_true(bytes <= sizeof wanted && bytes == rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    for (size_t l = 0; l < 2 * n_levels; l++) {
        const rsn_kernels *kernels = levels[l / 2];
        guarded out = guarded_new(bytes, 4 * (k % 5));
        reference_wide(x, k, l % 2 ? 1e-5f : -1, wanted);
        (l % 2 ? kernels->quantize_q8_row : kernels->quantize_q8_256)(x, k, out.data);
        assert_memory_equal(out.data, wanted, scales_at);
        for (size_t at = scales_at; at < sums_at; at += 4) {
            float got, scale;
            memcpy(&got, out.data + at, 4);
            memcpy(&scale, wanted + at, 4);
            assert_true(same_float(got, scale));
        }
        assert_memory_equal(out.data + sums_at, wanted + sums_at, bytes - sums_at);
        guarded_free(&out);
    }
}

static void test_kernels_quantize__wide_rows(void **unused) {
    (void)unused;
    uint64_t state = 2;
    float x[MAX_WIDE];
    for (size_t k = 0; k <= MAX_WIDE; k += k < 300 ? 1 : 37) {
        float factor = ldexpf(1.0f, (int)(next_random(&state) % 240) - 125);
        for (size_t i = 0; i < k; i++) x[i] = next_float(&state) * factor;
        check_wide(x, k);
    }
}

/* Beside ordinary values, in full and in partial blocks. */
static void test_kernels_quantize__wide_special_values(void **unused) {
    (void)unused;
    static const float values[] = {
        NAN,   -NAN,      INFINITY,  -INFINITY,        3.4e38f,
        1e-5f, 0x1p-149f, 0x1p-120f, 0x1.fffffep-121f, -0.0f};
    static const size_t places[] = {0, 15, 16, 255, 256, 300, 511, 512, 514};
    float x[515];
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            for (size_t i = 0; i < 515; i++) x[i] = (float)(i % 7) * 0.3f;
            x[places[p]] = values[v];
            check_wide(x, 515);
            memset(x, 0, sizeof x);
            x[places[p]] = values[v];
            check_wide(x, 515);
        }
    }
}

static void test_kernels_quantize__least_of_a_row(void **unused) {
    (void)unused;
    float x[16] = {5e-6f, -1e-6f}, scale;
    uint8_t row[128];
    check_wide(x, 16);
    rsn_kernels_for(REASON_CPU_GENERIC)->quantize_q8_row(x, 16, row);
    memcpy(&scale, row + 16, sizeof scale);
    assert_true(scale == 1e-5f / 127.0f);
    assert_int_equal((int8_t)row[0], 64); /* 63.5 */
    assert_int_equal((int8_t)row[1], -13);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_quantize__row_bytes),
        cmocka_unit_test(test_kernels_quantize__definition),
        cmocka_unit_test(test_kernels_quantize__ties_to_even),
        cmocka_unit_test(test_kernels_quantize__special_values),
        cmocka_unit_test(test_kernels_quantize__smallest_block),
        cmocka_unit_test(test_kernels_quantize__wide_rows),
        cmocka_unit_test(test_kernels_quantize__wide_special_values),
        cmocka_unit_test(test_kernels_quantize__least_of_a_row),
    };
    return cmocka_run_group_tests_name("kernels/quantize", tests, NULL, NULL);
}
