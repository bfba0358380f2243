/* Verdicts in text: each rule, and random text against trying every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "reward/verdict.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const MARKS[] = {"\\boxed{Assistant 1}", "\\boxed{Assistant 2}"};

static int verdict(const char *text) {
    return rsn_verdict_of((rsn_text){text, strlen(text)}, MARKS);
}

static void test_reward_verdict__pairs(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int wanted;
    } cases[] = {
        {"", -1},
        {"Assistant 1", -1},
        {"\\boxed{Assistant 3}", -1},
        {"\\boxed{Assistant 1", -1},
        {"\\boxed{Assistant 12}", -1},
        {"\\boxed{Assistant 1}", 0},
        {"so \\boxed{Assistant 2}.", 1},
        {"\\BOXED{assistant 1}", 0},
        {"\\boxed{ Assistant\n2 }", 1},
        {"\\boxed{Assistant1}", 0},
        {"\\boxed{Assistant 1} ... no, \\boxed{Assistant 2}", 1},
        {"\\boxed{Assistant 2} ... no, \\boxed{Assistant 1} \\boxed{Assistant}", 0},
        {"\\boxed{\\boxed{Assistant 2}}", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (verdict(cases[i].text) != cases[i].wanted)
            fail_msg("%s: %d", cases[i].text, verdict(cases[i].text));
    static const char *const nested[] = {"A", "AB"};
    assert_int_equal(rsn_verdict_of((rsn_text){"xAB", 3}, nested), 1);
    assert_int_equal(rsn_verdict_of((rsn_text){"xABxA", 5}, nested), 0);
    assert_int_equal(rsn_verdict_of((rsn_text){"xA", 2}, nested), 0);
}

/* Without white space, in small letters, the last of all finds. */
static int slow_verdict(const char *text) {
    char clean[256];
    size_t n = 0;
    for (; *text; text++)
        if (!strchr(" \n\t\r", *text))
            clean[n++] = (char)tolower((unsigned char)*text);
    clean[n] = 0;
    int last = -1;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(clean + i, "\\boxed{assistant1}", 18) == 0)
            last = 0;
        if (strncmp(clean + i, "\\boxed{assistant2}", 18) == 0)
            last = 1;
    }
    return last;
}

static void test_reward_verdict__random(void **state) {
    (void)state;
    static const char *const parts[] = {"\\boxed{", "Assistant", " ", "1", "2", "}", "\n",
                                        "\\boxed{Assistant ", "aSSistant 1}", "x"};
    size_t found[3] = {0};
    for (uint64_t round = 0; round < 20000; round++) {
        char text[256] = "";
        size_t n = (size_t)(rsn_rng_uniform(round, 0, 0, 0) * 12);
        for (size_t i = 0; i < n; i++)
            strcat(text, parts[(size_t)(rsn_rng_uniform(round, 1, i, 0) * COUNT(parts))]);
        assert_int_equal(verdict(text), slow_verdict(text));
        found[verdict(text) + 1]++;
    }
    assert_true(found[0] > 1000 && found[1] > 500 && found[2] > 100);
}

static void test_reward_verdict__scores(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double wanted; /* 0: none */
    } cases[] = {
        {"\\boxed{7}", 7},         {"\\boxed{ 10 }.", 10}, {"\\boxed{7.5}", 7.5},
        {"\\boxed{11}", 0},        {"\\boxed{0}", 0},      {"\\boxed{-3}", 0},
        {"7", 0},                  {"", 0},                {"\\boxed{seven}", 0},
        {"\\boxed{8/10}", 0},      {"\\boxed{}", 0},       {"\\boxed{3} and \\boxed{4}", 4},
        {"\\boxed{3} \\boxed{x}", 0}, {"\\boxed{1e300}", 0}, {"\\boxed{nan}", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const rsn_text text = {cases[i].text, strlen(cases[i].text)};
        double value = rsn_verdict_score(text, 1, 10);
        if (cases[i].wanted == 0 ? !isnan(value) : value != cases[i].wanted)
            fail_msg("%s: %g", cases[i].text, value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_verdict__pairs),
        cmocka_unit_test(test_reward_verdict__random),
        cmocka_unit_test(test_reward_verdict__scores),
    };
    return cmocka_run_group_tests_name("reward_verdict", tests, NULL, NULL);
}
