/* Checked arithmetic against 128-bit integers. */
#include "support.h"

#include "base/checked.h"

__extension__ typedef unsigned __int128 wide;

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 3,
                                 63,
                                 64,
                                 65,
                                 UINT32_MAX - 1,
                                 UINT32_MAX,
                                 (uint64_t)UINT32_MAX + 1,
                                 (uint64_t)UINT32_MAX + 2,
                                 INT64_MAX,
                                 (uint64_t)INT64_MAX + 1,
                                 UINT64_MAX / 3,
                                 UINT64_MAX / 3 + 1,
                                 UINT64_MAX - 64,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};

static void check_pair(uint64_t a, uint64_t b) {
    uint64_t out;
    const wide sum = (wide)a + b, product = (wide)a * b;
    assert_int_equal(rsn_add_u64(a, b, &out), sum <= UINT64_MAX);
    if (sum <= UINT64_MAX) assert_true(out == (uint64_t)sum);
    assert_int_equal(rsn_mul_u64(a, b, &out), product <= UINT64_MAX);
    if (product <= UINT64_MAX) assert_true(out == (uint64_t)product);
}

static void test_base_checked__add_and_multiply(void **state) {
    (void)state;
    uint64_t seed = 11;
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t k = 0; k < COUNT(edges); k++) check_pair(edges[i], edges[k]);
    for (int i = 0; i < 100000; i++) {
        uint64_t a = random_next(&seed) >> random_below(&seed, 64);
        check_pair(a, random_next(&seed) >> random_below(&seed, 64));
    }
}

static void test_base_checked__round_up(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++) {
        for (unsigned shift = 0; shift < 64; shift++) {
            const uint64_t to = UINT64_C(1) << shift;
            const wide expected = ((wide)edges[i] + to - 1) / to * to;
            uint64_t out;
            assert_int_equal(rsn_round_up_u64(edges[i], to, &out),
                             expected <= UINT64_MAX);
            if (expected <= UINT64_MAX) assert_true(out == (uint64_t)expected);
        }
    }
}

static void test_base_checked__to_size(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++) {
        size_t out;
        assert_int_equal(rsn_to_size(edges[i], &out), edges[i] <= SIZE_MAX);
        if (edges[i] <= SIZE_MAX) assert_true(out == edges[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_checked__add_and_multiply),
        cmocka_unit_test(test_base_checked__round_up),
        cmocka_unit_test(test_base_checked__to_size),
    };
    return cmocka_run_group_tests_name("base/checked", tests, NULL, NULL);
}
