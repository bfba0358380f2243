/* The arithmetic before the first token, seen in generations of a scripted model:
 * budgets, room, effort, and which numbers are refused. */
#include "unit/decode/ask.h"

/* --- budgets ------------------------------------------------------------------------ */

/* Hostile case 27. */
static void test_decode_rules__model_that_never_closes(void **state) {
    (void)state;
    static const int32_t budgets[] = {0, 1, 2, 17};
    static const reason_think_mode modes[] = {REASON_THINK_AUTO, REASON_THINK_ON};
    int32_t ids[8];
    for (int tags = TAGS_ARE_TOKENS; tags <= TAGS_ARE_TEXT; tags++) {
        scripted *m = scripted_new(script_loop, (script_tags)tags, NULL);
        SCRIPT(m, ids, "a", " the", "b", "\n");
        for (size_t i = 0; i < COUNT(budgets) * COUNT(modes); i++) {
            ask a;
            ask_begin(&a, m, i % 3 ? "q<think>\n" : "q<think>", 100);
            a.thinking.budget = budgets[i % COUNT(budgets)];
            a.thinking.mode = modes[i / COUNT(budgets)];
            ask_ok(&a);
            uint64_t budget = (uint64_t)a.thinking.budget,
                     thought = usage_of(&a).thinking_tokens;
            assert_true(thought <= budget && (budget < 2 || thought == budget));
            assert_true(usage_of(&a).answer_tokens >= 4);
            expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_LENGTH);
            ask_end(&a);
        }
        scripted_free(m);
    }
}

