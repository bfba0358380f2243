/* Guards of responses whose parts and repetitions are known, or counted the slow way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "reward/guards.h"
#include "support/gguf_build.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int make(void **state) {
    reason_model *model;
    char *path = build_tiny_model("llama", NULL);
    assert_int_equal(reason_model_open(path, NULL, &model), REASON_OK);
    gguf_remove(path); /* it is mapped */
    *state = model;
    return 0;
}

static int drop(void **state) {
    reason_model_free(*state);
    return 0;
}

static rsn_guards look(const rsn_model *model, const char *text, size_t n, bool open) {
    rsn_guards g;
    assert_int_equal(rsn_guards_look(model, (rsn_text){text, n}, open, &g), REASON_OK);
    return g;
}

static void test_guards__parts(void **state) {
    const rsn_model *model = *state;
    static const struct {
        const char *text;
        bool open;
        size_t n_thinking, n_answer, n_control; /* a token a byte */
        bool closed, has_answer;
    } rows[] = {
        {"7", false, 0, 1, 0, true, true},
        {"", false, 0, 0, 0, true, false},
        {" \n", false, 0, 2, 0, true, false},
        {"<think>xyz</think>7", false, 3, 1, 0, true, true},
        {"<think>xyz</think> \n", false, 3, 2, 0, true, false},
        {"<think>xyz", false, 3, 0, 0, false, false},
        {"xyz</think>77", false, 3, 2, 0, true, true},
        {"xyz</think>77", true, 3, 2, 0, true, true},
        {"xyz", true, 3, 0, 0, false, false},
        {"7<|im_end|>8", false, 0, 3, 1, true, true},
        {"<|im_start|><think>x</think>7", false, 1, 1, 1, true, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rsn_guards g = look(model, rows[i].text, strlen(rows[i].text), rows[i].open);
        assert_int_equal(g.n_bytes, strlen(rows[i].text));
        assert_int_equal(g.n_thinking, rows[i].n_thinking);
        assert_int_equal(g.n_answer, rows[i].n_answer);
        assert_int_equal(g.n_control, rows[i].n_control);
        assert_int_equal(g.closed, rows[i].closed);
        assert_int_equal(g.has_answer, rows[i].has_answer);
    }
}

static void test_guards__repetition(void **state) {
    const rsn_model *model = *state;
    assert_true(look(model, "xyz", 3, false).repeated == 0);
    assert_true(look(model, "xyzw", 4, false).repeated == 0);
    assert_true(look(model, "zzzzz", 5, false).repeated == 0.5);
    srand(1);
    for (size_t n = 4; n < 400; n += 13) {
        char text[400];
        for (size_t i = 0; i < n; i++)
            text[i] = "xyz"[rand() % 3];
        size_t different = 0, runs = n - 3;
        for (size_t i = 0; i < runs; i++) {
            size_t j = 0;
            while (j < i && memcmp(text + i, text + j, 4) != 0)
                j++;
            different += j == i;
        }
        rsn_guards g = look(model, text, n, false);
        assert_int_equal(g.n_tokens, n);
        assert_true(g.repeated == 1 - (double)different / (double)runs);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guards__parts),
        cmocka_unit_test(test_guards__repetition),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
