/* What the answer in a text is, and which answers are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reward/answer.h"
#include "support/heap.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct example {
    const char *text, *normal;
} example;

static void expect_all(const example *cases, size_t n, reason_answer_kind kind) {
    for (size_t i = 0; i < n; i++) {
        char *normal;
        assert_int_equal(reason_answer_normalize(cases[i].text, -1, kind, &normal),
                         REASON_OK);
        if (strcmp(normal, cases[i].normal) != 0)
            fail_msg("%s: %s found, %s expected", cases[i].text, normal, cases[i].normal);
        reason_free(normal);
    }
}

static void test_reward_answer__auto(void **state) {
    (void)state;
    static const example cases[] = {
        {"42", "42"},
        {" 42.\n", "42"},
        {"-0", "0"},
        {"+7", "7"},
        {"007", "7"},
        {"1,234,567", "1234567"},
        {"1,23", "1,23"},
        {"0.50", "1/2"},
        {".5", "1/2"},
        {"2/4", "1/2"},
        {"-2/4", "-1/2"},
        {"2/0", "2/0"},
        {"3.0", "3"},
        {"1e3", "1e3"},
        {"the  cat\n sat.", "the cat sat"},
        {"Paris", "Paris"},
        {"So the answer is 12.\nDone", "12"},
        {"answer: 3\nNo, the answer is: 1/2", "1/2"},
        {"12 * 3 = 36\n#### 36", "36"},
        {"x \\boxed{5} then \\boxed{ 6 }", "6"},
        {"\\boxed{\\frac{3}{6}}", "1/2"},
        {"\\boxed{-\\dfrac{1}{4}}", "-1/4"},
        {"\\boxed{\\text{yes}}", "yes"},
        {"\\boxed{50\\%}", "50"},
        {"\\boxed{\\$1,000}", "1000"},
        {"\\boxed{x^{2} + 1}", "x^{2}+1"},
        {"\\boxed{\\frac{x}{2}}", "\\frac{x}{2}"},
        {"\\boxed{unclosed", "unclosed"},
        {"\\boxed{}", ""},
        {"", ""},
        {" \n", ""},
        {"...", ""},
        {"18446744073709551615", "18446744073709551615"},
        {"0018446744073709551616.250", "18446744073709551616.25"},
        {"-18446744073709551616", "-18446744073709551616"},
        {"0.00000000000000000000001", "0.00000000000000000000001"},
    };
    expect_all(cases, COUNT(cases), REASON_ANSWER_AUTO);
}

static void test_reward_answer__exact(void **state) {
    (void)state;
    static const example cases[] = {
        {" a  b\tc\n", "a b c"}, {"42.", "42."}, {"007", "007"}, {"", ""}, {"\n", ""},
    };
    expect_all(cases, COUNT(cases), REASON_ANSWER_EXACT);
}

static void test_reward_answer__number(void **state) {
    (void)state;
    static const example cases[] = {
        {"It is 3, or 4.", "4"},
        {"x2 and 5 apples", "5"},
        {"no number", ""},
        {"about -7/14 of it", "-1/2"},
        {"(3)-4", "4"},
        {"3 - 4", "4"},
        {"is -4", "-4"},
        {"at 1,000,000 m", "1000000"},
        {"pi is 3.14.", "157/50"},
        {"1/0", "0"},
        {"", ""},
        {"12 and 7/", "7"},
        {"-", ""},
    };
    expect_all(cases, COUNT(cases), REASON_ANSWER_NUMBER);
}

static void test_reward_answer__boxed(void **state) {
    (void)state;
    static const example cases[] = {
        {"the answer is 5", ""},
        {"\\boxed{5}", "5"},
        {"\\boxed{{5}}", "5"},
        {"\\boxed{\\left( 1, 2 \\right)}", "(1,2)"},
        {"\\boxed{a{b}c} d}", "a{b}c"},
    };
    expect_all(cases, COUNT(cases), REASON_ANSWER_BOXED);
}

static void test_reward_answer__choice(void **state) {
    (void)state;
    static const example cases[] = {
        {"B", "B"},
        {"B.", "B"},
        {"(C)", "C"},
        {"A dog is (D), not (E).", "E"},
        {"A dog", ""},
        {"The answer is C because A is wrong", "C"},
        {"Answer: J", "J"},
        {"K", ""},
        {"\\boxed{D} but (A)", "D"},
        {"\\boxed{\\text{E}}", "E"},
        {"", ""},
        {"CAB", ""},
    };
    expect_all(cases, COUNT(cases), REASON_ANSWER_CHOICE);
}

static void test_reward_answer__check(void **state) {
    (void)state;
    static const struct {
        const char *text, *gold;
        reason_answer_kind kind;
        bool right;
    } cases[] = {
        {"It makes \\boxed{0.5}.", "\\frac{1}{2}", REASON_ANSWER_BOXED, true},
        {"It makes 0.5.", "1/2", REASON_ANSWER_BOXED, false},
        {"It makes 0.5.", "1/2", REASON_ANSWER_NUMBER, true},
        {"", "", REASON_ANSWER_EXACT, false},
        {"(B)", "B", REASON_ANSWER_CHOICE, true},
        {"4332", "4,332", REASON_ANSWER_AUTO, true},
        {"4332", "4333", REASON_ANSWER_AUTO, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool right = !cases[i].right;
        assert_int_equal(reason_answer_check(cases[i].text, cases[i].gold, cases[i].kind,
                                             &right),
                         REASON_OK);
        assert_int_equal(right, cases[i].right);
    }
}

/* Whatever the bytes, and a normal form of words stays as it is. */
static void test_reward_answer__any_bytes(void **state) {
    (void)state;
    static const char PARTS[] = "\\boxed{}frac/0123,.-+ \nanswer isABC$%()\xC3\xA9";
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        size_t n = 0;
        for (; n < sizeof text; n++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            text[n] = PARTS[(seed >> 33) % (sizeof PARTS - 1)];
        }
        for (int kind = 0; kind <= REASON_ANSWER_CHOICE; kind++) {
            char *exact = malloc(n); /* for sanitizers: nothing is read behind it */
            char *normal;
            memcpy(exact, text, n);
            assert_int_equal(reason_answer_normalize(exact, (int64_t)n,
                                                     (reason_answer_kind)kind, &normal),
                             REASON_OK);
            assert_true(strlen(normal) <= 2 * n);
            reason_free(normal);
            free(exact);
        }
    }
}

