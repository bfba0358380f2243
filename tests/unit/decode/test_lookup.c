/* Lookups against a search of the whole text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "decode/lookup.h"
#include "support/heap.h"

enum { LENGTH = 3000, MOST = 9 };

/* The last place where the last tokens stood before, by looking everywhere; 0: none. */
static size_t search(const int32_t *tokens, size_t n, size_t length) {
    for (size_t at = n - 1; at >= length; at--)
        if (memcmp(tokens + at - length, tokens + n - length, length * sizeof *tokens) ==
            0)
            return at;
    return 0;
}

static int32_t random_token(size_t i, size_t n) {
    return (int32_t)(rsn_rng_uniform(1, 0, i, (uint32_t)n) * (double)n);
}

static void test_decode_lookup__finds_the_last_place(void **state) {
    (void)state;
    static int32_t tokens[LENGTH + MOST];
    for (size_t length = 1; length <= 5; length++) {
        for (size_t n_kinds = 1; n_kinds <= 4096; n_kinds *= 8) {
            rsn_lookup l = {0};
            size_t n_there = 0, n_found = 0, step = 1;
            for (size_t i = 0; i < LENGTH; i++)
                tokens[i] = random_token(i, n_kinds);
            for (size_t n = 1; n < LENGTH; n += step) {
                int32_t guesses[MOST];
                size_t place = n > length ? search(tokens, n, length) : 0;
                size_t found = rsn_lookup_guess(&l, length, tokens, n, MOST, guesses);
                n_there += place > 0;
                n_found += found > 0;
                assert_true(found == 0 || (found == MOST && place > 0));
                for (size_t i = 0; i < found; i++) /* what repeats goes on */
                    assert_int_equal(guesses[i], tokens[place + i % (n - place)]);
                step = n % 3 + 1;
            }
            assert_true(4 * n_found + 8 >= 3 * n_there); /* slots are shared */
            assert_true(n_kinds > 8 || length > 2 || n_found > 1000);
            rsn_lookup_free(&l);
        }
    }
}

static void test_decode_lookup__without_memory(void **state) {
    (void)state;
    static int32_t tokens[LENGTH];
    int32_t guesses[MOST];
    counted_heap heap;
    rsn_lookup l = {0};
    heap_begin(&heap, 1, false);
    assert_int_equal(rsn_lookup_guess(&l, 2, tokens, 100, MOST, guesses), 0);
    assert_int_equal(rsn_lookup_guess(&l, 2, tokens, 100, MOST, guesses), MOST);
    heap.fail_at = heap.n_calls + 1;
    heap.sticky = true;
    assert_int_equal(rsn_lookup_guess(&l, 2, tokens, LENGTH, MOST, guesses), MOST);
    assert_true(heap.n_calls >= heap.fail_at); /* the old index goes on */
    rsn_lookup_free(&l);
    assert_int_equal(heap.alive, 0);
    heap_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_lookup__finds_the_last_place),
        cmocka_unit_test(test_decode_lookup__without_memory),
    };
    return cmocka_run_group_tests_name("decode_lookup", tests, NULL, NULL);
}
