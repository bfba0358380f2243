/* Arenas: alignment, separation of blocks, limits and failure. */
#include "support.h"

#include "base/arena.h"

/* Blocks of many sizes are aligned and do not touch each other. */
static void test_base_arena__blocks_are_apart(void **state) {
    (void)state;
    enum { N = 3000 };
    static unsigned char *block[N];
    static size_t size[N];
    uint64_t seed = 3;
    rsn_arena a = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            size_t most = random_below(&seed, 50) ? 200 : 300000;
            size[i] = random_below(&seed, most);
            block[i] = rsn_arena_alloc(&a, size[i]);
            assert_non_null(block[i]);
            assert_int_equal((uintptr_t)block[i] % 16, 0);
            memset(block[i], (int)(i % 251), size[i]);
        }
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < size[i]; k++) assert_int_equal(block[i][k], i % 251);
        rsn_arena_free(&a);
        assert_null(a.chunks);
        assert_int_equal(a.total, 0);
    }
    rsn_arena_free(&a);
}

/* Blocks of no bytes are still blocks of their own. */
static void test_base_arena__zero_bytes(void **state) {
    (void)state;
    rsn_arena a = {0};
    char *p = rsn_arena_alloc(&a, 0), *q = rsn_arena_calloc2(&a, 0, 5);
    assert_non_null(p);
    assert_non_null(q);
    assert_ptr_not_equal(p, q);
    assert_string_equal(rsn_arena_strndup(&a, NULL, 0), "");
    rsn_arena_free(&a);
}

static void test_base_arena__copies_and_zeroes(void **state) {
    (void)state;
    static const unsigned char zeros[30000];
    rsn_arena a = {0};
    for (size_t n = 1; n <= 10000; n *= 10) {
        memset(rsn_arena_alloc(&a, 1000), 0xEE, 1000);
        assert_memory_equal(rsn_arena_calloc2(&a, n, 3), zeros, 3 * n);
    }
    assert_memory_equal(rsn_arena_strndup(&a, "a\0bc", 3), "a\0b", 4);
    rsn_arena_free(&a);
}

static void test_base_arena__refuses_impossible_sizes(void **state) {
    (void)state;
    test_heap heap;
    rsn_arena a = {0};
    heap_use(&heap, 0);
    assert_null(rsn_arena_alloc(&a, SIZE_MAX));
    assert_null(rsn_arena_alloc(&a, SIZE_MAX - 15));
    assert_null(rsn_arena_alloc(&a, PTRDIFF_MAX));
    assert_null(rsn_arena_calloc2(&a, SIZE_MAX, 2));
    assert_null(rsn_arena_calloc2(&a, (size_t)1 << 33, (size_t)1 << 31));
    assert_null(rsn_arena_strndup(&a, "", SIZE_MAX));
    assert_non_null(strstr(rsn_last_error(), "memory"));
    assert_int_equal(heap.n_calls, 0);
    assert_int_equal(a.total, 0);
    assert_non_null(rsn_arena_alloc(&a, 1));
    rsn_arena_free(&a);
    heap_end(&heap);
}

static void test_base_arena__limit(void **state) {
    (void)state;
    rsn_arena a = {.limit = 1000};
    size_t n = 0;
    while (rsn_arena_alloc(&a, 10)) n++;
    assert_int_equal(n, 1000 / 16);
    assert_non_null(strstr(rsn_last_error(), "1000"));
    assert_true(a.total <= a.limit);
    assert_null(rsn_arena_alloc(&a, 1001));
    rsn_arena_free(&a);
    assert_non_null(rsn_arena_alloc(&a, 990)); /* the limit stays, the use does not */
    assert_null(rsn_arena_alloc(&a, 1));
    rsn_arena_free(&a);
}

/* Memory taken from the allocator, measured by one that adds up. */
static size_t asked_bytes;

static void *adding_alloc(void *user, size_t n_bytes) {
    (void)user;
    asked_bytes += n_bytes;
    return malloc(n_bytes);
}

static void *adding_resize(void *user, void *p, size_t n_bytes) {
    (void)user;
    asked_bytes += n_bytes;
    return realloc(p, n_bytes);
}

static void adding_release(void *user, void *p) {
    (void)user;
    free(p);
}

/* Little is wasted, whatever the mix of sizes. */
static void test_base_arena__memory_is_bounded(void **state) {
    (void)state;
    const reason_allocator hooks = {sizeof hooks, adding_alloc, adding_resize,
                                    adding_release, NULL};
    uint64_t seed = 5;
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
    for (size_t most = 1; most < 3000000; most *= 7) {
        rsn_arena a = {0};
        asked_bytes = 0;
        for (int i = 0; i < 500; i++) {
            assert_non_null(rsn_arena_alloc(&a, random_below(&seed, most)));
            assert_true(asked_bytes <= 5 * a.total / 2 + 8192 + (size_t)i * 128);
        }
        rsn_arena_free(&a);
    }
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
}

static void test_base_arena__failure_leaves_it_usable(void **state) {
    (void)state;
    for (size_t fail_at = 1; fail_at < 12; fail_at++) {
        test_heap heap;
        rsn_arena a = {0};
        heap_use(&heap, fail_at);
        char *first = NULL;
        size_t total = 0;
        for (size_t n = 100; n < 100000; n += n / 4) {
            char *p = rsn_arena_alloc(&a, n);
            if (!p) break;
            memset(p, 1, n);
            if (!first) first = p;
            total = a.total;
        }
        assert_int_equal(a.total, total);
        heap.fail_at = 0;
        assert_non_null(rsn_arena_alloc(&a, 5000));
        if (first) assert_int_equal(first[99], 1);
        rsn_arena_free(&a);
        heap_end(&heap);
    }
}

/* An allocator that only promises 8: the arena still promises 16. */
static void *odd_alloc(void *user, size_t n_bytes) {
    (void)user;
    char *p = malloc(n_bytes + 8);
    return p ? p + 8 : NULL;
}

static void *odd_resize(void *user, void *p, size_t n_bytes) {
    (void)user;
    char *moved = realloc((char *)p - 8, n_bytes + 8);
    return moved ? moved + 8 : NULL;
}

static void odd_release(void *user, void *p) {
    (void)user;
    free((char *)p - 8);
}

static void test_base_arena__aligns_by_itself(void **state) {
    (void)state;
    const reason_allocator hooks = {sizeof hooks, odd_alloc, odd_resize, odd_release,
                                    NULL};
    rsn_arena a = {0};
    assert_int_equal(rsn_alloc_set(&hooks), REASON_OK);
    for (size_t n = 1; n < 20000; n += 1 + n / 3)
        assert_int_equal((uintptr_t)rsn_arena_alloc(&a, n) % 16, 0);
    rsn_arena_free(&a);
    assert_int_equal(rsn_alloc_set(NULL), REASON_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_arena__blocks_are_apart),
        cmocka_unit_test(test_base_arena__zero_bytes),
        cmocka_unit_test(test_base_arena__copies_and_zeroes),
        cmocka_unit_test(test_base_arena__refuses_impossible_sizes),
        cmocka_unit_test(test_base_arena__limit),
        cmocka_unit_test(test_base_arena__memory_is_bounded),
        cmocka_unit_test(test_base_arena__failure_leaves_it_usable),
        cmocka_unit_test(test_base_arena__aligns_by_itself),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