static void test_reward_answer__what_is_refused(void **state) {
    (void)state;
    char *normal;
    bool right;
    assert_int_equal(reason_answer_normalize(NULL, -1, REASON_ANSWER_AUTO, &normal),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_normalize("", -1, REASON_ANSWER_AUTO, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_normalize("", -2, REASON_ANSWER_AUTO, &normal),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_normalize("", -1, (reason_answer_kind)5, &normal),
                     REASON_ERR_INVALID_ARG);
    assert_null(normal);
    assert_int_equal(reason_answer_check(NULL, "", REASON_ANSWER_AUTO, &right),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_check("", NULL, REASON_ANSWER_AUTO, &right),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_check("", "", REASON_ANSWER_AUTO, NULL),
                     REASON_ERR_INVALID_ARG);
    assert_int_equal(reason_answer_check("", "", (reason_answer_kind)-1, &right),
                     REASON_ERR_INVALID_ARG);
}

static void test_reward_answer__every_allocation_may_fail(void **state) {
    (void)state;
    static const char TEXT[] = "so \\boxed{-\\frac{3}{6}}";
    reason_status status = REASON_ERR_NO_MEMORY;
    size_t fail_at = 1;
    for (; status == REASON_ERR_NO_MEMORY; fail_at++) {
        counted_heap heap;
        char *normal;
        heap_begin(&heap, fail_at, true);
        status = reason_answer_normalize(TEXT, -1, REASON_ANSWER_AUTO, &normal);
        assert_int_equal(normal != NULL, status == REASON_OK);
        reason_free(normal);
        assert_int_equal(heap.alive, 0);
        heap_end();
    }
    assert_int_equal(status, REASON_OK);
    assert_true(fail_at > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_answer__auto),
        cmocka_unit_test(test_reward_answer__exact),
        cmocka_unit_test(test_reward_answer__number),
        cmocka_unit_test(test_reward_answer__boxed),
        cmocka_unit_test(test_reward_answer__choice),
        cmocka_unit_test(test_reward_answer__check),
        cmocka_unit_test(test_reward_answer__any_bytes),
        cmocka_unit_test(test_reward_answer__what_is_refused),
        cmocka_unit_test(test_reward_answer__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("reward_answer", tests, NULL, NULL);
}
