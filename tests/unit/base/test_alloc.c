/* Allocation: sizes, alignment, failure and the host's own allocator. */
#include "support.h"

static void test_base_alloc__zero_bytes(void **state) {
    (void)state;
    test_heap heap;
    heap_use(&heap, 0);
    void *p[6] = {rsn_alloc(0),         rsn_alloc2(0, 8),
                  rsn_calloc2(7, 0),    rsn_resize2(NULL, 0, 4),
                  rsn_alloc_aligned(0), rsn_strndup(NULL, 0)};
    for (size_t i = 0; i < COUNT(p); i++) assert_non_null(p[i]);
    p[3] = rsn_resize2(p[3], 100, 1);
    p[3] = rsn_resize2(p[3], 0, 1);
    assert_non_null(p[3]);
    assert_string_equal(p[5], "");
    rsn_free_aligned(p[4]);
    p[4] = NULL;
    for (size_t i = 0; i < COUNT(p); i++) rsn_free(p[i]);
    rsn_free_aligned(NULL);
    heap_end(&heap);
}

static void test_base_alloc__refuses_impossible_sizes(void **state) {
    (void)state;
    static const size_t sizes[][2] = {
        {SIZE_MAX, 1},         {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2}, {2, SIZE_MAX / 2 + 1},
        {PTRDIFF_MAX, 2},      {(size_t)PTRDIFF_MAX + 1, 1},
        {(size_t)1 << 61, 8},  {(size_t)1 << 33, (size_t)1 << 31}};
    test_heap heap;
    heap_use(&heap, 0);
    char *kept = rsn_strndup("kept", 4);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const size_t n = sizes[i][0], size = sizes[i][1];
        (void)rsn_fail(REASON_OK, "none");
        assert_null(rsn_alloc2(n, size));
        assert_non_null(strstr(rsn_last_error(), "memory"));
        assert_null(rsn_calloc2(n, size));
        assert_null(rsn_resize2(NULL, n, size));
        assert_null(rsn_resize2(kept, n, size));
    }
    assert_null(rsn_alloc(SIZE_MAX));
    assert_null(rsn_alloc_aligned(SIZE_MAX));
    assert_null(rsn_alloc_aligned(PTRDIFF_MAX));
    assert_null(rsn_strndup("", SIZE_MAX));
    assert_int_equal(heap.n_calls, 1); /* the allocator was never asked */
    assert_string_equal(kept, "kept");
    rsn_free(kept);
    heap_end(&heap);
}

static void test_base_alloc__zeroes(void **state) {
    (void)state;
    static const unsigned char zeros[3000];
    test_heap heap;
    for (int own = 0; own < 2; own++) {
        if (own) heap_use(&heap, 0);
        void *dirty = rsn_alloc(sizeof zeros);
        memset(dirty, 0xAA, sizeof zeros);
        rsn_free(dirty);
        void *p = rsn_calloc2(1000, 3);
        assert_memory_equal(p, zeros, sizeof zeros);
        rsn_free(p);
    }
    heap_end(&heap);
}

static void test_base_alloc__resize_keeps_content(void **state) {
    (void)state;
    uint32_t *p = NULL;
    for (size_t n = 1; n < 3000; n += 37) {
        p = rsn_resize2(p, n, sizeof *p);
        assert_non_null(p);
        for (size_t i = n < 38 ? 0 : n - 37; i < n; i++) p[i] = (uint32_t)i;
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], i);
    }
    rsn_free(p);
}

static void test_base_alloc__aligned(void **state) {
    (void)state;
    test_heap heap;
    for (int own = 0; own < 2; own++) {
        void *p[300];
        if (own) heap_use(&heap, 0);
        for (size_t i = 0; i < COUNT(p); i++) {
            p[i] = rsn_alloc_aligned(i);
            assert_int_equal((uintptr_t)p[i] % 64, 0);
            memset(p[i], (int)i, i);
        }
        for (size_t i = 0; i < COUNT(p); i++) {
            const unsigned char *bytes = p[i];
            for (size_t k = 0; k < i; k++) assert_int_equal(bytes[k], (unsigned char)i);
            rsn_free_aligned(p[i]);
        }
    }
    heap_end(&heap);
}

static void test_base_alloc__strndup(void **state) {
    (void)state;
    char *copy = rsn_strndup("ab\0cd!", 5);
    assert_memory_equal(copy, "ab\0cd", 6);
    rsn_free(copy);
}

static void test_base_alloc__failure_is_reported(void **state) {
    (void)state;
    test_heap heap;
    heap_use(&heap, 2);
    void *p = rsn_alloc(10);
    assert_non_null(p);
    assert_null(rsn_alloc(4711));
    assert_non_null(strstr(rsn_last_error(), "4711"));
    assert_null(rsn_alloc2(3, 1001));
    assert_non_null(strstr(rsn_last_error(), "3003"));
    assert_null(rsn_calloc2(4, 1001));
    assert_non_null(strstr(rsn_last_error(), "4004"));
    assert_null(rsn_resize2(p, 5, 1001));
    assert_non_null(strstr(rsn_last_error(), "5005"));
    assert_null(rsn_alloc_aligned(100));
    assert_null(rsn_strndup("x", 1));
    rsn_free(p);
    heap_end(&heap);
}

static void test_base_alloc__refuses_bad_hooks(void **state) {
    (void)state;
    test_heap heap = {0, 0, 0};
    const reason_allocator good = {sizeof good, heap_alloc, heap_resize, heap_release,
                                   &heap};
    for (int i = 0; i < 5; i++) {
        reason_allocator bad = good;
        if (i == 0) bad.size = 0;
        if (i == 1) bad.size = sizeof bad - 1;
        if (i == 2) bad.alloc = NULL;
        if (i == 3) bad.resize = NULL;
        if (i == 4) bad.release = NULL;
        assert_int_equal(rsn_alloc_set(&bad), REASON_ERR_INVALID_ARG);
        rsn_free(rsn_alloc(1));
        assert_int_equal(heap.n_calls, 0); /* what was there stays */
    }
    assert_int_equal(rsn_alloc_set(&good), REASON_OK);
    rsn_free(rsn_alloc(1));
    assert_int_equal(heap.n_calls, 1);
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
    rsn_free(rsn_alloc(1));
    assert_int_equal(heap.n_calls, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_alloc__zero_bytes),
        cmocka_unit_test(test_base_alloc__refuses_impossible_sizes),
        cmocka_unit_test(test_base_alloc__zeroes),
        cmocka_unit_test(test_base_alloc__resize_keeps_content),
        cmocka_unit_test(test_base_alloc__aligned),
        cmocka_unit_test(test_base_alloc__strndup),
        cmocka_unit_test(test_base_alloc__failure_is_reported),
        cmocka_unit_test(test_base_alloc__refuses_bad_hooks),
    };
    return cmocka_run_group_tests_name("base/alloc", tests, NULL, NULL);
}
