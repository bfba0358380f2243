/* UTF-8 against a slow reference: the rows of table 3-7 of the Unicode standard. */
#include "support.h"

#include "base/utf8.h"

typedef struct row {
    unsigned n;
    uint8_t range[4][2];
} row;

static const row rows[] = {
    {1, {{0x00, 0x7F}}},
    {2, {{0xC2, 0xDF}, {0x80, 0xBF}}},
    {3, {{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}}},
    {3, {{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}}},
    {3, {{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}}},
    {3, {{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}}},
    {4, {{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}},
    {4, {{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}},
    {4, {{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}}},
};

/* How many bytes of s[0..n) fit the row from its start. */
static size_t match(const row *r, const uint8_t *s, size_t n) {
    size_t k = 0;
    while (k < r->n && k < n && s[k] >= r->range[k][0] && s[k] <= r->range[k][1]) k++;
    return k;
}

static size_t slow_decode(const uint8_t *s, size_t n, int32_t *cp) {
    size_t best = 1;
    *cp = -1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t k = match(&rows[i], s, n);
        if (k > best) best = k;
        if (k != rows[i].n) continue;
        static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
        *cp = s[0] & masks[k];
        for (size_t j = 1; j < k; j++) *cp = *cp * 64 + (s[j] & 0x3F);
        return k;
    }
    return best;
}

static size_t slow_open_tail(const uint8_t *s, size_t n) {
    for (size_t k = 3; k > 0; k--) {
        if (k > n) continue;
        for (size_t i = 0; i < COUNT(rows); i++)
            if (rows[i].n > k && match(&rows[i], s + n - k, k) == k) return k;
    }
    return 0;
}

/* All four functions on one text, which lies at the very end of a block. */
static void check_text(const uint8_t *text, size_t n) {
    char *s = test_malloc(n ? n : 1);
    memcpy(s, text, n);
    size_t first_bad = n;
    for (size_t at = 0; at < n;) {
        int32_t cp = 99, expected;
        size_t len = slow_decode(text + at, n - at, &expected);
        assert_int_equal(rsn_utf8_decode(s + at, n - at, &cp), len);
        assert_int_equal(cp, expected);
        if (cp < 0 && first_bad == n) first_bad = at;
        at += len;
    }
    size_t bad = n;
    assert_int_equal(rsn_utf8_valid(s, n, &bad), first_bad == n);
    assert_int_equal(bad, first_bad);
    assert_int_equal(rsn_utf8_open_tail(s, n), slow_open_tail(text, n));
    test_free(s);
}

static void test_base_utf8__all_characters(void **state) {
    (void)state;
    size_t n_characters = 0;
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char s[8] = "";
        size_t len = rsn_utf8_encode(cp, s), at = 99;
        int32_t back = -2;
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            assert_int_equal(len, 0);
            continue;
        }
        n_characters++;
        assert_int_equal(len, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
        assert_int_equal(slow_decode((const uint8_t *)s, len, &back), len);
        assert_int_equal(back, cp);
        assert_int_equal(rsn_utf8_decode(s, len, &back), len);
        assert_int_equal(back, cp);
        assert_true(rsn_utf8_valid(s, len, &at));
        assert_int_equal(rsn_utf8_open_tail(s, len), 0);
        for (size_t k = 1; k < len; k++) { /* every start of it is open */
            assert_int_equal(rsn_utf8_open_tail(s, k), k);
            assert_int_equal(rsn_utf8_decode(s, k, &back), k);
            assert_int_equal(back, -1);
        }
    }
    assert_int_equal(n_characters, 1112064);
}

static void test_base_utf8__encodes_no_others(void **state) {
    (void)state;
    static const int32_t bad[] = {-1,     INT32_MIN, 0xD800,   0xDBFF,
                                  0xDC00, 0xDFFF,    0x110000, INT32_MAX};
    char s[4];
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(rsn_utf8_encode(bad[i], s), 0);
}

