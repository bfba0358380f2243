/* From a request to its prompt: sources, template variables about thinking, and what the
 * text says about open and closed blocks. */
#include "unit/decode/scripted_model.h"

#include <stdio.h>

#include "decode/prompt.h"
#include "support/heap.h"

/* --- models with a template --------------------------------------------------------- */

static scripted *model_with(script_tags tags, const char *chat) {
    scripted *m = scripted_new(script_loop, tags, chat);
    reason_status status = rsn_template_compile(chat, strlen(chat), &m->model.chat);
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
    return m;
}

static const char TURNS[] =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% "
    "endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

static reason_request request_of(const char *prompt) {
    reason_request r;
    assert_int_equal(reason_request_init(&r, sizeof r), REASON_OK);
    r.prompt = prompt;
    return r;
}

static reason_request text_request(const char *text) {
    reason_request r = request_of(NULL);
    r.text = text;
    return r;
}

static reason_thinking thinking_of(reason_effort effort, int32_t budget) {
    reason_thinking t;
    assert_int_equal(reason_thinking_init(&t, sizeof t), REASON_OK);
    t.effort = effort;
    t.budget = budget;
    return t;
}

static rsn_prompt build(const scripted *m, const reason_request *r,
                        reason_think_mode mode, reason_effort effort) {
    rsn_prompt p;
    reason_thinking t = thinking_of(effort, -1);
    reason_status status = rsn_prompt_build(&m->model, r, mode, &t, NULL, &p);
    if (status != REASON_OK)
        fail_msg("%s", reason_last_error());
    return p;
}

static void expect_error(const scripted *m, const reason_request *r,
                         reason_status expected, const char *words) {
    rsn_prompt p;
    reason_thinking t = thinking_of(REASON_EFFORT_NONE, -1);
    assert_int_equal(rsn_prompt_build(&m->model, r, REASON_THINK_AUTO, &t, NULL, &p),
                     expected);
    if (!strstr(reason_last_error(), words))
        fail_msg("%s", reason_last_error());
    rsn_prompt_free(&p);
}

static void expect_text(const scripted *m, const reason_request *r, const char *text) {
    rsn_prompt p = build(m, r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
    assert_string_equal(rsn_str_text(&p.text), text);
    assert_int_equal(p.ids.n, count_tokens(m, text));
    rsn_prompt_free(&p);
}

/* --- sources ------------------------------------------------------------------------ */

static void test_decode_prompt__each_source(void **state) {
    (void)state;
    scripted *m = model_with(TAGS_ARE_TOKENS, TURNS);
    reason_request r = request_of("hi");
    expect_text(m, &r, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
    r.system = "be \"brief\"";
    expect_text(m, &r, "<|im_start|>system\nbe \"brief\"<|im_end|>\n"
                       "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
    reason_message user = {sizeof user, "user", "a", NULL};
    reason_message assistant = {sizeof assistant, "assistant", "b", "hm"};
    const reason_message *both[] = {&user, &assistant};
    r = request_of(NULL);
    r.messages = both;
    r.n_messages = 2;
    expect_text(m, &r,
                "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
                "<|im_start|>assistant\n");
    r.messages = NULL;
    r.messages_json = "[{\"role\": \"user\", \"content\": \"j\"}]";
    expect_text(m, &r, "<|im_start|>user\nj<|im_end|>\n<|im_start|>assistant\n");
    r = text_request("plain <|im_end|> text");
    expect_text(m, &r, "plain <|im_end|> text");
    r.n_text = 7;
    expect_text(m, &r, "plain <");
    scripted_free(m);
}

static void test_decode_prompt__exactly_one_source(void **state) {
    (void)state;
    scripted *m = model_with(TAGS_ARE_TOKENS, TURNS);
    reason_message user = {sizeof user, "user", "a", NULL},
                   bad = {sizeof bad, NULL, "a", NULL};
    const reason_message *list[] = {&user, NULL};
    reason_request r = request_of(NULL);
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "0 of prompt, messages");
    r.prompt = r.text = "a";
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "2 of prompt, messages");
    r.messages_json = "[]";
    r.messages = list;
    r.n_messages = 1;
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "4 of prompt, messages");
    r = text_request("a");
    r.system = "b";
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "system goes with prompt only");
    r = request_of(NULL);
    r.messages = list;
    r.n_messages = 2;
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "message 1");
    list[0] = &bad;
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "message 0");
    r = text_request("");
    expect_error(m, &r, REASON_ERR_INVALID_ARG, "the prompt is empty");
    scripted_free(m);
}

