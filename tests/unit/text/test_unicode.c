/* Classes of characters against PCRE2, for all of Unicode. The two libraries may know
 * different versions of Unicode, so a character may differ only if one of them does not
 * have it yet; and PCRE2's \s has U+180E, which left White_Space with Unicode 6.3 and is
 * no space here. */
#include "text/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/utf8.h"

static pcre2_code *compile(const char *pattern) {
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &error, &offset, NULL);
    assert_non_null(code);
    return code;
}

static bool matches(pcre2_code *code, pcre2_match_data *data, const char *s, size_t n) {
    return pcre2_match(code, (PCRE2_SPTR)s, n, 0, PCRE2_ANCHORED, data, NULL) > 0;
}

static void test_text_unicode__classes_are_pcre2s(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        rsn_unicode kind;
    } classes[] = {
        {"\\s", RSN_UNICODE_SPACE},           {"[\\p{Lu}\\p{Lt}]", RSN_UNICODE_UPPER},
        {"\\p{Ll}", RSN_UNICODE_LOWER},       {"[\\p{Lm}\\p{Lo}]", RSN_UNICODE_UNCASED},
        {"\\p{M}", RSN_UNICODE_MARK},         {"\\p{N}", RSN_UNICODE_NUMBER},
        {"\\p{P}", RSN_UNICODE_PUNCTUATION},  {"\\p{S}", RSN_UNICODE_SYMBOL},
    };
    enum { N = sizeof classes / sizeof *classes };
    pcre2_code *codes[N], *unassigned = compile("\\p{Cn}");
    for (int i = 0; i < N; i++) codes[i] = compile(classes[i].pattern);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    size_t n_unassigned = 0, n_letters = 0;
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char s[4];
        size_t n = rsn_utf8_encode(cp, s);
        if (n == 0) {
            assert_int_equal(rsn_unicode_class(cp), RSN_UNICODE_REST);
            continue;
        }
        rsn_unicode theirs = RSN_UNICODE_REST, ours = rsn_unicode_class(cp), next;
        for (int i = N; i-- > 0;)
            if (matches(codes[i], data, s, n)) theirs = classes[i].kind;
        assert_int_equal(rsn_unicode_next(s, n, &next), n);
        assert_int_equal(next, ours);
        n_letters += (ours & RSN_UNICODE_LETTER) != 0;
        if (ours == theirs) continue;
        if (cp == 0x180E && ours == RSN_UNICODE_REST) continue;
        n_unassigned++;
        if (!matches(unassigned, data, s, n) &&
            utf8proc_category(cp) != UTF8PROC_CATEGORY_CN)
            fail_msg("U+%04X is %d here and %d in PCRE2", (unsigned)cp, ours, theirs);
    }
    assert_true(n_letters > 100000);
    print_message("%zu characters are too new for one of the libraries\n", n_unassigned);
    pcre2_match_data_free(data);
    pcre2_code_free(unassigned);
    for (int i = 0; i < N; i++) pcre2_code_free(codes[i]);
}

static void test_text_unicode__white_space_is_the_property(void **state) {
    (void)state;
    static const int32_t spaces[] = {
        0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,   0x1680,
        0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
        0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
    size_t at = 0, n = sizeof spaces / sizeof *spaces;
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (rsn_unicode_class(cp) != RSN_UNICODE_SPACE) continue;
        assert_true(at < n);
        assert_int_equal(cp, spaces[at]);
        at++;
    }
    assert_int_equal(at, n);
}

static void test_text_unicode__an_invalid_byte_is_one_symbol(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\x80",     "\xBF",      "\xC0\x80",     "\xC3",         "\xC3 ",
        "\xE2\x82", "\xE2\x82 ", "\xED\xA0\x80", "\xF0\x9F\x99", "\xF4\x90\x80\x80",
        "\xF5\x80", "\xFF",      "\xE0\x9F\xBF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rsn_unicode kind = RSN_UNICODE_SPACE;
        assert_int_equal(rsn_unicode_next(bad[i], strlen(bad[i]), &kind), 1);
        assert_int_equal(kind, RSN_UNICODE_SYMBOL);
    }
    assert_int_equal(rsn_unicode_class(-1), RSN_UNICODE_REST);
    assert_int_equal(rsn_unicode_class(0xD800), RSN_UNICODE_REST);
    assert_int_equal(rsn_unicode_class(0x110000), RSN_UNICODE_REST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_unicode__classes_are_pcre2s),
        cmocka_unit_test(test_text_unicode__white_space_is_the_property),
        cmocka_unit_test(test_text_unicode__an_invalid_byte_is_one_symbol),
    };
    return cmocka_run_group_tests_name("text_unicode", tests, NULL, NULL);
}
