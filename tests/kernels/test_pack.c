/* Packed rows: every byte of every row is where pack.h says, and a row decodes to what it
 * decodes to in a file. */
#include "product_operands.h"

/* Byte `at` of block `b` of row r, found by the words of pack.h. */
static uint8_t packed_byte(const rsn_type_info *info, size_t group, const uint8_t *packed,
                           size_t row_bytes, size_t r, size_t b, size_t at) {
    const uint8_t *block =
        packed + (r / group * group) * row_bytes + b * info->block_bytes * group;
    size_t lane = r % group;
    bool has_half = info->block_bytes % 4 != 0;
    size_t half_at = info->block_elems == 32 ? 0 : info->block_bytes - 2;
    if (has_half && (at == half_at || at == half_at + 1))
        return block[2 * lane + (at - half_at)];
    if (has_half) block += 2 * group;
    size_t word_at = has_half && half_at == 0 ? at - 2 : at;
    return block[4 * (word_at / 4 * group + lane) + word_at % 4];
}

static void check_type(const rsn_kernels *kernels, const rsn_type_info *info,
                       size_t n_rows, size_t n_blocks, bool in_place) {
    uint64_t random = n_rows + 100 * n_blocks;
    size_t k = n_blocks * info->block_elems, row_bytes = rsn_type_row_bytes(info, k);
    size_t group = rsn_pack_group(kernels, info), n_packed = n_rows / group * group;
    uint8_t *w = malloc(n_rows * row_bytes), *scratch = malloc(group * row_bytes);
    guarded packed = guarded_new(n_rows * row_bytes, 4);
    float *got = malloc(k * sizeof *got), *wanted = malloc(k * sizeof *wanted);
    assert_true(w && scratch && got && wanted);
    for (size_t i = 0; i < n_rows * row_bytes; i++) w[i] = (uint8_t)next_random(&random);
    size_t middle = n_rows / group / 2 * group; /* in two parts, as two threads would */
    const void *src = in_place ? packed.data : w;
    if (in_place) memcpy(packed.data, w, n_rows * row_bytes);
    rsn_pack(kernels, info, k, src, middle, n_rows, packed.data, scratch);
    rsn_pack(kernels, info, k, src, 0, middle, packed.data, scratch);
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t i = 0; i < row_bytes; i++) {
            uint8_t byte = packed.data[r * row_bytes + i];
            if (r < n_packed)
                byte = packed_byte(info, group, packed.data, row_bytes, r,
                                   i / info->block_bytes, i % info->block_bytes);
            assert_int_equal(byte, w[r * row_bytes + i]);
        }
        rsn_type_decode(info, w + r * row_bytes, wanted, k);
        rsn_pack_decode_row(kernels, info, k, packed.data, n_rows, r, got);
        for (size_t i = 0; i < k; i++) assert_true(same_float(got[i], wanted[i]));
    }
    guarded_free(&packed);
    free(w);
    free(scratch);
    free(got);
    free(wanted);
}

static void test_kernels_pack__every_byte(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    for (size_t l = 0; l < n_levels; l++) {
        for (int type = 0; type < RSN_N_TYPES; type++) {
            const rsn_type_info *info = rsn_type_info_get((rsn_type)type);
            if (info->act == RSN_ACT_F32) continue;
            assert_true(levels[l]->group_rows == 1 || levels[l]->group_rows % 4 == 0);
            for (size_t n_rows = 1; n_rows <= 35; n_rows += n_rows < 17 ? 1 : 6) {
                if (rsn_pack_group(levels[l], info) > 1)
                    check_type(levels[l], info, n_rows, 1 + n_rows % 4, n_rows % 3 > 0);
            }
        }
    }
}

static void test_kernels_pack__not_packed(void **unused) {
    (void)unused;
    const rsn_kernels *levels[MAX_LEVELS];
    size_t n_levels = find_levels(levels);
    float row[3] = {1, 2, 3}, got[3];
    for (size_t l = 0; l < n_levels; l++) {
        const rsn_type_info *info = rsn_type_info_get(RSN_TYPE_F32);
        assert_int_equal(rsn_pack_group(levels[l], info), 1);
        rsn_pack(levels[l], info, 3, row, 0, 1, row, got);
        rsn_pack_decode_row(levels[l], info, 3, row, 1, 0, got);
        assert_memory_equal(got, row, sizeof row);
    }
    assert_int_equal(rsn_pack_group(levels[0], rsn_type_info_get(RSN_TYPE_Q4_0)), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_pack__every_byte),
        cmocka_unit_test(test_kernels_pack__not_packed),
    };
    return cmocka_run_group_tests_name("kernels/pack", tests, NULL, NULL);
}
