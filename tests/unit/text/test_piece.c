/* The spelling of SentencePiece's tokens. */
#include "text/piece.h"

#include <stdio.h>

#include "vocab_fixture.h"

static void test_text_piece__one_byte_at_a_time(void **state) {
    (void)state;
    uint8_t byte = 0;
    assert_int_equal(rsn_piece_next("\xE2\x96\x81" "a", 4, &byte), 3);
    assert_int_equal(byte, ' ');
    assert_int_equal(rsn_piece_next("\xE2\x96\x81", 2, &byte), 1); /* cut short */
    assert_int_equal(byte, 0xE2);
    assert_int_equal(rsn_piece_next("\xE2\x96\x82", 3, &byte), 1);
    assert_int_equal(rsn_piece_next(" ", 1, &byte), 0);
    for (int b = 0; b < 256; b++) {
        char c = (char)b;
        if (b == ' ') continue;
        assert_int_equal(rsn_piece_next(&c, 1, &byte), 1);
        assert_int_equal(byte, b);
    }
}

static void test_text_piece__byte_tokens(void **state) {
    (void)state;
    static const char *const strangers[] = {
        "<0x-1>", "<0xZZ>", "<0x1>", "<0x123>", "<0xab>", "<0xaB>", "<0X41>", "0x41>>",
        "<0x4 >", "<0x+4>", "<0x41",  "<0x41)", "",       "<0x/0>", "<0x:0>", "<0x@0>",
        "<0xG0>", "<0x0G>"};
    for (int b = 0; b < 256; b++) {
        char s[8];
        snprintf(s, sizeof s, "<0x%02X>", (unsigned)b);
        assert_int_equal(rsn_piece_byte(s, 6), b);
        assert_int_equal(rsn_piece_byte(s, 5), -1);
    }
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert_int_equal(rsn_piece_byte(strangers[i], strlen(strangers[i])), -1);
    assert_int_equal(rsn_piece_byte("<0x\0" "0>", 6), -1);
}

static void test_text_piece__words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at, end;
    } cases[] = {{"ab cd", 0, 2},    {"ab cd", 2, 5}, {"  ab  cd", 0, 4},
                 {"  ab  cd", 4, 8}, {"   ", 0, 3},   {"a", 0, 1},
                 {"a ", 0, 1},       {"a ", 1, 2},    {"\n\t x", 0, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(
            rsn_piece_word(cases[i].text, strlen(cases[i].text), cases[i].at),
            cases[i].end);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_piece__one_byte_at_a_time),
        cmocka_unit_test(test_text_piece__byte_tokens),
        cmocka_unit_test(test_text_piece__words),
    };
    return cmocka_run_group_tests_name("text_piece", tests, NULL, NULL);
}