static void test_base_utf8__classes_of_invalid(void **state) {
    (void)state;
    static const struct {
        const char *s;
        size_t n, parts[5]; /* the lengths of the invalid parts */
    } cases[] = {
        {"\x80", 1, {1}},                             /* continuation alone */
        {"\xBF\x80", 2, {1, 1}},                      /* twice */
        {"\xC0\x80", 2, {1, 1}},                      /* over-long NUL */
        {"\xC1\xBF", 2, {1, 1}},                      /* over-long, two bytes */
        {"\xE0\x80\x80", 3, {1, 1, 1}},               /* over-long, three */
        {"\xE0\x9F\xBF", 3, {1, 1, 1}},               /* the largest of them */
        {"\xF0\x80\x80\x80", 4, {1, 1, 1, 1}},        /* over-long, four */
        {"\xF0\x8F\xBF\xBF", 4, {1, 1, 1, 1}},        /* the largest of them */
        {"\xED\xA0\x80", 3, {1, 1, 1}},               /* first surrogate */
        {"\xED\xBF\xBF", 3, {1, 1, 1}},               /* last surrogate */
        {"\xF4\x90\x80\x80", 4, {1, 1, 1, 1}},        /* 0x110000 */
        {"\xF5\x80\x80\x80", 4, {1, 1, 1, 1}},        /* beyond any lead */
        {"\xF8\x88\x80\x80\x80", 5, {1, 1, 1, 1, 1}}, /* five bytes, as once allowed */
        {"\xFE", 1, {1}},                             /* never used */
        {"\xFF", 1, {1}},                             /* never used */
        {"\xC3", 1, {1}},                             /* ends inside */
        {"\xE2\x82", 2, {2}},                         /* ends inside: one part */
        {"\xF0\x9F\x98", 3, {3}},                     /* ends inside: one part */
        {"\xF0\x9F\x98\xF0", 4, {3, 1}},              /* begun anew */
        {"\xE1\x80\xE2\xF0\x91", 5, {2, 1, 2}}, /* the standard's example, less its end */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t at = 0;
        for (size_t k = 0; at < cases[i].n; k++) {
            int32_t cp = 0;
            size_t len = rsn_utf8_decode(cases[i].s + at, cases[i].n - at, &cp);
            assert_int_equal(len, cases[i].parts[k]);
            assert_int_equal(cp, -1);
            at += len;
        }
        check_text((const uint8_t *)cases[i].s, cases[i].n);
    }
}

/* Every text of up to four bytes that are each at an edge of a range. */
static void test_base_utf8__all_edges(void **state) {
    (void)state;
    static const uint8_t edge[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                   0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                   0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    enum { N = COUNT(edge) };
    for (size_t i = 0; i < (size_t)N * N * N * N; i++) {
        const uint8_t s[4] = {edge[i % N], edge[i / N % N], edge[i / N / N % N],
                              edge[i / N / N / N]};
        size_t n = 4;
        while (n > 1 && s[n - 1] == 0) n--; /* zeros at the end stand for shorter texts */
        for (size_t at = 0; at < n;) {
            int32_t cp = 99, expected;
            size_t len = slow_decode(s + at, n - at, &expected);
            assert_int_equal(rsn_utf8_decode((const char *)s + at, n - at, &cp), len);
            assert_int_equal(cp, expected);
            at += len;
        }
        assert_int_equal(rsn_utf8_open_tail((const char *)s, n), slow_open_tail(s, n));
    }
}

static void test_base_utf8__random_bytes(void **state) {
    (void)state;
    uint64_t seed = 17;
    for (int round = 0; round < 60000; round++) {
        uint8_t s[48];
        size_t n = random_below(&seed, sizeof s), kind = random_below(&seed, 3);
        for (size_t i = 0; i < n; i++) {
            uint64_t r = random_next(&seed);
            s[i] = (uint8_t)(r >> 8);
            if (kind == 1 && r % 16) s[i] &= 0x7F; /* mostly ASCII */
            if (kind == 2) s[i] = (uint8_t)(s[i] | (r % 3 ? 0x80 : 0xC0)); /* none */
        }
        check_text(s, n);
    }
}

/* The place of the first invalid byte, at every offset from a word's start. */
static void test_base_utf8__finds_the_bad_byte(void **state) {
    (void)state;
    char s[64];
    assert_true(rsn_utf8_valid(NULL, 0, NULL));
    for (size_t n = 1; n <= sizeof s; n++) {
        memset(s, 'a', n);
        assert_true(rsn_utf8_valid(s, n, NULL));
        for (size_t at = 0; at < n; at++) {
            size_t bad = 99;
            s[at] = (char)0x80;
            assert_false(rsn_utf8_valid(s, n, &bad));
            assert_int_equal(bad, at);
            s[at] = 'a';
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_utf8__all_characters),
        cmocka_unit_test(test_base_utf8__encodes_no_others),
        cmocka_unit_test(test_base_utf8__classes_of_invalid),
        cmocka_unit_test(test_base_utf8__all_edges),
        cmocka_unit_test(test_base_utf8__random_bytes),
        cmocka_unit_test(test_base_utf8__finds_the_bad_byte),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
