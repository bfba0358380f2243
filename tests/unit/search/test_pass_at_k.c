/* pass@k against all choices of k samples counted one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "search/search.h"

static double count_choices(unsigned n, unsigned right, unsigned k) {
    unsigned all = 0, passed = 0;
    for (unsigned chosen = 0; chosen < 1u << n; chosen++) {
        if ((unsigned)__builtin_popcount(chosen) != k)
            continue;
        all++;
        passed += (chosen & ((1u << right) - 1)) != 0;
    }
    return (double)passed / all;
}

static void test_search_pass_at_k__as_counted(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 10; n++)
        for (unsigned right = 0; right <= n; right++)
            for (unsigned k = 1; k <= n; k++)
                assert_true(fabs(reason_pass_at_k(n, right, k) -
                                 count_choices(n, right, k)) < 1e-12);
}

static void test_search_pass_at_k__edges(void **state) {
    (void)state;
    assert_true(isnan(reason_pass_at_k(5, 2, 0)));
    assert_true(isnan(reason_pass_at_k(5, 2, 6)));
    assert_true(isnan(reason_pass_at_k(5, 6, 1)));
    assert_true(isnan(reason_pass_at_k(0, 0, 1)));
    assert_true(reason_pass_at_k(UINT64_MAX, 1, 1) < 1e-18);
    assert_true(reason_pass_at_k(UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 3) == 1);
    assert_true(fabs(reason_pass_at_k(1000, 100, 10) - 0.6530) < 1e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_pass_at_k__as_counted),
        cmocka_unit_test(test_search_pass_at_k__edges),
    };
    return cmocka_run_group_tests_name("search_pass_at_k", tests, NULL, NULL);
}
