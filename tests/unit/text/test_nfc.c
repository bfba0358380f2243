/* The composed form against utf8proc's own, which takes valid text alone. */
#include "text/nfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <utf8proc.h>

#include <cmocka.h>

#include "base/utf8.h"

static uint32_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void check(rsn_nfc *w, const char *s, size_t n, const char *wanted,
                  size_t n_wanted) {
    rsn_str out = {0};
    rsn_str_addz(&out, "before"); /* it appends */
    assert_int_equal(rsn_nfc_add(w, s, n, &out), REASON_OK);
    assert_int_equal(out.n, 6 + n_wanted);
    assert_memory_equal(rsn_str_text(&out) + 6, wanted, n_wanted);
    rsn_str_free(&out);
}

static void test_text_nfc__examples(void **state) {
    static const char *const cases[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"e\xCC\x81", "\xC3\xA9"},
        {"\xC3\xA9", "\xC3\xA9"},
        {"ae\xCC\x81z", "a\xC3\xA9z"},
        {"\xCC\x81", "\xCC\x81"},                             /* with nothing before it */
        {"\xE2\x84\xAB", "\xC3\x85"},                         /* the sign of Angstrom */
        {"\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80"},         /* Hangul */
        {"q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87"},           /* marks in order */
        {"\xE0\xA4\x95\xE0\xA4\xBC", "\xE0\xA4\x95\xE0\xA4\xBC"}, /* not composed again */
        {"\xFF" "e\xCC\x81\xCC", "\xFF\xC3\xA9\xCC"},         /* bytes that are none */
        {"e\xFF\xCC\x81", "e\xFF\xCC\x81"},
        {"\xC3\xCC\x81", "\xC3\xCC\x81"},
    };
    (void)state;
    rsn_nfc w = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&w, cases[i][0], strlen(cases[i][0]), cases[i][1], strlen(cases[i][1]));
    rsn_nfc_free(&w);
}

static const int32_t CHARS[] = {'a', 'e', 'o', ' ', 0xE9, 0x1EA5, 0x300, 0x301, 0x302,
                                0x308, 0x323, 0x327, 0x338, 0x345, 0x3099, 0x304B, 0x1100,
                                0x1161, 0x11A8, 0xAC00, 0x212B, 0x2126, 0x915, 0x93C,
                                0x958, 0x1D15E, 0x1F600, 0xFB1D, 0x4E00, 0xF900, 0x2581,
                                0x1D165, 0x5B0, 0x5B4, 0x10FFFF, '=', 0x226E};

static void test_text_nfc__random(void **state) {
    (void)state;
    rsn_nfc w = {0};
    uint64_t random = 5;
    for (int i = 0; i < 50000; i++) {
        char s[200];
        size_t n = 0, want = next_random(&random) % 24;
        for (size_t k = 0; k < want; k++) {
            int32_t cp = CHARS[next_random(&random) % (sizeof CHARS / sizeof *CHARS)];
            if (next_random(&random) % 8 == 0)
                cp = (int32_t)(next_random(&random) % 0x30000);
            n += rsn_utf8_encode(cp, s + n);
        }
        s[n] = '\0';
        utf8proc_uint8_t *wanted = NULL;
        utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s,
                                            (utf8proc_ssize_t)n, &wanted,
                                            UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        assert_true(len >= 0);
        check(&w, s, n, (const char *)wanted, (size_t)len);
        free(wanted);
    }
    rsn_nfc_free(&w);
}

/* Marks in the worst order: time is linear. */
static void test_text_nfc__many_marks(void **state) {
    (void)state;
    size_t n = 400000;
    rsn_str s = {0}, out = {0};
    rsn_nfc w = {0};
    rsn_str_addc(&s, 'a');
    for (size_t i = 0; i < n; i++) rsn_str_addz(&s, i % 2 ? "\xCC\xA3" : "\xCC\x81");
    clock_t begun = clock();
    assert_int_equal(rsn_nfc_add(&w, s.data, s.n, &out), REASON_OK);
    assert_true((double)(clock() - begun) / CLOCKS_PER_SEC < 5);
    assert_int_equal(memcmp(out.data, "\xE1\xBA\xA1\xCC\xA3", 5), 0); /* a with a dot */
    rsn_str_free(&s);
    rsn_str_free(&out);
    rsn_nfc_free(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_nfc__examples),
        cmocka_unit_test(test_text_nfc__random),
        cmocka_unit_test(test_text_nfc__many_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