/* Hostile case 28. */
static void test_decode_rules__model_that_opens_a_second_block(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "<think>", "a", "b", "</think>", "<think>", "c", "d", "e", "f", "g",
           "h");
    ask a;
    ask_begin(&a, m, "hi", 100);
    a.thinking.budget = 3;
    ask_ok(&a);
    expect_labels(&a, "MTTMMTmmAAAM");
    expect_texts(&a, "abc", "fgh");
    expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_EOS);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__budget_zero_beats_on(void **state) {
    (void)state;
    int32_t ids[16];
    scripted *m = scripted_new(script_list, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "a", "b", "c", "d", "x");
    ask a;
    ask_begin(&a, m, "hi", 100);
    a.thinking.budget = 0;
    a.thinking.mode = REASON_THINK_ON;
    ask_ok(&a);
    expect_labels(&a, "mmmmAM");
    expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_EOS);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__budget_is_lowered_to_the_room(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    ask_begin(&a, m, "q<think>\n", 30);
    a.thinking.budget = 1000;
    size_t n_prompt = count_tokens(m, "q<think>\n");
    ask_ok(&a);
    assert_int_equal(usage_of(&a).budget, 30 - n_prompt - 2 - 4);
    assert_int_equal(usage_of(&a).thinking_tokens, usage_of(&a).budget);
    assert_int_equal(usage_of(&a).answer_tokens, 4);
    expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_LENGTH);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__context_full_before_the_first_token(void **state) {
    (void)state; /* prompt 2, closing tag 2, answer 4 */
    static const reason_think_mode modes[] = {REASON_THINK_AUTO, REASON_THINK_ON,
                                              REASON_THINK_OFF};
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    for (size_t i = 0; i < COUNT(modes); i++) {
        ask a;
        ask_begin(&a, m, "hi", 8);
        a.thinking.mode = modes[i];
        ask_ok(&a);
        assert_int_equal(usage_of(&a).answer_tokens, 6);
        assert_int_equal(usage_of(&a).budget, 0);
        ask_end(&a);
        ask_begin(&a, m, "hi", 7);
        a.thinking.mode = modes[i];
        expect_refused(
            &a, REASON_ERR_CONTEXT_FULL,
            "prompt of 2 tokens, 2 of thinking tags, 0 of a chunk and 4 kept for the "
            "answer do not fit the context of 7");
        ask_end(&a);
    }
    ask a;
    ask_begin(&a, m, "a rather long prompt", 20);
    a.thinking.min_answer = 0;
    expect_refused(&a, REASON_ERR_CONTEXT_FULL, "prompt of 20 tokens");
    a.thinking.mode = REASON_THINK_OFF;
    expect_refused(&a, REASON_ERR_CONTEXT_FULL, "prompt of 20 tokens");
    ask_end(&a);
    scripted_free(m);
    m = scripted_new(script_loop, NO_TAGS, NULL);
    ask_begin(&a, m, "a rather long prompt", 20);
    expect_refused(&a, REASON_ERR_CONTEXT_FULL, "prompt of 20 tokens");
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__only_contradictory_numbers_are_invalid(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    ask a;
    ask_begin(&a, m, "hi", 100);
    a.thinking.min_answer = 11;
    a.request.max_tokens = 10;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "min_answer 11 exceeds max_tokens 10");
    static const reason_think_mode modes[] = {REASON_THINK_AUTO, REASON_THINK_ON,
                                              REASON_THINK_OFF};
    for (size_t i = 0; i < COUNT(modes); i++) {
        a.thinking.min_answer = 10; /* no room for any tag, and none is needed */
        a.thinking.mode = modes[i];
        ask_ok(&a);
        expect_labels(&a, "AAAAAAAAAA");
        assert_int_equal(usage_of(&a).budget, 0);
    }
    ask_end(&a);
    ask_begin(&a, m, "q<think>", 100); /* the prompt's block has to be closed */
    a.thinking.min_answer = 9;
    a.request.max_tokens = 10;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "max_tokens 10 cannot hold 3 tokens");
    a.request.max_tokens = 12;
    ask_ok(&a);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__bad_thinking_is_named(void **state) {
    (void)state;
    static const struct {
        const char *words;
        reason_thinking t;
    } cases[] = {
        {"mode 7", {.mode = (reason_think_mode)7, .close_temperature = 1}},
        {"effort -1", {.effort = (reason_effort)-1, .close_temperature = 1}},
        {"budget -2", {.budget = -2, .close_temperature = 1}},
        {"min_tokens -1", {.min_tokens = -1, .close_temperature = 1}},
        {"min_answer -2", {.min_answer = -2, .close_temperature = 1}},
        {"grace -1", {.grace = -1, .close_temperature = 1}},
        {"close_temperature 0", {.close_temperature = 0}},
        {"close_temperature nan", {.close_temperature = NAN}},
        {"close_bias nan", {.close_temperature = 1, .close_bias = NAN}},
        {"wait_text holds", {.close_temperature = 1, .wait_text = "a</think>"}},
        {"close_text holds", {.close_temperature = 1, .close_text = "a <think> b"}},
        {"close_text begins with", {.close_temperature = 1, .close_text = "> so"}},
        {"wait_text begins with", {.close_temperature = 1, .wait_text = "think>"}},
    };
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask a;
        ask_begin(&a, m, "hi", 100);
        a.thinking = cases[i].t;
        a.thinking.size = sizeof a.thinking;
        expect_refused(&a, REASON_ERR_INVALID_ARG, cases[i].words);
        ask_end(&a);
    }
    ask a;
    ask_begin(&a, m, "hi", 100);
    a.request.max_tokens = -1;
    expect_refused(&a, REASON_ERR_INVALID_ARG, "max_tokens -1");
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__budget_without_tags_is_named(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    SCRIPT(m, ids, "<");
    ask a;
    ask_begin(&a, m, "hi", 30);
    a.thinking.budget = 5;
    expect_refused(&a, REASON_ERR_MISMATCH, "no thinking tags");
    a.thinking.budget = 0;
    expect_refused(&a, REASON_ERR_MISMATCH, "no thinking tags");
    a.thinking.budget = -1;
    a.thinking.mode = REASON_THINK_ON;
    expect_refused(&a, REASON_ERR_MISMATCH, "no thinking tags");
    for (int mode = 0; mode < 2; mode++) {
        a.thinking.mode = mode ? REASON_THINK_OFF : REASON_THINK_AUTO;
        ask_ok(&a);
        assert_int_equal(usage_of(&a).answer_tokens, 28);
        assert_int_equal(usage_of(&a).budget, -1);
        assert_true(isnan(reason_result_p_think(a.result)));
    }
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_rules__effort_is_a_share_of_the_room(void **state) {
    (void)state;
    static const int64_t expected[] = {90, 22, 45, 90};
    int32_t ids[4];
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    SCRIPT(m, ids, "x");
    for (int effort = REASON_EFFORT_NONE; effort <= REASON_EFFORT_HIGH; effort++) {
        ask a;
        ask_begin(&a, m, "hi", 200); /* 98 - opening 2 - closing 2 - answer 4 */
        a.request.max_tokens = 98;
        a.thinking.effort = (reason_effort)effort;
        a.thinking.mode = REASON_THINK_ON;
        ask_ok(&a);
        reason_usage u = usage_of(&a);
        assert_int_equal(u.budget, expected[effort]);
        assert_int_equal(u.thinking_tokens, expected[effort]);
        assert_int_equal(u.effort_use,
                         effort ? REASON_EFFORT_BUDGET : REASON_EFFORT_UNUSED);
        a.thinking.budget = 30; /* the smaller of the two */
        ask_ok(&a);
        assert_int_equal(usage_of(&a).budget,
                         expected[effort] < 30 ? expected[effort] : 30);
        ask_end(&a);
    }
    scripted_free(m);
}

/* Gives the model a vocabulary of SentencePiece's, which puts a space before texts. */
static void use_pieces(scripted *m, bool with_tags) {
    fixture f;
    fixture_pieces(&f, "llama", true);
    f.src.add_bos = 0;
    if (!with_tags) /* the last two are the tags */
        f.types[f.src.n_tokens - 1] = f.types[f.src.n_tokens - 2] = 1;
    for (size_t i = 1; i <= 2 && !with_tags; i++)
        memset((char *)(uintptr_t)f.tokens[f.src.n_tokens - i].data, 'q', 3);
    rsn_vocab_free(m->model.vocab);
    m->model.vocab = fixture_new(&f);
    m->model.hp.n_vocab = rsn_vocab_size(m->model.vocab);
    fixture_free(&f);
    assert_true(rsn_vocab_adds_space(m->model.vocab));
    assert_int_equal(rsn_tags_find(m->model.vocab, m->model.template_source, NULL,
                                   &m->model.arena, &m->model.tags),
                     REASON_OK);
    assert_int_equal(rsn_vocab_find(m->model.vocab, "<think>", 7) >= 0, with_tags);
}

/* Text that is forced into an output goes on from what is there: no space is added, be it
 * one token or many. */
static void test_decode_rules__forced_text_gets_no_space(void **state) {
    (void)state;
    int32_t ids[4];
    for (int with_tags = 0; with_tags < 2; with_tags++) {
        scripted *m = scripted_new(script_loop, TAGS_ARE_TEXT, NULL);
        use_pieces(m, with_tags);
        SCRIPT(m, ids, "a");
        ask a;
        ask_begin(&a, m, "b<think>\n", 100);
        a.thinking.budget = 6;
        a.thinking.close_text = "in.";
        a.request.max_tokens = 40;
        ask_ok(&a);
        expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_LENGTH);
        size_t n;
        assert_string_equal(reason_result_thinking(a.result, &n), "aaaain.");
        assert_string_equal(reason_result_answer(a.result, &n) + n - 4, "aaaa");
        assert_int_equal(reason_result_answer(a.result, &n)[0], 'a');
        ask_end(&a);
        ask_begin(&a, m, "b", 100); /* an empty block is spelt as it has to be */
        a.thinking.budget = 0;
        a.request.max_tokens = 60;
        ask_ok(&a);
        assert_string_equal(reason_result_thinking(a.result, &n), "");
        assert_int_equal(reason_result_answer(a.result, &n)[0], 'a');
        assert_int_equal(usage_of(&a).thinking_tokens, 0);
        ask_end(&a);
        scripted_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_rules__model_that_never_closes),
        cmocka_unit_test(test_decode_rules__model_that_opens_a_second_block),
        cmocka_unit_test(test_decode_rules__budget_zero_beats_on),
        cmocka_unit_test(test_decode_rules__budget_is_lowered_to_the_room),
        cmocka_unit_test(test_decode_rules__context_full_before_the_first_token),
        cmocka_unit_test(test_decode_rules__only_contradictory_numbers_are_invalid),
        cmocka_unit_test(test_decode_rules__bad_thinking_is_named),
        cmocka_unit_test(test_decode_rules__budget_without_tags_is_named),
        cmocka_unit_test(test_decode_rules__forced_text_gets_no_space),
        cmocka_unit_test(test_decode_rules__effort_is_a_share_of_the_room),
    };
    return cmocka_run_group_tests_name("decode/rules", tests, NULL, NULL);
}
