/* Growing arrays. */
#include "support.h"

#include "base/array.h"

static void test_base_array__keeps_items_and_doubles(void **state) {
    (void)state;
    struct item {
        uint64_t a;
        char b;
    } *items = NULL;
    size_t cap = 0, n_grown = 0;
    for (size_t n = 0; n < 100000; n++) {
        const size_t before = cap;
        assert_int_equal(RSN_GROW(&items, &cap, n + 1), REASON_OK);
        assert_true(cap >= n + 1);
        if (cap != before) {
            assert_true(cap >= 2 * before);
            n_grown++;
        }
        items[n].a = n * 3;
        items[n].b = (char)(n % 100);
    }
    assert_true(n_grown <= 18);
    for (size_t n = 0; n < 100000; n++) {
        assert_int_equal(items[n].a, n * 3);
        assert_int_equal(items[n].b, n % 100);
    }
    rsn_free(items);
}

static void test_base_array__takes_a_large_step(void **state) {
    (void)state;
    int *items = NULL;
    size_t cap = 0;
    assert_int_equal(RSN_GROW(&items, &cap, 0), REASON_OK);
    assert_null(items);
    assert_int_equal(RSN_GROW(&items, &cap, 5000), REASON_OK);
    assert_true(cap >= 5000);
    items[4999] = 1;
    const int *same = items;
    assert_int_equal(RSN_GROW(&items, &cap, 17), REASON_OK);
    assert_ptr_equal(items, same);
    rsn_free(items);
}

static void test_base_array__failure_changes_nothing(void **state) {
    (void)state;
    static const size_t impossible[] = {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 2 + 1,
                                        PTRDIFF_MAX};
    test_heap heap;
    heap_use(&heap, 2);
    uint64_t *items = NULL;
    size_t cap = 0;
    assert_int_equal(RSN_GROW(&items, &cap, 3), REASON_OK);
    items[2] = 42;
    const uint64_t *same = items;
    const size_t cap_before = cap;
    for (size_t i = 0; i < COUNT(impossible); i++) {
        assert_int_equal(RSN_GROW(&items, &cap, impossible[i]), REASON_ERR_NO_MEMORY);
        assert_ptr_equal(items, same);
        assert_int_equal(cap, cap_before);
    }
    assert_int_equal(heap.n_calls, 1);
    assert_int_equal(RSN_GROW(&items, &cap, cap + 1), REASON_ERR_NO_MEMORY);
    assert_int_equal(heap.n_calls, 2);
    assert_ptr_equal(items, same);
    assert_int_equal(cap, cap_before);
    assert_int_equal(items[2], 42);
    rsn_free(items);
    heap_end(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_array__keeps_items_and_doubles),
        cmocka_unit_test(test_base_array__takes_a_large_step),
        cmocka_unit_test(test_base_array__failure_changes_nothing),
    };
    return cmocka_run_group_tests_name("base/array", tests, NULL, NULL);
}
