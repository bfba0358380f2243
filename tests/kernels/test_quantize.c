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

/* Rows of quantize_q8_256, quantize_q8_row and quantize_q4_row, of any length. */
enum { MAX_WIDE = 1100, MAX_WIDE_BYTES = 2048 };

typedef enum form { Q8_256, Q8_ROW, Q4_ROW, N_FORMS } form;

static void quantize_as(const rsn_kernels *k, form how, const float *x, size_t n,
                        void *row) {
    void (*const forms[N_FORMS])(const float *, size_t, void *) = {
        k->quantize_q8_256, k->quantize_q8_row, k->quantize_q4_row};
    forms[how](x, n, row);
}

/* The mean magnitude of a row in the order of table.h. */
static float mean_magnitude(const float *x, size_t k) {
    float lane[16] = {0};
    for (size_t i = 0; i < k; i++) lane[i % 16] += fabsf(x[i]);
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0] / (float)k;
}

/* The scale of values [from, to), and what they are multiplied by; 0: they become 0. */
static float reference_scale(const float *x, size_t from, size_t to, form how,
                             float *factor) {
    const float steps = how == Q4_ROW ? sqrtf(7) : 127;
    float size = how == Q4_ROW ? mean_magnitude(x, to) : 0;
    bool whole = isfinite(size);
    for (size_t j = from; j < to && how != Q4_ROW; j++) {
        whole = whole && isfinite(x[j]);
        size = fmaxf(size, fabsf(x[j]));
    }
    if (how != Q8_256) size = fmaxf(size, 1e-5f);
    *factor = whole && size >= 0x1p-120f ? steps / size : 0;
    return !whole ? NAN : size < 0x1p-120f ? 0 : size / steps;
}

/* A row as table.h says, in the plainest way. */
static void reference_wide(const float *x, size_t k, form how, uint8_t *row) {
    size_t groups = (k + 15) / 16, blocks = (k + 255) / 256, scales = 16 * groups;
    size_t sums = scales + 4 * blocks, digits = sums + 4 * (blocks + 1);
    int32_t sum_of_16[(MAX_WIDE + 255) / 256 * 16] = {0}, total = 0;
    const float low = how == Q4_ROW ? -8 : -127, high = how == Q4_ROW ? 7 : 127;
    memset(row, 0, (digits + 48 * blocks + 63) / 64 * 64);
    for (size_t i = 0; i < k; i++) {
        size_t from = how == Q8_256 ? i / 256 * 256 : 0;
        size_t to = how == Q8_256 && from + 256 < k ? from + 256 : k;
        float factor, scale = reference_scale(x, from, to, how, &factor);
        float value = factor > 0 ? rintf(x[i] * factor) : 0;
        int8_t q = (int8_t)fminf(fmaxf(value, low), high);
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
    for (size_t l = 0; l < N_FORMS * n_levels; l++) {
        const form how = (form)(l % N_FORMS);
        guarded out = guarded_new(bytes, 4 * (k % 5));
        reference_wide(x, k, how, wanted);
        quantize_as(levels[l / N_FORMS], how, x, k, out.data);
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

/* --- 4 bits ------------------------------------------------------------------------- */

static float scale_of(const uint8_t *row, size_t k) {
    float scale;
    memcpy(&scale, row + (k + 15) / 16 * 16, sizeof scale);
    return scale;
}

/* b / sqrt(7) * RoundClip(sqrt(7) / b * x, -8, 7) with b the mean of |x|, in float64: the
 * formula of BitNet v2. A value within a millionth of a border may fall to either side. */
static void test_kernels_quantize__q4_formula(void **unused) {
    (void)unused;
    uint64_t state = 3;
    float x[MAX_WIDE];
    uint8_t row[MAX_WIDE_BYTES];
    size_t n_sure = 0, n_low = 0, n_high = 0;
    for (size_t k = 1; k <= MAX_WIDE; k += k < 40 ? 1 : 53) {
        double sum = 0;
        for (size_t i = 0; i < k; i++) {
            float r = next_float(&state);
            x[i] = 3 * r * r * r; /* a few far from the mean */
            sum += fabs((double)x[i]);
        }
        double b = fmax(sum / (double)k, 1e-5);
        rsn_kernels_for(REASON_CPU_GENERIC)->quantize_q4_row(x, k, row);
        assert_true(fabs((double)scale_of(row, k) / (b / sqrt(7)) - 1) < 1e-6);
        for (size_t i = 0; i < k; i++) {
            double exact = (double)x[i] * sqrt(7) / b, wanted = nearbyint(exact);
            if (fabs(fabs(exact - floor(exact)) - 0.5) < 1e-6 * (1 + fabs(exact))) continue;
            wanted = fmin(fmax(wanted, -8), 7);
            assert_int_equal((int8_t)row[i], (int)wanted);
            n_sure++;
            n_low += exact < -8.5;
            n_high += exact > 7.5;
        }
    }
    assert_true(n_sure > 10000 && n_low > 10 && n_high > 10);
}

/* A row whose mean is sqrt(7) exactly, so that values are their own codes. */
static void test_kernels_quantize__q4_ties_to_even(void **unused) {
    (void)unused;
    float x[16] = {0.5f, 1.5f, 2.5f, 3.5f, -0.5f, -1.5f, -2.5f, -3.5f, 6.5f, -7.5f, 7.5f};
    const int8_t wanted[16] = {0, 2, 2, 4, 0, -2, -2, -4, 6, -8, 7, 5};
    uint8_t row[128];
    x[11] = 16 * sqrtf(7) - 37.5f;
    check_wide(x, 16);
    rsn_kernels_for(REASON_CPU_GENERIC)->quantize_q4_row(x, 16, row);
    assert_true(scale_of(row, 16) == 1);
    assert_memory_equal(row, wanted, 16);
}

/* One value among zeros is up to k times the mean; rows near nothing, and a sum that is
 * infinite though no value is. */
static void test_kernels_quantize__q4_ends(void **unused) {
    (void)unused;
    static float x[1 << 16];
    static uint8_t row[1 << 18];
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), k = sizeof x / sizeof *x;
    for (size_t l = 0; l < n_levels; l++) {
        memset(x, 0, sizeof x);
        x[77] = 1e38f;
        x[78] = -1e38f;
        levels[l]->quantize_q4_row(x, k, row);
        assert_true((int8_t)row[77] == 7 && (int8_t)row[78] == -8 && row[79] == 0);
        x[79] = 3e38f;
        x[95] = 3e38f;
        levels[l]->quantize_q4_row(x, k, row);
        assert_true(isnan(scale_of(row, k)) && row[77] == 0 && row[78] == 0);
        memset(x, 0, sizeof x);
        levels[l]->quantize_q4_row(x, 16, row);
        assert_true(scale_of(row, 16) == 1e-5f / sqrtf(7) && row[0] == 0);
        x[3] = 1e-5f; /* sqrt(7) of the least steps */
        levels[l]->quantize_q4_row(x, 16, row);
        assert_true(scale_of(row, 16) == 1e-5f / sqrtf(7) && row[3] == 3);
    }
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
        cmocka_unit_test(test_kernels_quantize__q4_formula),
        cmocka_unit_test(test_kernels_quantize__q4_ties_to_even),
        cmocka_unit_test(test_kernels_quantize__q4_ends),
    };
    return cmocka_run_group_tests_name("kernels/quantize", tests, NULL, NULL);
}
