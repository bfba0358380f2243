/* The log callback. */
#include "support.h"

#include "base/log.h"
#include "base/utf8.h"

typedef struct seen {
    int n;
    reason_log_level level;
    char line[2048];
} seen;

static void remember(void *user, reason_log_level level, const char *line) {
    seen *s = user;
    s->n++;
    s->level = level;
    assert_true(strlen(line) < sizeof s->line);
    strcpy(s->line, line);
}

static void test_base_log__goes_to_the_callback(void **state) {
    (void)state;
    seen s = {0, REASON_LOG_DEBUG, ""};
    rsn_log(REASON_LOG_WARNING, "dropped %d", 1);
    rsn_log_set(remember, &s);
    assert_int_equal(s.n, 0);
    rsn_log(REASON_LOG_INFO, "%s has %d", "x", 5);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.level, REASON_LOG_INFO);
    assert_string_equal(s.line, "x has 5");
    rsn_log(REASON_LOG_WARNING, "%s", "");
    assert_int_equal(s.n, 2);
    assert_int_equal(s.level, REASON_LOG_WARNING);
    rsn_log_set(NULL, NULL);
    rsn_log(REASON_LOG_WARNING, "dropped");
    assert_int_equal(s.n, 2);
}

static void test_base_log__is_one_whole_line(void **state) {
    (void)state;
    seen s = {0, REASON_LOG_DEBUG, ""};
    rsn_log_set(remember, &s);
    rsn_log(REASON_LOG_DEBUG, "a\n%s", "b\r\x1b");
    assert_string_equal(s.line, "a?b??");
    for (int width = 1000; width < 1040; width++) {
        rsn_log(REASON_LOG_DEBUG, "%*s\xE2\x82\xAC and more than fits", width, "x");
        size_t n = strlen(s.line);
        assert_in_range(n, 1021, 1023);
        assert_true(rsn_utf8_valid(s.line, n, NULL));
    }
    rsn_log_set(NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_log__goes_to_the_callback),
        cmocka_unit_test(test_base_log__is_one_whole_line),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
