/* The search for special tokens, against trying every token at every position. */
#include "text/special.h"

#include "vocab_fixture.h"

/* The longest of the special tokens that begin at s[at], the first of equal ones; -1. */
static int32_t try_all(const fixture *f, const char *s, size_t n, size_t at) {
    int32_t best = -1;
    for (size_t i = 0; i < f->src.n_tokens; i++) {
        rsn_text t = f->tokens[i];
        if (f->types[i] != 3 && f->types[i] != 4) continue;
        if (t.n == 0 || t.n > n - at || memcmp(s + at, t.data, t.n) != 0) continue;
        if (best < 0 || t.n > f->tokens[best].n) best = (int32_t)i;
    }
    return best;
}

static void check(const fixture *f, const char *s, size_t n) {
    rsn_tokens t;
    rsn_special sp;
    rsn_special_hits hits = {0};
    assert_int_equal(
        rsn_tokens_init(&t, RSN_SPELLING_LEVEL, f->tokens, f->types, f->src.n_tokens, 3),
        REASON_OK);
    assert_int_equal(rsn_special_init(&sp, &t), REASON_OK);
    assert_int_equal(rsn_special_scan(&sp, s, n, &hits), REASON_OK);
    size_t left = hits.n;
    for (size_t at = 0; at < n; at++) {
        int32_t expected = try_all(f, s, n, at);
        bool hit = left && hits.items[left - 1].at == at;
        assert_int_equal(hit, expected >= 0);
        if (hit) assert_int_equal(hits.items[--left].id, expected);
    }
    assert_int_equal(left, 0);
    rsn_free(hits.items);
    rsn_special_free(&sp);
    rsn_tokens_free(&t);
}

static void test_text_special__random_tokens_in_random_text(void **state) {
    (void)state;
    uint64_t random = 42;
    for (int round = 0; round < 3000; round++) {
        fixture f;
        fixture_init(&f, NULL);
        unsigned letters = fixture_random(&random) % 3 + 1;
        size_t n_tokens = fixture_random(&random) % 12 + 1;
        for (size_t i = 0; i < n_tokens; i++) {
            char s[12];
            size_t n = fixture_random(&random) % sizeof s;
            for (size_t k = 0; k < n; k++)
                s[k] = (char)('a' + fixture_random(&random) % letters);
            fixture_token(&f, s, n, (int32_t)(fixture_random(&random) % 4) + 1);
        }
        char text[100];
        size_t n = fixture_random(&random) % sizeof text;
        for (size_t k = 0; k < n; k++)
            text[k] = (char)('a' + fixture_random(&random) % letters);
        for (size_t i = 0; i < n_tokens;
             i++) /* unknown tokens count too, but not for try_all */
            if (f.types[i] == 2) f.types[i] = 1;
        check(&f, text, n);
        fixture_free(&f);
    }
}

static void test_text_special__none_at_all(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    fixture_tokenz(&f, "a", 1);
    fixture_tokenz(&f, "", 3);
    check(&f, "aaa", 3);
    fixture_free(&f);
}

static void test_text_special__all_bytes(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f, NULL);
    fixture_token(&f, "\0\xFF", 2, 3);
    fixture_token(&f, "\xFF\0\x80", 3, 4);
    fixture_token(&f, "\xE2\x96", 2, 2);
    check(&f, "\0\xFF\0\x80\0\0\xFF\xFF", 8);
    f.types[2] = 3;
    check(&f, "\xE2\xE2\x96\x96", 4);
    fixture_free(&f);
}

/* Tokens of 60,000 letters that the text nearly has at every one of its 4 Mi positions: a
 * search that tried them one position after the other would take days. */
static void test_text_special__nearly_everywhere(void **state) {
    (void)state;
    enum { LONG = 60000, SIZE = 4 << 20 };
    char *s = fixture_check(malloc(SIZE));
    memset(s, 'a', SIZE);
    fixture f;
    fixture_init(&f, NULL);
    s[LONG] = 'b';
    fixture_token(&f, s, LONG + 1, 3);
    s[LONG] = 'a';
    s[0] = 'b';
    fixture_token(&f, s, LONG, 3);
    s[0] = 'a';
    rsn_tokens t;
    rsn_special sp;
    rsn_special_hits hits = {0};
    assert_int_equal(
        rsn_tokens_init(&t, RSN_SPELLING_LEVEL, f.tokens, f.types, f.src.n_tokens, 3),
        REASON_OK);
    assert_int_equal(rsn_special_init(&sp, &t), REASON_OK);
    assert_int_equal(rsn_special_scan(&sp, s, SIZE, &hits), REASON_OK);
    assert_int_equal(hits.n, 0);
    s[SIZE - 1] = 'b';
    assert_int_equal(rsn_special_scan(&sp, s, SIZE, &hits), REASON_OK);
    assert_int_equal(hits.n, 1);
    assert_int_equal(hits.items[0].at, SIZE - 1 - LONG);
    assert_int_equal(hits.items[0].id, 0);
    rsn_free(hits.items);
    rsn_special_free(&sp);
    rsn_tokens_free(&t);
    fixture_free(&f);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_special__random_tokens_in_random_text),
        cmocka_unit_test(test_text_special__none_at_all),
        cmocka_unit_test(test_text_special__all_bytes),
        cmocka_unit_test(test_text_special__nearly_everywhere),
    };
    return cmocka_run_group_tests_name("text_special", tests, NULL, NULL);
}
