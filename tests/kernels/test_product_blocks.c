/* Products of blocks at the extremes of codes, scales and activations, where sums could
 * saturate or wrap. */
#include "product_operands.h"

enum { N_BYTES = 4, N_ROWS = N_BYTES * N_BYTES, MAX_BYTES = 256 };

typedef enum pattern {
    ALL_MOST,
    ALL_LEAST,
    ALTERNATING,
    TO_SIGNS, /* every product of one row is positive */
    N_PATTERNS
} pattern;

/* One block of activations, most of them 127 or -127. */
static void fill_activations(const rsn_type_info *info, const uint8_t *w, pattern kind,
                             uint8_t *x) {
    float floats[256];
    rsn_block block;
    info->expand(w, &block);
    for (size_t i = 0; i < info->block_elems; i++) {
        bool up = kind == ALL_MOST || (kind == ALTERNATING && i % 2);
        if (kind == TO_SIGNS)
            up = block.q[i] * block.scale[i / info->group_elems] > 0;
        floats[i] = up ? 127.0f : -127.0f;
    }
    quantize_row(info->act, floats, info->block_elems, x);
}

/* 16 rows of one block, all pairs of four bytes: one up to `split`, the other behind. */
static void check_split(const rsn_type_info *info, size_t split) {
    static const uint8_t bytes[N_BYTES] = {0x00, 0xFF, 0x80, 0x7F};
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), n = info->block_bytes;
    uint8_t w[N_ROWS * MAX_BYTES];
    for (size_t r = 0; r < N_ROWS; r++) {
        memset(w + r * n, bytes[r % N_BYTES], split);
        memset(w + r * n + split, bytes[r / N_BYTES], n - split);
        set_halves(info->type, w + r * n, 1.0f, 1.0f);
    }
    for (pattern kind = ALL_MOST; kind < N_PATTERNS; kind++) {
        float out[N_ROWS], wanted[N_ROWS];
        uint8_t *x = aligned_alloc(64, 512);
        assert_non_null(x);
        fill_activations(info, w + split % N_ROWS * n, kind, x);
        for (size_t r = 0; r < N_ROWS; r++)
            wanted[r] = blocks_reference(info, w + r * n, x, info->block_elems);
        for (size_t l = 0; l < n_levels; l++) {
            uint8_t *packed = pack_rows(levels[l], info, info->block_elems, w, n, N_ROWS);
            levels[l]->product[info->type](info->block_elems, packed, n, N_ROWS, x, 512,
                                           1, out, N_ROWS);
            free(packed);
            for (size_t r = 0; r < N_ROWS; r++) {
                if (out[r] == wanted[r]) continue;
                fail_msg("%s at %s, bytes %02x and %02x from %zu, pattern %d: %g, not %g",
                         info->name, rsn_cpu_name(levels[l]->level), bytes[r % N_BYTES],
                         bytes[r / N_BYTES], split, kind, (double)out[r],
                         (double)wanted[r]);
            }
        }
        free(x);
    }
}

static void test_kernels_product_blocks__extremes(void **unused) {
    (void)unused;
    for (int type = 0; type < RSN_N_TYPES; type++) {
        const rsn_type_info *info = rsn_type_info_get((rsn_type)type);
        if (info->act == RSN_ACT_F32) continue;
        assert_true(info->block_bytes <= MAX_BYTES);
        for (size_t split = 0; split < info->block_bytes; split += 2)
            check_split(info, split);
    }
}

/* The largest sum that a type's block can give, by hand. */
static void check_largest(rsn_type type, uint8_t codes, uint8_t scales, size_t scales_at,
                          size_t scales_end, float wanted) {
    const rsn_type_info *info = rsn_type_info_get(type);
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), n = info->block_bytes;
    uint8_t w[N_ROWS * MAX_BYTES];
    float floats[256], out[N_ROWS];
    uint8_t *x = aligned_alloc(64, 512);
    assert_non_null(x);
    for (size_t i = 0; i < 256; i++) floats[i] = 127;
    quantize_row(info->act, floats, info->block_elems, x);
    memset(w, codes, sizeof w);
    for (size_t r = 0; r < N_ROWS; r++) {
        memset(w + r * n + scales_at, scales, scales_end - scales_at);
        set_halves(type, w + r * n, 1.0f, 0.0f);
    }
    for (size_t l = 0; l < n_levels; l++) {
        for (size_t n_rows = 1; n_rows <= N_ROWS; n_rows += 5) {
            uint8_t *packed = pack_rows(levels[l], info, info->block_elems, w, n, n_rows);
            levels[l]->product[type](info->block_elems, packed, n, n_rows, x, 512, 1, out,
                                     N_ROWS);
            free(packed);
            for (size_t r = 0; r < n_rows; r++) assert_true(out[r] == wanted);
        }
    }
    free(x);
}

