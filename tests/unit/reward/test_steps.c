/* Where steps end, against what is written down for each text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "reward/steps.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static rsn_text text_of(const char *z) {
    return (rsn_text){z, strlen(z)};
}

static const rsn_tags TAGS = {.open = {"<think>", 7}, .close = {"</think>", 8}};

/* Steps as "content|content"; what is between them must be the separator or white space. */
static void expect(const char *text, const char *separator, bool open, const char *wanted) {
    rsn_cuts cuts = {0};
    rsn_text whole = text_of(text), by = separator ? text_of(separator) : text_of("");
    assert_int_equal(rsn_steps_cut(&TAGS, whole, open, by, &cuts), REASON_OK);
    char found[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < cuts.n; i++) {
        const rsn_cut *c = &cuts.items[i];
        assert_true(at <= c->begin && c->begin < c->content && c->content <= c->end &&
                    c->end <= whole.n);
        (void)strcat(found, i ? "|" : "");
        (void)strncat(found, text + c->begin, c->content - c->begin);
        at = c->end;
    }
    assert_string_equal(found, wanted);
    rsn_free(cuts.items);
}

static void test_steps__blank_lines(void **state) {
    (void)state;
    expect("a\n\nb", NULL, false, "a|b");
    expect("a\nb\n\n\n\nc\n", NULL, false, "a\nb|c\n");
    expect("\n\n \n\na\n\n", NULL, false, "a");
    expect("", NULL, false, "");
    expect(" \n\n\t", NULL, false, "");
    expect("a", NULL, false, "a");
}

static void test_steps__separators(void **state) {
    (void)state;
    expect("a##b##", "##", false, "a|b");
    expect("##a####b", "##", false, "a|b");
    expect("<think>\n\na##b</think>c", "##", false, "<think>\n\na|b</think>c");
    expect("a#b", "##", false, "a#b");
}

static void test_steps__thoughts(void **state) {
    (void)state;
    expect("<think>a\n\nb</think>\n\nc\n\nd", NULL, false, "<think>a|b|</think>\n\nc\n\nd");
    expect("a\n\nb</think>c", NULL, false, "a|b|</think>c");
    expect("<think>a\n\nb", NULL, false, "<think>a|b");
    expect("a\n\nb", NULL, true, "a|b");
    expect("<think>a\n\n</think>\n", NULL, false, "<think>a");
    expect("<think>a</think>", NULL, false, "<think>a");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps__blank_lines),
        cmocka_unit_test(test_steps__separators),
        cmocka_unit_test(test_steps__thoughts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
