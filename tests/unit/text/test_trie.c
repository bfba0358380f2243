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
    assert_int_equal(rsn_trie_init(&t, N, N * sizeof *words, 17), REASON_OK);
    for (int i = 0; i < N; i++) {
        length[i] = fixture_random(&random) % 8 + 1;
        for (size_t k = 0; k < length[i]; k++)
            words[i][k] = "\0a\xFF\x80z"[fixture_random(&random) % 5];
        rsn_trie_add(&t, (rsn_text){words[i], length[i]}, i);
    }
    assert_true(t.n > 2000 && t.n <= t.cap);
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

static void test_text_trie__memory_is_what_was_asked_for(void **state) {
    (void)state;
    enum { TOKENS = 3, BYTES = 300000 };
    char *a = fixture_check(malloc(BYTES / TOKENS));
    memset(a, 'a', BYTES / TOKENS);
    for (long at = 1; at <= 5; at++) {
        fixture_memory memory = {.fail = at};
        fixture_hook(&memory);
        rsn_trie t;
        reason_status status = rsn_trie_init(&t, TOKENS, BYTES, 1);
        assert_int_equal(status, at > 4 ? REASON_OK : REASON_ERR_NO_MEMORY);
        if (status == REASON_OK) {
            for (int i = 0; i < TOKENS; i++) { /* different from the first byte on */
                a[0] = (char)('b' + i);
                rsn_trie_add(&t, (rsn_text){a, BYTES / TOKENS}, i);
            }
            assert_int_equal(t.n, t.cap);
            assert_int_equal(memory.calls, 4);
            assert_true(rsn_trie_held(&t) <= 6 * (size_t)BYTES + 1000);
        }
        rsn_trie_free(&t);
        assert_int_equal(memory.live, 0);
    }
    rsn_alloc_set(NULL);
    free(a);
}

static void test_text_trie__too_long(void **state) {
    (void)state;
    rsn_trie t;
    assert_int_equal(rsn_trie_init(&t, 1, UINT32_MAX - 1, 1), REASON_ERR_LIMIT);
    assert_non_null(strstr(reason_last_error(), "4294967294"));
    rsn_trie_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_trie__against_a_search),
        cmocka_unit_test(test_text_trie__memory_is_what_was_asked_for),
        cmocka_unit_test(test_text_trie__too_long),
    };
    return cmocka_run_group_tests_name("text_trie", tests, NULL, NULL);
}