static void test_kernels_product_blocks__largest_sums(void **unused) {
    (void)unused;
    check_largest(RSN_TYPE_Q8_0, 0x80, 0x80, 0, 2, -128.0f * 127 * 32);
    check_largest(RSN_TYPE_Q4_0, 0x00, 0x00, 0, 2, -8.0f * 127 * 32);
    check_largest(RSN_TYPE_Q4_1, 0xFF, 0xFF, 0, 4, 15.0f * 127 * 32);
    check_largest(RSN_TYPE_Q5_0, 0x00, 0x00, 0, 2, -16.0f * 127 * 32);
    check_largest(RSN_TYPE_Q5_1, 0xFF, 0xFF, 0, 4, 31.0f * 127 * 32);
    check_largest(RSN_TYPE_IQ4_NL, 0x00, 0x00, 0, 2, -127.0f * 127 * 32);
    check_largest(RSN_TYPE_IQ4_XS, 0x00, 0x00, 2, 8, 32.0f * 127 * 127 * 256);
    check_largest(RSN_TYPE_Q2_K, 0xFF, 0xFF, 0, 16, 15.0f * 3 * 127 * 256);
    check_largest(RSN_TYPE_Q3_K, 0x00, 0x00, 96, 108, 32.0f * 4 * 127 * 256);
    check_largest(RSN_TYPE_Q4_K, 0xFF, 0xFF, 4, 16, 63.0f * 15 * 127 * 256);
    check_largest(RSN_TYPE_Q5_K, 0xFF, 0xFF, 4, 16, 63.0f * 31 * 127 * 256);
    check_largest(RSN_TYPE_Q6_K, 0x00, 0x80, 192, 208, 128.0f * 32 * 127 * 256);
    check_largest(RSN_TYPE_TQ1_0, 0xFF, 0xFF, 0, 52, 127.0f * 256);
    check_largest(RSN_TYPE_TQ2_0, 0xFF, 0xFF, 0, 64, 2.0f * 127 * 256);
    check_largest(RSN_TYPE_I2_S, 0xFF, 0xFF, 0, 32, 2.0f * 127 * 128);
    check_largest(RSN_TYPE_I2_S_B, 0xFF, 0xFF, 0, 16, 2.0f * 127 * 64);
}

/* Rows of I2_S so long that the sum wraps: 254 * k is just above 2^31. */
static void test_kernels_product_blocks__whole_rows_wrap(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels), k = ((size_t)1 << 31) / 254 / 128 * 128 + 128;
    uint8_t *w = malloc(N_ROWS * k / 4), *x = malloc(rsn_act_row_bytes(RSN_ACT_Q8_ROW, k));
    float *floats = malloc(k * sizeof *floats), out[N_ROWS];
    assert_true(w && x && floats);
    memset(w, 0xFF, N_ROWS * k / 4); /* packed or not */
    for (size_t i = 0; i < k; i++) floats[i] = 127;
    quantize_row(RSN_ACT_Q8_ROW, floats, k, x);
    float wanted = (float)((int64_t)(254 * k) - ((int64_t)1 << 32));
    assert_true(wanted < 0);
    for (size_t l = 0; l < n_levels; l++) {
        size_t n_rows = levels[l]->level == REASON_CPU_GENERIC ? 1 : N_ROWS;
        for (rsn_type type = RSN_TYPE_I2_S; type <= RSN_TYPE_I2_S_B; type++) {
            levels[l]->product[type](k, w, k / 4, n_rows, x, 0, 1, out, N_ROWS);
            for (size_t r = 0; r < n_rows; r++) assert_true(out[r] == wanted);
        }
    }
    free(w);
    free(x);
    free(floats);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_product_blocks__extremes),
        cmocka_unit_test(test_kernels_product_blocks__largest_sums),
        cmocka_unit_test(test_kernels_product_blocks__whole_rows_wrap),
    };
    return cmocka_run_group_tests_name("kernels/product_blocks", tests, NULL, NULL);
}