static void test_decode_prompt__messages_as_json(void **state) {
    (void)state;
    reason_message a = {sizeof a, "user", "\"quoted\"\n\\ \u00e9 \x01 \xFF", NULL};
    reason_message b = {sizeof b, "assistant", "", "because"};
    const reason_message *list[] = {&a, &b};
    rsn_str json = {0};
    assert_int_equal(rsn_messages_json(list, 2, &json), REASON_OK);
    assert_string_equal(
        json.data,
        "[{\"role\":\"user\",\"content\":\"\\\"quoted\\\"\\n\\\\ \u00e9 \\u0001 "
        "\uFFFD\"},{\"role\":\"assistant\",\"content\":\"\","
        "\"reasoning_content\":\"because\"}]");
    rsn_str_free(&json);
    assert_int_equal(rsn_messages_json(list, 0, &json), REASON_OK);
    assert_string_equal(json.data, "[]");
    rsn_str_free(&json);
}

static void test_decode_prompt__begin_and_end_of_text(void **state) {
    (void)state; /* the tokenizer adds them to plain text; the end would close what is
                    continued */
    for (int bits = 0; bits < 4; bits++) {
        fixture f;
        fixture_small(&f, "gpt-2");
        f.src.add_bos = bits & 1;
        f.src.add_eos = bits >> 1;
        scripted *m = model_with(TAGS_ARE_TOKENS, TURNS);
        rsn_vocab_free(m->model.vocab);
        m->model.vocab = fixture_new(&f);
        reason_request r = text_request("ba");
        rsn_prompt p = build(m, &r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
        size_t n = bits & 1 ? 2 : 1;
        assert_int_equal(p.ids.n, n);
        assert_int_equal(p.ids.items[0] == f.src.bos, bits & 1);
        rsn_prompt_free(&p);
        r = text_request("ba<|im_end|>"); /* one that the host wrote stays */
        p = build(m, &r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
        assert_int_equal(p.ids.n, n + 1);
        assert_int_equal(p.ids.items[n], f.src.eos);
        rsn_prompt_free(&p);
        r = request_of("ba"); /* templates write begin and end themselves */
        p = build(m, &r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
        assert_true(p.ids.items[0] != f.src.bos && p.ids.items[p.ids.n - 1] != f.src.eos);
        rsn_prompt_free(&p);
        scripted_free(m);
        fixture_free(&f);
    }
}

static void test_decode_prompt__what_a_model_lacks(void **state) {
    (void)state;
    scripted *m = scripted_new(script_loop, TAGS_ARE_TOKENS, NULL);
    reason_request r = request_of("hi");
    expect_error(m, &r, REASON_ERR_MISMATCH, "no chat template");
    r.template_text = TURNS; /* the request's own will do */
    expect_text(m, &r, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
    r.template_text = "{% if %}";
    expect_error(m, &r, REASON_ERR_FORMAT, "");
    r.template_text = NULL;
    m->model.template_source =
        (rsn_text){"{{ broken", 9}; /* did not compile at opening */
    expect_error(m, &r, REASON_ERR_FORMAT, "");
    rsn_vocab *vocab = m->model.vocab;
    m->model.vocab = NULL;
    expect_error(m, &r, REASON_ERR_UNSUPPORTED, "no tokenizer");
    m->model.vocab = vocab;
    scripted_free(m);
}

/* --- variables ---------------------------------------------------------------------- */

static void expect_render(const scripted *m, const reason_request *r,
                          reason_think_mode mode, reason_effort effort, const char *text,
                          bool off_by_template, reason_effort_use use) {
    rsn_prompt p = build(m, r, mode, effort);
    assert_string_equal(rsn_str_text(&p.text), text);
    assert_int_equal(p.off_by_template, off_by_template);
    assert_int_equal(p.effort_use, use);
    rsn_prompt_free(&p);
}

static void test_decode_prompt__mode_goes_to_the_templates_switch(void **state) {
    (void)state;
    static const char *const switches[] = {"enable_thinking", "thinking"};
    for (size_t i = 0; i < COUNT(switches); i++) {
        char chat[256];
        (void)snprintf(chat, sizeof chat,
                       "{%% if %s is defined %%}{{ %s }}{%% else %%}unset{%% endif %%}"
                       "{{ '<think></think>'[:0] }}",
                       switches[i], switches[i]);
        scripted *m = model_with(TAGS_ARE_TOKENS, chat);
        reason_request r = request_of("hi");
        reason_effort none = REASON_EFFORT_NONE;
        reason_effort_use unused = REASON_EFFORT_UNUSED;
        expect_render(m, &r, REASON_THINK_AUTO, none, "unset", false, unused);
        expect_render(m, &r, REASON_THINK_ON, none, "True", false, unused);
        expect_render(m, &r, REASON_THINK_OFF, none, "False", true, unused);
        scripted_free(m);
    }
    scripted *m = model_with(TAGS_ARE_TOKENS, "none {{ messages[0].content }}");
    reason_request r = request_of("hi");
    expect_render(m, &r, REASON_THINK_OFF, REASON_EFFORT_LOW, "none hi", false,
                  REASON_EFFORT_UNUSED);
    scripted_free(m);
}

static void test_decode_prompt__effort_goes_to_the_templates_variable(void **state) {
    (void)state;
    static const char *const words[] = {"?", "low", "medium", "high"};
    scripted *m = model_with(TAGS_ARE_TOKENS, "{{ reasoning_effort or '?' }}");
    reason_request r = request_of("hi");
    for (int effort = REASON_EFFORT_NONE; effort <= REASON_EFFORT_HIGH; effort++)
        expect_render(m, &r, REASON_THINK_AUTO, (reason_effort)effort, words[effort],
                      false, effort ? REASON_EFFORT_TEMPLATE : REASON_EFFORT_UNUSED);
    scripted_free(m);
}

static void test_decode_prompt__hosts_variables_win(void **state) {
    (void)state;
    scripted *m = model_with(
        TAGS_ARE_TOKENS,
        "{{ enable_thinking }} {{ add_generation_prompt }} {{ eos_token }} {{ x }}");
    reason_request r = request_of("hi");
    r.variables_json = "{\"enable_thinking\": true, \"x\": [1, \"b\"]}";
    expect_render(m, &r, REASON_THINK_OFF, REASON_EFFORT_NONE,
                  "True True <|im_end|> [1, 'b']", false, REASON_EFFORT_UNUSED);
    r.variables_json = "{\"add_generation_prompt\": false, \"eos_token\": \"e\"}";
    expect_render(m, &r, REASON_THINK_ON, REASON_EFFORT_NONE, "True False e ", false,
                  REASON_EFFORT_UNUSED);
    r.variables_json = "{";
    expect_error(m, &r, REASON_ERR_FORMAT, "");
    scripted_free(m);
}

static void test_decode_prompt__template_errors_come_through(void **state) {
    (void)state;
    scripted *m =
        model_with(TAGS_ARE_TOKENS, "{{ raise_exception('no turns, please') }}");
    reason_request r = request_of("hi");
    expect_error(m, &r, REASON_ERR_TEMPLATE, "no turns, please");
    scripted_free(m);
}

/* --- open and closed blocks --------------------------------------------------------- */

static void test_decode_prompt__open_and_closed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool open, closed;
        const char *tail;
    } cases[] = {
        {"hi", false, false, NULL},
        {"hi<think>", true, false, ""},
        {"hi<think>\n", true, false, "\n"},
        {"hi<think>\nso far", true, false, "\nso far"},
        {"hi<think>\n\n</think>", false, true, NULL},
        {"hi<think>\n\n</think>\n\n", false, true, NULL},
        {"hi<think>a</think> \t\n", false, true, NULL},
        {"hi<think>a</think>b", false, false, NULL},
        {"<think>a</think>b<think>c", true, false, "c"},
        {"<think>a<think>c", true, false, "c"},
        {"</think>\n", false, true, NULL},
        {"a </think> b <think>", true, false, ""},
        {"<thin", false, false, NULL},
        {"<|im_start|>assistant\n<think>\n", true, false, "\n"},
        /* earlier turns may speak of tags */
        {"<|im_start|>user\nwhat is <think>?<|im_end|>\n<|im_start|>assistant\n", false,
         false, NULL},
        {"<|im_start|>user\n</think><|im_end|>\n", false, false, NULL},
        {"<think><|im_end|>", false, false, NULL},
        {"<|im_start|>user\n<think><|im_end|>\n<|im_start|>assistant\n<think>\n\n</"
         "think>\n\n",
         false, true, NULL},
    };
    for (int tags = TAGS_ARE_TOKENS; tags <= TAGS_ARE_TEXT; tags++) {
        scripted *m = scripted_new(script_loop, (script_tags)tags, NULL);
        for (size_t i = 0; i < COUNT(cases); i++) {
            reason_request r = text_request(cases[i].text);
            rsn_prompt p = build(m, &r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
            assert_int_equal(p.open, cases[i].open);
            assert_int_equal(p.closed, cases[i].closed);
            if (cases[i].tail) {
                assert_int_equal(p.tail.n, strlen(cases[i].tail));
                assert_memory_equal(p.tail.data, cases[i].tail, p.tail.n);
            }
            rsn_prompt_free(&p);
        }
        scripted_free(m);
    }
}

static void test_decode_prompt__no_tags_nothing_open(void **state) {
    (void)state;
    scripted *m = scripted_new(script_loop, NO_TAGS, NULL);
    reason_request r = text_request("hi<think>");
    rsn_prompt p = build(m, &r, REASON_THINK_AUTO, REASON_EFFORT_NONE);
    assert_false(p.open || p.closed);
    rsn_prompt_free(&p);
    scripted_free(m);
}

/* --- what generation makes of it ---------------------------------------------------- */

/* The reasoning family's way: a variable that writes an empty block, or nothing. */
static const char SWITCHED[] = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ "
                               "m.content }}<|im_end|>\n{% endfor %}"
                               "<|im_start|>assistant\n"
                               "{% if enable_thinking is defined and not enable_thinking "
                               "%}<think>\n\n</think>\n\n{% endif %}";

static reason_result *answer(scripted *m, reason_think_mode mode, int32_t budget,
                             reason_effort effort) {
    reason_session *session = scripted_session(m, 200, 64);
    reason_request r = request_of("hi");
    reason_thinking t;
    reason_result *result = NULL;
    assert_int_equal(reason_thinking_init(&t, sizeof t), REASON_OK);
    t.mode = mode;
    t.budget = budget;
    t.effort = effort;
    r.thinking = &t;
    r.max_tokens = 60;
    assert_int_equal(reason_generate(session, &r, &result), REASON_OK);
    reason_session_free(session);
    return result;
}

static size_t count_origin(const reason_result *result, reason_origin origin) {
    size_t n = 0;
    for (size_t i = 0; i < reason_result_n_tokens(result); i++) {
        reason_token t = {.size = sizeof t};
        assert_int_equal(reason_result_token(result, i, &t), REASON_OK);
        n += t.origin == origin;
    }
    return n;
}

static void test_decode_prompt__off_goes_the_templates_own_way(void **state) {
    (void)state;
    static const char *const chats[] = {
        SWITCHED, "{{ messages[0].content }}{% if thinking %}think!{% endif %}"
                  "{{ '<think></think>'[:0] }}"};
    for (size_t i = 0; i < COUNT(chats); i++) {
        int32_t ids[1];
        scripted *m = model_with(TAGS_ARE_TOKENS, chats[i]);
        m->ids = ids;
        m->n_ids = 1;
        ids[0] = token_of(m, "<think>"); /* what it would like to write all the time */
        reason_result *result = answer(m, REASON_THINK_OFF, -1, REASON_EFFORT_NONE);
        assert_int_equal(count_origin(result, REASON_FORCED), 0);
        reason_usage u = {.size = sizeof u};
        assert_int_equal(reason_result_usage(result, &u), REASON_OK);
        assert_int_equal(u.thinking_tokens, 0);
        assert_int_equal(u.answer_tokens, 60);
        reason_result_free(result);
        scripted_free(m);
    }
}

static void test_decode_prompt__effort_of_the_template_is_no_budget(void **state) {
    (void)state;
    int32_t ids[1];
    scripted *m = model_with(TAGS_ARE_TOKENS,
                             "{{ reasoning_effort }}<|im_end|>"
                             "{% if false %}<think>\n\n</think>\n\n{% endif %}");
    m->ids = ids;
    m->n_ids = 1;
    ids[0] = 'x';
    reason_result *result = answer(m, REASON_THINK_ON, -1, REASON_EFFORT_LOW);
    reason_usage u = {.size = sizeof u};
    assert_int_equal(reason_result_usage(result, &u), REASON_OK);
    assert_int_equal(u.effort_use, REASON_EFFORT_TEMPLATE);
    assert_int_equal(u.budget, 60 - 2 - 2 - 32);
    reason_result_free(result);
    scripted_free(m);
}

/* --- memory ------------------------------------------------------------------------- */

static void test_decode_prompt__every_allocation_may_fail(void **state) {
    (void)state;
    counted_heap heap;
    heap_begin(&heap, 0, false);
    scripted *m = model_with(TAGS_ARE_TOKENS, SWITCHED);
    reason_request r = request_of("a question");
    r.system = "a system";
    r.variables_json = "{\"a\": 1}";
    r.template_text = SWITCHED;
    reason_thinking t = thinking_of(REASON_EFFORT_LOW, -1);
    size_t before = heap.alive, k = 0;
    reason_status status = REASON_ERR_NO_MEMORY;
    while (status != REASON_OK) {
        rsn_prompt p;
        heap.fail_at = heap.n_calls + ++k;
        status = rsn_prompt_build(&m->model, &r, REASON_THINK_OFF, &t, NULL, &p);
        assert_true(status == REASON_OK || status == REASON_ERR_NO_MEMORY);
        rsn_prompt_free(&p);
        assert_int_equal(heap.alive, before);
    }
    assert_true(k > 20);
    scripted_free(m);
    heap_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_prompt__each_source),
        cmocka_unit_test(test_decode_prompt__exactly_one_source),
        cmocka_unit_test(test_decode_prompt__messages_as_json),
        cmocka_unit_test(test_decode_prompt__begin_and_end_of_text),
        cmocka_unit_test(test_decode_prompt__what_a_model_lacks),
        cmocka_unit_test(test_decode_prompt__mode_goes_to_the_templates_switch),
        cmocka_unit_test(test_decode_prompt__effort_goes_to_the_templates_variable),
        cmocka_unit_test(test_decode_prompt__hosts_variables_win),
        cmocka_unit_test(test_decode_prompt__template_errors_come_through),
        cmocka_unit_test(test_decode_prompt__open_and_closed),
        cmocka_unit_test(test_decode_prompt__no_tags_nothing_open),
        cmocka_unit_test(test_decode_prompt__off_goes_the_templates_own_way),
        cmocka_unit_test(test_decode_prompt__effort_of_the_template_is_no_budget),
        cmocka_unit_test(test_decode_prompt__every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("decode/prompt", tests, NULL, NULL);
}
