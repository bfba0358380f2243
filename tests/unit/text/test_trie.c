/* A trie against a search through the list. */
#include "text/trie.h"

#include "vocab_fixture.h"

static void test_text_trie__against_a_search(void **state) {
    (void)state;
    enum { N = 4000 };
    char (*words)[8] = fixture_check(calloc(N, sizeof *words));
    size_t *length = fixture_check(calloc(N, sizeof *length));
    uint64_t random = 3;
    rsn_trie t;
    assert_int_equal(rsn_trie_init(&t, 17), REASON_OK);
    for (int i = 0; i < N; i++) {
        length[i] = fixture_random(&random) % 8 + 1;
        for (size_t k = 0; k < length[i]; k++)
            words[i][k] = "\0a\xFF\x80z"[fixture_random(&random) % 5];
        assert_int_equal(rsn_trie_add(&t, (rsn_text){words[i], length[i]}, i), REASON_OK);
    }
    assert_true(t.n > 2000); /* it has grown */
    for (int i = 0; i < 4000; i++) {
        char s[8];
        uint32_t at = 0;
        for (size_t n = 1; n <= 8; n++) {
            s[n - 1] = "\0a\xFF\x80zy"[fixture_random(&random) % 6];
            int32_t expected = -1;
            bool begins = false;
            for (int k = N; k-- > 0;) {
                if (length[k] < n || memcmp(words[k], s, n) != 0) continue;
                begins = true;
                if (length[k] == n) expected = k; /* the first of equal ones */
            }
            at = rsn_trie_step(&t, at, (uint8_t)s[n - 1]);
            assert_int_equal(at != 0, begins);
            if (!at) break;
            assert_int_equal(t.token[at], expected);
        }
    }
    rsn_trie_free(&t);
    free(words);
    free(length);
}

static void test_text_trie__every_allocation_may_fail(void **state) {
    (void)state;
    bool done = false;
    for (long at = 1; !done; at++) {
        fixture_memory memory = {.fail = at};
        fixture_hook(&memory);
        rsn_trie t;
        reason_status status = rsn_trie_init(&t, 1);
        char word[5] = "aaaa";
        for (int i = 0; i < 3000 && status == REASON_OK; i++) {
            for (int k = 0; k < 4; k++) word[k] = (char)('a' + (i >> 3 * k) % 8);
            status = rsn_trie_add(&t, (rsn_text){word, 4}, i);
        }
        done = memory.calls < at;
        assert_int_equal(status, done ? REASON_OK : REASON_ERR_NO_MEMORY);
        rsn_trie_free(&t);
        assert_int_equal(memory.live, 0);
        assert_true(at < 50);
    }
    rsn_alloc_set(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_trie__against_a_search),
        cmocka_unit_test(test_text_trie__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("text_trie", tests, NULL, NULL);
}
