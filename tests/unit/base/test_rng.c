/* Philox 4x32-10 against its published vectors, and the numbers made of it. */
#include "support.h"

#include "base/rng.h"

static void check_block(const uint32_t counter[4], const uint32_t key[2],
                        const uint32_t expected[4]) {
    uint32_t out[4];
    rsn_rng_block((uint64_t)key[1] << 32 | key[0], counter[0],
                  (uint64_t)counter[2] << 32 | counter[1], counter[3], out);
    for (int i = 0; i < 4; i++) assert_int_equal(out[i], expected[i]);
}

static void test_base_rng__known_answers(void **state) {
    (void)state;
    static const uint32_t zeros[4] = {0};
    static const uint32_t ones[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static const uint32_t pi[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    static const uint32_t pi_key[2] = {0xa4093822, 0x299f31d0};
    static const uint32_t of_zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    static const uint32_t of_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    static const uint32_t of_pi[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    check_block(zeros, zeros, of_zeros);
    check_block(ones, ones, of_ones);
    check_block(pi, pi_key, of_pi);
}

static void test_base_rng__uniform_is_53_bits_of_the_block(void **state) {
    (void)state;
    uint64_t seed = 41;
    for (int i = 0; i < 10000; i++) {
        uint64_t key = random_next(&seed), position = random_next(&seed);
        uint32_t sample = (uint32_t)random_next(&seed), draw = (uint32_t)i, block[4];
        rsn_rng_block(key, sample, position, draw, block);
        double u = rsn_rng_uniform(key, sample, position, draw);
        assert_true(u >= 0.0 && u < 1.0);
        uint64_t bits = (uint64_t)(u * 0x1p53);
        assert_true((double)bits == u * 0x1p53);
        assert_int_equal(bits >> 21, block[0]);
        assert_int_equal(bits & 0x1FFFFF, block[1] >> 11);
    }
}

/* Each of the four inputs changes the number, and nothing is remembered between calls. */
static void test_base_rng__depends_on_all_inputs(void **state) {
    (void)state;
    const double u = rsn_rng_uniform(1, 2, 3, 4);
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t flip = UINT64_C(1) << bit;
        assert_true(rsn_rng_uniform(1 ^ flip, 2, 3, 4) != u);
        assert_true(rsn_rng_uniform(1, 2, 3 ^ flip, 4) != u);
        if (bit >= 32) continue;
        assert_true(rsn_rng_uniform(1, 2 ^ (uint32_t)flip, 3, 4) != u);
        assert_true(rsn_rng_uniform(1, 2, 3, 4 ^ (uint32_t)flip) != u);
    }
    assert_true(rsn_rng_uniform(1, 2, 3, 4) == u);
}

/* Mean and buckets, within five standard deviations, along each input. */
static void test_base_rng__is_uniform(void **state) {
    (void)state;
    enum { N = 64000, BUCKETS = 64 };
    for (int along = 0; along < 4; along++) {
        unsigned count[BUCKETS] = {0};
        double sum = 0;
        for (unsigned i = 0; i < N; i++) {
            double u = rsn_rng_uniform(along == 0 ? i : 0, along == 1 ? i : 0,
                                       along == 2 ? i : 0, along == 3 ? i : 0);
            sum += u;
            count[(int)(u * BUCKETS)]++;
        }
        assert_true(sum / N > 0.5 - 5 * 0.00115 && sum / N < 0.5 + 5 * 0.00115);
        for (int k = 0; k < BUCKETS; k++)
            assert_in_range(count[k], 1000 - 160, 1000 + 160);
    }
}

/* Every order of four is as likely as any other, and nothing is lost. */
static void test_base_rng__shuffle(void **state) {
    (void)state;
    enum { ROUNDS = 24000 };
    unsigned count[256] = {0}, n_orders = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        size_t order[4] = {0, 1, 2, 3};
        rsn_rng_shuffle(7, i, order, 4);
        assert_int_equal(1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3],
                         15);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        n_orders += count[i] > 0;
        if (count[i] > 0)
            assert_in_range(count[i], 1000 - 160, 1000 + 160);
    }
    assert_int_equal(n_orders, 24);
    rsn_rng_shuffle(7, 0, NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_rng__known_answers),
        cmocka_unit_test(test_base_rng__uniform_is_53_bits_of_the_block),
        cmocka_unit_test(test_base_rng__depends_on_all_inputs),
        cmocka_unit_test(test_base_rng__is_uniform),
        cmocka_unit_test(test_base_rng__shuffle),
    };
    return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
