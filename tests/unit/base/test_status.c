/* The last error, status names and quoting. */
#include "support.h"

#include <pthread.h>
#include <stdio.h>

#include "base/status.h"
#include "base/utf8.h"

static void test_base_status__names(void **state) {
    (void)state;
    assert_string_equal(rsn_status_name(REASON_OK), "REASON_OK");
    assert_string_equal(rsn_status_name(REASON_ERR_INVALID_ARG),
                        "REASON_ERR_INVALID_ARG");
    assert_string_equal(rsn_status_name(REASON_ERR_NO_MEMORY), "REASON_ERR_NO_MEMORY");
    assert_string_equal(rsn_status_name(REASON_ERR_IO), "REASON_ERR_IO");
    assert_string_equal(rsn_status_name(REASON_ERR_FORMAT), "REASON_ERR_FORMAT");
    assert_string_equal(rsn_status_name(REASON_ERR_UNSUPPORTED),
                        "REASON_ERR_UNSUPPORTED");
    assert_string_equal(rsn_status_name(REASON_ERR_LIMIT), "REASON_ERR_LIMIT");
    assert_string_equal(rsn_status_name(REASON_ERR_CONTEXT_FULL),
                        "REASON_ERR_CONTEXT_FULL");
    assert_string_equal(rsn_status_name(REASON_ERR_BUSY), "REASON_ERR_BUSY");
    assert_string_equal(rsn_status_name(REASON_ERR_CANCELLED), "REASON_ERR_CANCELLED");
    assert_string_equal(rsn_status_name(REASON_ERR_MISMATCH), "REASON_ERR_MISMATCH");
    assert_string_equal(rsn_status_name(REASON_ERR_TEMPLATE), "REASON_ERR_TEMPLATE");
    assert_string_equal(rsn_status_name(REASON_ERR_INTERNAL), "REASON_ERR_INTERNAL");
    assert_string_equal(rsn_status_name((reason_status)1), "unknown status");
    assert_string_equal(rsn_status_name((reason_status)-13), "unknown status");
}

static void *look_from_thread(void *arg) {
    char *seen = arg;
    seen[0] = rsn_last_error()[0];
    (void)rsn_fail(REASON_ERR_IO, "of the other thread");
    seen[1] = rsn_last_error()[0];
    return NULL;
}

static void test_base_status__belongs_to_its_thread(void **state) {
    (void)state;
    char seen[2] = {'?', '?'};
    pthread_t thread;
    assert_int_equal(rsn_fail(REASON_ERR_LIMIT, "mine"), REASON_ERR_LIMIT);
    assert_int_equal(pthread_create(&thread, NULL, look_from_thread, seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(seen[0], '\0');
    assert_int_equal(seen[1], 'o');
    assert_string_equal(rsn_last_error(), "mine");
}

static void test_base_status__formats(void **state) {
    (void)state;
    assert_int_equal(rsn_fail(REASON_ERR_FORMAT, "found %d of %s", 7, "x"),
                     REASON_ERR_FORMAT);
    assert_string_equal(rsn_last_error(), "found 7 of x");
    assert_int_equal(rsn_fail_within(REASON_ERR_IO, "file"), REASON_ERR_IO);
    assert_string_equal(rsn_last_error(), "file: found 7 of x");
    assert_int_equal(rsn_fail(REASON_ERR_IO, "<%s>", rsn_last_error()), REASON_ERR_IO);
    assert_string_equal(rsn_last_error(), "<file: found 7 of x>");
    assert_int_equal(rsn_fail_memory(12345), REASON_ERR_NO_MEMORY);
    assert_non_null(strstr(rsn_last_error(), "12345"));
}

static void test_base_status__is_one_line(void **state) {
    (void)state;
    (void)rsn_fail(REASON_ERR_IO, "a\nb\tc\x1b[31m\x7f\x1f ~");
    assert_string_equal(rsn_last_error(), "a?b?c?[31m?? ~");
}

/* 1023 bytes at most, and a character that does not fit whole is left out. */
static void test_base_status__is_cut_between_characters(void **state) {
    (void)state;
    for (size_t before = 1015; before <= 1030; before++) {
        char *text = test_calloc(before + 64, 1);
        memset(text, 'a', before);
        strcpy(text + before,
               "\xF0\x9F\x98\x80 and a tail that is never seen, it is too long");
        (void)rsn_fail(REASON_ERR_IO, "%s", text);
        size_t n = strlen(rsn_last_error());
        size_t expected = before >= 1023 ? 1023 : before + 4 > 1023 ? before : 1023;
        assert_int_equal(n, expected);
        assert_memory_equal(rsn_last_error(), text, n);
        assert_true(rsn_utf8_valid(rsn_last_error(), n, NULL));
        test_free(text);
    }
}

static void check_quote(const char *text, size_t n, const char *expected) {
    rsn_quoted q = rsn_quote(text, n);
    assert_string_equal(q.text, expected);
}

static void test_base_status__quotes(void **state) {
    (void)state;
    check_quote(NULL, 0, "\"\"");
    check_quote("abc", 3, "\"abc\"");
    check_quote("abc", 2, "\"ab\"");
    check_quote("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_quote("a\0b\n", 4, "\"a\\x00b\\x0a\"");
    check_quote("\x7f\x1b", 2, "\"\\x7f\\x1b\"");
    check_quote("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
                "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    check_quote("\xC2\x85", 2, "\"\\xc2\\x85\"");          /* U+0085, a control */
    check_quote("\xE2\x80\xAE", 3, "\"\\xe2\\x80\\xae\""); /* U+202E turns direction */
    check_quote("\xE2\x80\x8B", 3, "\"\\xe2\\x80\\x8b\""); /* U+200B is not seen */
    check_quote("\xEF\xBB\xBF", 3, "\"\\xef\\xbb\\xbf\""); /* U+FEFF neither */
    check_quote("\xE2\x82", 2, "\"\\xe2\\x82\"");          /* ends inside */
    check_quote("\xFF\xC0\x80", 3, "\"\\xff\\xc0\\x80\""); /* never valid */
    check_quote("\xED\xA0\x80", 3, "\"\\xed\\xa0\\x80\""); /* a surrogate */
}

/* Whatever comes in, what comes out is short, ends properly and is readable. */
static void test_base_status__quotes_anything(void **state) {
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[200];
        size_t n = random_below(&seed, sizeof text);
        unsigned kind = (unsigned)random_below(&seed, 3);
        for (size_t i = 0; i < n; i++) {
            uint8_t c = (uint8_t)random_next(&seed);
            text[i] = (char)(kind == 0 ? c : kind == 1 ? 'a' + c % 26 : 0xC0 | c % 64);
        }
        rsn_quoted q = rsn_quote(text, n);
        size_t len = strlen(q.text);
        assert_true(len < sizeof q.text);
        assert_int_equal(q.text[0], '"');
        assert_true(rsn_utf8_valid(q.text, len, NULL));
        for (size_t i = 0; i < len; i++) assert_true((uint8_t)q.text[i] >= 0x20);
        bool cut = len > 4 && strcmp(q.text + len - 4, "\"...") == 0;
        assert_true(cut || q.text[len - 1] == '"');
        if (kind == 1) assert_int_equal(cut, n > 66);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_status__names),
        cmocka_unit_test(test_base_status__belongs_to_its_thread),
        cmocka_unit_test(test_base_status__formats),
        cmocka_unit_test(test_base_status__is_one_line),
        cmocka_unit_test(test_base_status__is_cut_between_characters),
        cmocka_unit_test(test_base_status__quotes),
        cmocka_unit_test(test_base_status__quotes_anything),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
