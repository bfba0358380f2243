/* Growing strings against a fixed buffer. */
#include "support.h"

#include "base/str.h"

static void check(const rsn_str *s, const char *expected, size_t n) {
    assert_false(s->failed);
    assert_int_equal(s->n, n);
    assert_memory_equal(rsn_str_text(s), expected, n);
    assert_int_equal(rsn_str_text(s)[n], '\0');
    if (s->data) assert_true(s->n < s->cap);
}

static void test_base_str__starts_empty(void **state) {
    (void)state;
    rsn_str s = {0};
    assert_string_equal(rsn_str_text(&s), "");
    rsn_str_add(&s, NULL, 0);
    rsn_str_addz(&s, "");
    rsn_str_addf(&s, "%s", "");
    rsn_str_cut(&s, 0);
    rsn_str_drop(&s, 5);
    check(&s, "", 0);
    rsn_str_free(&s);
    char *taken = rsn_str_take(&s);
    assert_string_equal(taken, "");
    rsn_free(taken);
}

static void test_base_str__adds(void **state) {
    (void)state;
    rsn_str s = {0};
    rsn_str_add(&s, "a\0b", 3);
    rsn_str_addz(&s, "cd");
    rsn_str_addc(&s, '\0');
    rsn_str_addf(&s, "<%d:%s>", -5, "x");
    check(&s, "a\0bcd\0<-5:x>", 12);
    rsn_str_cut(&s, 20);
    rsn_str_cut(&s, 6);
    check(&s, "a\0bcd", 6);
    rsn_str_drop(&s, 2);
    check(&s, "bcd", 4);
    rsn_str_drop(&s, 100);
    check(&s, "", 0);
    rsn_str_free(&s);
}

static void test_base_str__formats_long_text(void **state) {
    (void)state;
    rsn_str s = {0};
    static char expected[20000];
    for (int width = 1; width < 5000; width *= 3) {
        rsn_str_cut(&s, 0);
        rsn_str_addf(&s, "%*d|", width, 7);
        memset(expected, ' ', (size_t)width);
        expected[width - 1] = '7';
        expected[width] = '|';
        check(&s, expected, (size_t)width + 1);
    }
    rsn_str_free(&s);
}

/* A long random walk over all operations. */
static void test_base_str__follows_a_reference(void **state) {
    (void)state;
    static char expected[100000];
    size_t n = 0;
    uint64_t seed = 9;
    rsn_str s = {0};
    for (int round = 0; round < 30000; round++) {
        char bytes[64];
        size_t len = random_below(&seed, sizeof bytes);
        for (size_t i = 0; i < len; i++) bytes[i] = (char)random_next(&seed);
        switch (random_below(&seed, 8)) {
        case 0: {
            size_t cut = random_below(&seed, n + 10);
            rsn_str_cut(&s, cut);
            if (cut < n) n = cut;
            break;
        }
        case 1: {
            size_t drop = random_below(&seed, 100);
            rsn_str_drop(&s, drop);
            if (drop > n) drop = n;
            memmove(expected, expected + drop, n - drop);
            n -= drop;
            break;
        }
        case 2:
            rsn_str_addc(&s, (char)len);
            expected[n++] = (char)len;
            break;
        default:
            rsn_str_add(&s, bytes, len);
            memcpy(expected + n, bytes, len);
            n += len;
        }
        check(&s, expected, n);
        if (n > sizeof expected - 200) {
            rsn_str_free(&s);
            n = 0;
        }
    }
    rsn_str_free(&s);
}

static void test_base_str__hands_over(void **state) {
    (void)state;
    rsn_str s = {0};
    rsn_str_addz(&s, "text");
    char *taken = rsn_str_take(&s);
    assert_string_equal(taken, "text");
    check(&s, "", 0);
    rsn_str_addz(&s, "again");
    check(&s, "again", 5);
    assert_string_equal(taken, "text");
    rsn_free(taken);
    rsn_str_free(&s);
}

static void test_base_str__failure_sticks(void **state) {
    (void)state;
    test_heap heap;
    for (size_t fail_at = 1; fail_at < 6; fail_at++) {
        rsn_str s = {0};
        heap_use(&heap, fail_at);
        for (int i = 0; i < 2000; i++) rsn_str_addz(&s, "abcd");
        assert_true(s.failed);
        const size_t n = s.n;
        assert_true(n < 8000 && n % 4 == 0);
        heap.fail_at = 0;
        rsn_str_addc(&s, 'x');
        rsn_str_addf(&s, "%d", 1);
        rsn_str_add(&s, "y", 1);
        assert_true(s.failed);
        assert_int_equal(s.n, n);
        assert_int_equal(strlen(rsn_str_text(&s)), n);
        assert_null(rsn_str_take(&s));
        check(&s, "", 0); /* and is usable again */
        rsn_str_addz(&s, "new");
        check(&s, "new", 3);
        rsn_str_free(&s);
        heap_end(&heap);
    }
}

static void test_base_str__take_of_nothing_can_fail(void **state) {
    (void)state;
    test_heap heap;
    rsn_str s = {0};
    heap_use(&heap, 1);
    assert_null(rsn_str_take(&s));
    heap_end(&heap);
}

static void test_base_str__refuses_impossible_sizes(void **state) {
    (void)state;
    test_heap heap;
    heap_use(&heap, 0);
    rsn_str s = {0};
    rsn_str_addz(&s, "a");
    rsn_str_add(&s, "b", SIZE_MAX); /* refused before anything is read */
    assert_true(s.failed);
    assert_string_equal(rsn_str_text(&s), "a");
    rsn_str_free(&s);
    rsn_str_add(&s, "b", SIZE_MAX / 2);
    assert_true(s.failed);
    rsn_str_free(&s);
    assert_int_equal(heap.n_calls, 1);
    heap_end(&heap);
}

/* What was reserved is added without another allocation, and the text stays. */
static void test_base_str__reserves(void **state) {
    (void)state;
    test_heap heap;
    heap_use(&heap, 0);
    rsn_str s = {0};
    rsn_str_reserve(&s, 100);
    check(&s, "", 0);
    rsn_str_addz(&s, "abc");
    rsn_str_reserve(&s, 0);
    check(&s, "abc", 3);
    for (int i = 0; i < 97; i++) rsn_str_addc(&s, 'x');
    assert_int_equal(heap.n_calls, 1);
    assert_int_equal(s.n, 100);
    rsn_str_reserve(&s, SIZE_MAX - 10);
    assert_true(s.failed);
    assert_int_equal(s.n, 100);
    rsn_str_free(&s);
    heap_end(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_str__starts_empty),
        cmocka_unit_test(test_base_str__reserves),
        cmocka_unit_test(test_base_str__adds),
        cmocka_unit_test(test_base_str__formats_long_text),
        cmocka_unit_test(test_base_str__follows_a_reference),
        cmocka_unit_test(test_base_str__hands_over),
        cmocka_unit_test(test_base_str__failure_sticks),
        cmocka_unit_test(test_base_str__take_of_nothing_can_fail),
        cmocka_unit_test(test_base_str__refuses_impossible_sizes),
    };
    return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
