/* Families of reasoning models, from prompt to result: what a template makes of each
 * mode, what is forced then, and that wrappers, headers and closing tags of several parts
 * are called what they are. Random generations of families are in
 * test_generate_random.c. */
#include "unit/decode/ask.h"

#include "decode/rules.h"

#define AUTO REASON_THINK_AUTO
#define ON REASON_THINK_ON
#define OFF REASON_THINK_OFF

/* --- the start of a generation ------------------------------------------------------ */

/* What a prompt in a mode must lead to. */
typedef struct start_state {
    const char *name; /* of a family, or of a published template */
    reason_think_mode mode;
    const char *ends;    /* what the prompt ends with */
    const char *forced;  /* what comes behind it, all of it MARKUP */
    bool opens;          /* then the model is inside of a block */
} start_state;

#define SEED_REST                                                                        \
    "The current thinking budget is 0, so I will directly start answering the "         \
    "question.</seed:cot_budget_reflect>\n</seed:think>\n"

static const start_state OWN[] = {
    {"harmony", AUTO, "<|end|><|start|>assistant", "", false},
    {"harmony", ON, "<|start|>assistant", "<|channel|>analysis<|message|>", true},
    {"harmony", OFF, "<|start|>assistant", "<|channel|>final<|message|>", false},
    {"seed-oss", AUTO, "assistant\n", "", false},
    {"seed-oss", ON, "assistant\n", "<seed:think>\n", true},
    {"seed-oss", OFF, "<seed:think><seed:cot_budget_reflect>", SEED_REST, false},
    {"mistral", AUTO, "[/INST]", "", false},
    {"mistral", ON, "[/INST]", "[THINK]", true},
    {"mistral", OFF, "[/INST]", "[THINK][/THINK]", false},
    {"gemma-4", AUTO, "model\n<|channel>thought\n<channel|>", "", false},
    {"gemma-4", ON, "<|turn>model\n", "<|channel>thought\n", true},
    {"gemma-4", OFF, "model\n<|channel>thought\n<channel|>", "", false},
    {"exaone-deep", AUTO, "<thought>\n", "", true},
    {"exaone-deep", ON, "<thought>\n", "", true},
    {"exaone-deep", OFF, "<thought>\n", "\n</thought>\n\n", false},
    {"granite-3.3", AUTO, "hi<|end_of_text|><|start_of_role|>assistant<|end_of_role|>",
     "", false},
    {"granite-3.3", ON, "assistant<|end_of_role|>", "<think>", true},
    {"granite-3.3", OFF, "assistant<|end_of_role|>", "", false},
    {"granite-3.2", AUTO, "assistant<|end_of_role|>", "", false},
    {"granite-3.2", ON, "<|end_of_role|>", "Here is my thought process:\n\n", true},
    {"granite-3.2", OFF, "assistant<|end_of_role|>", "", false},
    {"hunyuan", AUTO, "<|extra_0|>", "", false},
    {"hunyuan", ON, "<|extra_0|>", "<think>\n", true},
    {"hunyuan", OFF, "<|extra_0|><think>\n\n</think>\n", "", false},
    {"glm", AUTO, "hi<|assistant|>", "", false},
    {"glm", ON, "hi<|assistant|>", "\n<think>", true},
    {"glm", OFF, "hi/nothink<|assistant|>\n<think></think>", "", false},
    {"kimi-k2", AUTO, "<|im_middle|>", "", false},
    {"kimi-k2", ON, "<|im_middle|>", "<think>", true},
    {"kimi-k2", OFF, "<|im_middle|>", "<think></think>", false},
    {"deepseek", AUTO, "<think>\n", "", true},
    {"deepseek", ON, "<think>\n", "", true},
    {"deepseek", OFF, "<think>\n", "\n</think>\n\n", false},
    {"minimax", AUTO, "]~b]ai\n<think>\n", "", true},
    {"minimax", ON, "]~b]ai\n<think>\n", "", true},
    {"minimax", OFF, "]~b]ai\n<think>\n", "\n</think>\n\n", false},
    {"nemotron", AUTO, "Assistant\n<think>\n", "", true},
    {"nemotron", ON, "Assistant\n<think>\n", "", true},
    {"nemotron", OFF, "Assistant\n<think>\n", "</think>", false},
    {"smollm3", AUTO, "assistant\n", "", false},
    {"smollm3", ON, "assistant\n", "<think>\n", true},
    {"smollm3", OFF, "assistant\n<think>\n\n</think>\n", "", false},
    {"phi-4", AUTO, "assistant<|im_sep|>", "", false},
    {"phi-4", ON, "assistant<|im_sep|>", "<think>\n", true},
    {"phi-4", OFF, "assistant<|im_sep|>", "<think>\n\n</think>\n\n", false},
    {"qwen", AUTO, "assistant\n", "", false},
    {"qwen", ON, "assistant\n", "<think>\n", true},
    {"qwen", OFF, "assistant\n<think>\n\n</think>\n\n", "", false},
    {"think", AUTO, "<|begin|></think>", "", false},
    {"think", ON, "<|begin|><think> ", "", true},
    {"think", OFF, "<|begin|></think>", "", false},
};

static void check_end(const char *name, const char *text, size_t n, const char *end) {
    size_t n_end = strlen(end);
    if (n < n_end || memcmp(text + n - n_end, end, n_end) != 0)
        fail_msg("%s: %.*s does not end with %s", name, (int)n, text, end);
}

static void only_markup(void *user, reason_label label, const char *text, size_t n) {
    assert_int_equal(label, REASON_LABEL_MARKUP);
    rsn_str_add(user, text, n);
}

/* Gives the controller what it forces; returns whether a block is open then. */
static bool force_start(const scripted *m, const rsn_think_rules *rules, rsn_str *text) {
    rsn_think t;
    assert_int_equal(rsn_think_init(&t, rules, only_markup, text), REASON_OK);
    for (int32_t id; rsn_think_forced(&t, &id);) {
        rsn_text bytes = rsn_vocab_bytes(m->model.vocab, id);
        assert_int_equal(rsn_think_push(&t, bytes, false), REASON_OK);
    }
    bool open = rsn_think_in_block(&t);
    assert_int_equal(rsn_think_count(&t), 0);
    rsn_think_finish(&t);
    rsn_think_free(&t);
    return open;
}

static void check_start(const scripted *m, const reason_request *r,
                        const start_state *s) {
    reason_thinking th;
    rsn_prompt prompt;
    rsn_rule_ids ids;
    rsn_think_rules rules;
    rsn_str forced = {0};
    assert_int_equal(reason_thinking_init(&th, sizeof th), REASON_OK);
    th.mode = s->mode;
    reason_status status = rsn_prompt_build(&m->model, r, s->mode, &th, NULL, &prompt);
    if (status != REASON_OK)
        fail_msg("%s: %s", s->name, reason_last_error());
    check_end(s->name, rsn_str_text(&prompt.text), prompt.text.n, s->ends);
    assert_int_equal(
        rsn_rules_make(&m->model, &th, 0, SCRIPT_CONTEXT, s->mode, &prompt, &ids, &rules),
        REASON_OK);
    bool opens = force_start(m, &rules, &forced);
    if (strcmp(rsn_str_text(&forced), s->forced) != 0 || opens != s->opens)
        fail_msg("%s in mode %d: forced %s, %s", s->name, (int)s->mode,
                 rsn_str_text(&forced), opens ? "open" : "not open");
    rsn_str_free(&forced);
    rsn_rule_ids_free(&ids);
    rsn_prompt_free(&prompt);
}

static reason_request request_of(const char *prompt) {
    reason_request r;
    assert_int_equal(reason_request_init(&r, sizeof r), REASON_OK);
    r.prompt = prompt;
    return r;
}

static void test_decode_families__each_mode_of_each_family(void **state) {
    (void)state;
    assert_int_equal(COUNT(OWN), 3 * N_KIN);
    for (size_t i = 0; i < COUNT(OWN); i++) {
        scripted *m = scripted_kin(script_loop, kin_of(OWN[i].name), NULL);
        reason_request r = request_of("hi");
        check_start(m, &r, &OWN[i]);
        scripted_free(m);
    }
}

/* Published templates, where they are; each with the control tokens of its family. */
static void test_decode_families__each_mode_of_published_templates(void **state) {
    (void)state;
    static const struct {
        const char *family;
        start_state s;
    } cases[] = {
        {"glm", {"GLM-4.6", AUTO, "?<|assistant|>", "", false}},
        {"glm", {"GLM-4.6", ON, "?<|assistant|>", "\n<think>", true}},
        {"glm", {"GLM-4.6", OFF, "?/nothink<|assistant|>\n<think></think>", "", false}},
        {"smollm3", {"HuggingFaceTB-SmolLM3-3B", AUTO, "assistant\n", "", false}},
        {"smollm3", {"HuggingFaceTB-SmolLM3-3B", ON, "assistant\n", "<think>\n", true}},
        {"smollm3",
         {"HuggingFaceTB-SmolLM3-3B", OFF, "<think>\n\n</think>\n", "", false}},
        /* this copy takes a switch that is not there for one that is off */
        {"qwen", {"Qwen-QwQ-32B", AUTO, "<think>\n</think>", "", false}},
        {"qwen", {"Qwen-QwQ-32B", ON, "assistant\n<think>\n", "", true}},
        {"qwen", {"Qwen-QwQ-32B", OFF, "<think>\n</think>", "", false}},
        {"qwen", {"Qwen-Qwen3-0.6B", AUTO, "<|im_start|>assistant\n", "", false}},
        {"qwen", {"Qwen-Qwen3-0.6B", ON, "<|im_start|>assistant\n", "<think>\n", true}},
        {"qwen", {"Qwen-Qwen3-0.6B", OFF, "<think>\n\n</think>\n\n", "", false}},
        {"qwen", {"Qwen3.5-4B", AUTO, "assistant\n<think>\n", "", true}},
        {"qwen", {"Qwen3.5-4B", ON, "assistant\n<think>\n", "", true}},
        {"qwen", {"Qwen3.5-4B", OFF, "<think>\n\n</think>\n\n", "", false}},
#define R1_LLAMA "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"
#define R1_QWEN "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B"
#define GRANITE "ibm-granite-granite-3.3-2B-Instruct"
        {"deepseek", {R1_LLAMA, AUTO, "<think>\n", "", true}},
        {"deepseek", {R1_LLAMA, ON, "<think>\n", "", true}},
        {"deepseek", {R1_LLAMA, OFF, "<think>\n", "\n</think>\n\n", false}},
        {"deepseek", {R1_QWEN, AUTO, "<think>\n</think>", "", false}},
        {"deepseek", {R1_QWEN, ON, "<think>\n", "", true}},
        {"deepseek", {R1_QWEN, OFF, "<think>\n</think>", "", false}},
        {"granite-3.3", {GRANITE, AUTO, "assistant<|end_of_role|>", "", false}},
        {"granite-3.3", {GRANITE, ON, "assistant<|end_of_role|>", "<think>", true}},
        {"granite-3.3", {GRANITE, OFF, "assistant<|end_of_role|>", "", false}},
        {"harmony", {"openai-gpt-oss-120b", AUTO, "<|start|>assistant", "", false}},
        {"harmony",
         {"openai-gpt-oss-120b", ON, "<|start|>assistant",
          "<|channel|>analysis<|message|>", true}},
        {"harmony",
         {"openai-gpt-oss-120b", OFF, "<|start|>assistant", "<|channel|>final<|message|>",
          false}},
    };
    if (!getenv("REASON_GOLDEN"))
        skip();
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[96];
        size_t n;
        (void)snprintf(name, sizeof name, "templates/%s.jinja", cases[i].s.name);
        char *chat = fixture_golden(name, &n);
        if (!chat)
            fail_msg("cannot read %s", name);
        scripted *m = scripted_kin(script_loop, kin_of(cases[i].family), chat);
        reason_request r = request_of("What is 37 * 24?");
        r.now = "2026-01-02T03:04:05";
        check_start(m, &r, &cases[i].s);
        scripted_free(m);
        free(chat);
    }
}

/* A switch that does nothing is no switch: the block is forced then. */
static void test_decode_families__switch_without_effect(void **state) {
    (void)state;
    const start_state forced = {"smollm3", OFF, "assistant\n", "<think>\n\n</think>\n",
                                false};
    scripted *m = scripted_kin(script_loop, kin_of("smollm3"), NULL);
    reason_request r = request_of("hi /think"); /* which this template goes by */
    check_start(m, &r, &forced);
    scripted_free(m);
    const start_state overruled = {"qwen", OFF, "assistant\n", "<think>\n\n</think>\n\n",
                                   false};
    m = scripted_kin(script_loop, kin_of("qwen"), NULL);
    r = request_of("hi");
    r.variables_json = "{\"enable_thinking\": true}";
    check_start(m, &r, &overruled);
    scripted_free(m);
}

/* Plain text that ends somewhere in a turn. */
static void test_decode_families__text_that_goes_on(void **state) {
    (void)state;
#define ASSISTANT "<|start|>assistant"
    static const start_state cases[] = {
        {"harmony", AUTO, ASSISTANT "<|channel|>analysis<|message|>So", "", true},
        {"harmony", OFF, ASSISTANT "<|channel|>analysis<|message|>So",
         "<|end|>" ASSISTANT "<|channel|>final<|message|>", false},
        {"harmony", OFF, ASSISTANT "<|channel|>final<|message|>4", "", false},
        {"harmony", OFF, ASSISTANT "<|channel|>analysis<|message|>a<|end|>", "", false},
        {"harmony", ON,
         "<|channel|>analysis<|message|>a<|end|><|start|>user<|message|>b<|end|>"
         ASSISTANT, "<|channel|>analysis<|message|>", true},
        {"granite-3.3", OFF, "<|end_of_role|><think>a", "</think><response>", false},
        {"granite-3.3", OFF, "<|end_of_role|><think>a</think><response>4", "", false},
        {"seed-oss", OFF, "<seed:bos>assistant\n<seed:think>a", "</seed:think>\n", false},
        {"seed-oss", OFF, "<seed:bos>assistant\n",
         "<seed:think><seed:cot_budget_reflect>" SEED_REST, false},
        {"hunyuan", OFF, "<|extra_0|>", "<think>\n\n</think>\n<answer>\n", false},
        {"glm", OFF, "<|assistant|>", "\n<think></think>\n", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        scripted *m = scripted_kin(script_loop, kin_of(cases[i].name), NULL);
        reason_request r = request_of(NULL);
        r.text = cases[i].ends;
        check_start(m, &r, &cases[i]);
        scripted_free(m);
    }
}

/* --- whole generations -------------------------------------------------------------- */

/* One generation: the model writes `script`, token by token, and a result comes out. */
typedef struct play {
    const char *family;
    reason_think_mode mode;
    int32_t budget, min_answer, max_tokens;
    const char *script[40]; /* one token each */
    const char *labels, *thinking, *answer;
} play;

#define ANALYSIS "<|channel|>", "analysis", "<|message|>"
#define SKIP_6 "x", "x", "x", "x", "x", "x"
#define SKIP_18 SKIP_6, SKIP_6, SKIP_6 /* what the model does not get to write */
#define FORCED_18 "mmmmmmmmmmmmmmmmmm"
#define FINAL "<|start|>", "assistant", "<|channel|>", "final", "<|message|>"

static void run_play(const play *p, const char *prompt) {
    int32_t ids[40];
    size_t n = 0;
    while (n < COUNT(p->script) && p->script[n])
        n++;
    scripted *m = scripted_kin(script_list, kin_of(p->family), NULL);
    set_script(m, ids, p->script, n);
    ask a;
    ask_begin(&a, m, prompt, 400);
    a.thinking.mode = p->mode;
    a.thinking.budget = p->budget;
    a.thinking.min_answer = p->min_answer;
    a.request.max_tokens = p->max_tokens;
    ask_ok(&a);
    expect_labels(&a, p->labels);
    expect_texts(&a, p->thinking, p->answer);
    ask_end(&a);
    scripted_free(m);
}

static void test_decode_families__harmony_channels(void **state) {
    (void)state;
    static const play plays[] = {
        /* thoughts, an answer */
        {"harmony", AUTO, -1, 4, 0, {ANALYSIS, "a", "b", "<|end|>", FINAL, "x", "y"},
         "MMMTTMMMMMMAAM", "ab", "xy"},
        /* no thoughts at all */
        {"harmony", AUTO, -1, 4, 0, {"<|channel|>", "final", "<|message|>", "x"},
         "MMMAM", "", "x"},
        /* thoughts twice, with words for the user between */
        {"harmony", AUTO, -1, 4, 0,
         {ANALYSIS, "a", "<|end|>", "<|start|>", "assistant", "<|channel|>", "commentary",
          "<|message|>", "x", "<|end|>", "<|start|>", "assistant", ANALYSIS, "b",
          "<|end|>", "y"},
         "MMMTMMMMMMAMMMMMMTMAM", "ab", "xy"},
        /* a header may say more */
        {"harmony", AUTO, -1, 4, 0,
         {" to=f", "<|channel|>", "commentary", " the", "<|constrain|>", "ab",
          "<|message|>", "x"},
         "MMMMMMMAM", "", "x"},
        /* an empty block */
        {"harmony", AUTO, -1, 4, 0, {ANALYSIS, "<|end|>", FINAL, "x"}, "MMMMMMMMMAM", "",
         "x"},
        /* spelt otherwise than the tokenizer would */
        {"harmony", AUTO, -1, 4, 0,
         {"<|chan", "nel|>", "ana", "lysis", "<|mess", "age|>", "a", "<", "|", "e", "n",
          "d", "|", ">", FINAL, "x"},
         "MMMMMMTMMMMMMMMMMMMAM", "a", "x"},
    };
    for (size_t i = 0; i < COUNT(plays); i++)
        run_play(&plays[i], "<|start|>user<|message|>hi<|end|><|start|>assistant");
}

/* The budget's end: 18 tokens are forced, for the tokenizer spells names by bytes. */
static void test_decode_families__harmony_budget(void **state) {
    (void)state;
    static const play spent = {
        "harmony", AUTO, 3, 4, 0,
        {ANALYSIS, "a", "b", "c", SKIP_18, "x", "<|end|>", "y"},
        "MMMTTT" FORCED_18 "AMAM", "abc", "xy"};
    run_play(&spent, "<|start|>assistant");
}

/* What may not be opened is refused where its name begins, so that another channel can be
 * taken: here by the token that comes in place of the name. */
static void test_decode_families__harmony_refuses_a_channel(void **state) {
    (void)state;
    static const char *const names[] = {"analysis", "ana", "a"};
    for (size_t i = 0; i < COUNT(names); i++) {
        play p = {"harmony", OFF, -1, 4, 0,
                  {SKIP_6, "x", "x", "<|end|>", "<|start|>", "assistant", "<|channel|>",
                   names[i], "final", "<|message|>", "y"},
                  "mmmmmmmAMMMMMMMAM", "", "xy"};
        run_play(&p, "<|start|>assistant");
    }
}

static void test_decode_families__ends_of_a_turn(void **state) {
    (void)state;
    static const play plays[] = {
        {"harmony", AUTO, -1, 4, 0, {ANALYSIS, "a", "<|return|>"}, "MMMTM", "a", ""},
        {"harmony", AUTO, -1, 4, 0,
         {"<|channel|>", "commentary", " to=f", "<|message|>", "x", "<|call|>"},
         "MMMMAM", "", "x"},
        {"glm", AUTO, -1, 4, 0, {"x", "<|observation|>"}, "AM", "", "x"},
        {"glm", AUTO, -1, 4, 0, {"x", "<|user|>"}, "AM", "", "x"},
        {"minimax", AUTO, -1, 4, 0, {"x", "[e~["}, "AM", "", "x"},
        /* thinking that was asked for gets its answer */
        {"harmony", ON, -1, 4, 0, {SKIP_6, "x", "x", "x", "x", "a", "<|return|>"},
         "mmmmmmmmmmT" FORCED_18 "M", "a", ""},
    };
    for (size_t i = 0; i < COUNT(plays); i++)
        run_play(&plays[i], strcmp(plays[i].family, "harmony") == 0 ? "<|start|>assistant"
                                                                     : "hi");
}

static void test_decode_families__wrappers_of_the_answer(void **state) {
    (void)state;
    static const play plays[] = {
        {"granite-3.3", AUTO, -1, 4, 0,
         {"<th", "ink>", "a", "</", "think", ">", "<resp", "onse>", "x", "</resp",
          "onse>"},
         "MMTMMMMMAMMM", "a", "x"},
        {"granite-3.3", AUTO, -1, 4, 0,
         {"<th", "ink>", "a", "</think", ">", "\n\n", "<resp", "onse>", "\n", "x",
          "\n", "</resp", "onse>"},
         "MMTMMMMMMAAMMM", "a", "x\n"},
        /* words that are none, and half of one at the end */
        {"granite-3.3", AUTO, -1, 4, 0, {"<resp", "x", "<resp"}, "AAAM", "",
         "<respx<resp"},
        /* one that would form out of two parts of the answer is not drawn */
        {"granite-3.3", AUTO, -1, 4, 0, {"<resp", "<resp", "onse>", "onse>"}, "AMMAM",
         "", "<resp"},
        {"hunyuan", AUTO, -1, 4, 0,
         {"<think>", "\n", "a", "</think>", "\n", "<", "a", "n", "s", "w", "e", "r", ">",
          "\n", "x", "\n", "<", "/", "a", "n", "s", "w", "e", "r", ">"},
         "MTTMMMMMMMMMMMAMMMMMMMMMMM", "\na", "x"},
        {"granite-3.2", AUTO, -1, 4, 0,
         {"Here is", " my", " thought process", ":", "a", "Here is", " my", " response",
          ":", "\n\n", "x"},
         "MMMMTMMMMMAM", "a", "x"},
        {"glm", AUTO, -1, 4, 0, {"\n", "<think>", "a", "</think>", "\n", "x"}, "MMTMMAM",
         "a", "x"},
        {"glm", AUTO, -1, 4, 0, {"\n", "x"}, "AAM", "", "\nx"},
        {"mistral", AUTO, -1, 4, 0, {"[THINK]", "a", "[/THINK]", "x"}, "MTMAM", "a", "x"},
        {"gemma-4", ON, -1, 4, 0, {SKIP_6, "x", "x", "x", "a", "<channel|>", "x"},
         "mmmmmmmmmTMAM", "a", "x"},
    };
    for (size_t i = 0; i < COUNT(plays); i++)
        run_play(&plays[i], "hi");
}

/* Budgets in every family: never more, and an answer behind it. */
static void test_decode_families__budget_of_every_family(void **state) {
    (void)state;
    static const int32_t budgets[] = {0, 1, 2, 17};
    for (size_t i = 0; i < N_KIN * COUNT(budgets); i++) {
        int32_t ids[2];
        const kin *k = &KIN[i / COUNT(budgets)];
        scripted *m = scripted_kin(script_loop, k, NULL);
        SCRIPT(m, ids, "x", "y");
        for (int mode = 0; mode < 2; mode++) {
            ask a;
            ask_begin(&a, m, "hi", 400);
            a.thinking.mode = mode ? ON : AUTO;
            a.thinking.budget = budgets[i % COUNT(budgets)];
            a.request.max_tokens = 200;
            ask_ok(&a);
            uint64_t budget = (uint64_t)a.thinking.budget;
            assert_int_equal(usage_of(&a).thinking_tokens, mode ? budget : 0);
            assert_true(usage_of(&a).answer_tokens >= 4);
            if (mode)
                expect_finish(&a, REASON_FINISH_BUDGET, REASON_FINISH_LENGTH);
            ask_end(&a);
        }
        scripted_free(m);
    }
}

/* No room for a token of thought: an empty block without white space, whose closing tag
 * is not taken for the white space of an opening tag. */
static void test_decode_families__no_room_to_think(void **state) {
    (void)state;
    static const play p = {"nemotron", ON, -1, 4, 7, {SKIP_6, "x", "x"}, "mmAAAAA", "",
                           "xxxxx"};
    run_play(&p, "hi");
}

/* The share of thinking where there is no empty block to decline with. */
static void test_decode_families__p_think(void **state) {
    (void)state;
    int32_t ids[4];
    scripted *m = scripted_kin(script_list, kin_of("harmony"), NULL);
    SCRIPT(m, ids, "<|channel|>", "a", "x", "y"); /* begins as the probe does, goes on */
    ask a;
    ask_begin(&a, m, "<|start|>assistant", 200);
    ask_ok(&a);
    double p = reason_result_p_think(a.result);
    assert_true(p >= 0 && p < 1e-10);
    a.thinking.mode = ON;
    ask_ok(&a);
    assert_true(isnan(reason_result_p_think(a.result)));
    ask_end(&a);
    scripted_free(m);
    int32_t names[16];
    m = scripted_kin(script_list, kin_of("harmony"), NULL);
    SCRIPT(m, names, "<|channel|>", "a", "n", "a", "l", "y", "s", "i", "s", "<|message|>",
           "x", "<|end|>");
    ask_begin(&a, m, "<|start|>assistant", 200);
    ask_ok(&a);
    assert_true(reason_result_p_think(a.result) > 0.999999);
    ask_end(&a);
    scripted_free(m);
}

/* --- variables ---------------------------------------------------------------------- */

static void expect_prompt(const scripted *m, const reason_thinking *th, const char *has,
                          reason_effort_use use) {
    rsn_prompt prompt;
    reason_request r = request_of("hi");
    assert_int_equal(rsn_prompt_build(&m->model, &r, th->mode, th, NULL, &prompt),
                     REASON_OK);
    if (!strstr(rsn_str_text(&prompt.text), has))
        fail_msg("%s is not in %s", has, rsn_str_text(&prompt.text));
    assert_int_equal(prompt.effort_use, use);
    rsn_prompt_free(&prompt);
}

static void test_decode_families__effort(void **state) {
    (void)state;
    static const struct {
        const char *family;
        reason_effort effort;
        int32_t budget;
        const char *has;
        reason_effort_use use;
    } cases[] = {
        {"harmony", REASON_EFFORT_NONE, -1, "Reasoning: medium", REASON_EFFORT_UNUSED},
        {"harmony", REASON_EFFORT_LOW, -1, "Reasoning: low", REASON_EFFORT_TEMPLATE},
        {"harmony", REASON_EFFORT_HIGH, 90, "Reasoning: high", REASON_EFFORT_TEMPLATE},
        {"seed-oss", REASON_EFFORT_LOW, -1, "Spend 512 tokens", REASON_EFFORT_TEMPLATE},
        {"seed-oss", REASON_EFFORT_MEDIUM, -1, "Spend 4096", REASON_EFFORT_TEMPLATE},
        {"seed-oss", REASON_EFFORT_HIGH, -1, "Spend 16384", REASON_EFFORT_TEMPLATE},
        {"seed-oss", REASON_EFFORT_NONE, 300, "Spend 300", REASON_EFFORT_UNUSED},
        {"seed-oss", REASON_EFFORT_LOW, 300, "Spend 300", REASON_EFFORT_UNUSED},
        {"qwen", REASON_EFFORT_LOW, 300, "hi", REASON_EFFORT_UNUSED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        scripted *m = scripted_kin(script_loop, kin_of(cases[i].family), NULL);
        reason_thinking th;
        assert_int_equal(reason_thinking_init(&th, sizeof th), REASON_OK);
        th.effort = cases[i].effort;
        th.budget = cases[i].budget;
        expect_prompt(m, &th, cases[i].has, cases[i].use);
        th.mode = OFF; /* the switch is not overwritten by an effort */
        if (strcmp(cases[i].family, "seed-oss") == 0)
            expect_prompt(m, &th, "<seed:cot_budget_reflect>", REASON_EFFORT_UNUSED);
        scripted_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_families__each_mode_of_each_family),
        cmocka_unit_test(test_decode_families__each_mode_of_published_templates),
        cmocka_unit_test(test_decode_families__switch_without_effect),
        cmocka_unit_test(test_decode_families__text_that_goes_on),
        cmocka_unit_test(test_decode_families__harmony_channels),
        cmocka_unit_test(test_decode_families__harmony_budget),
        cmocka_unit_test(test_decode_families__harmony_refuses_a_channel),
        cmocka_unit_test(test_decode_families__ends_of_a_turn),
        cmocka_unit_test(test_decode_families__wrappers_of_the_answer),
        cmocka_unit_test(test_decode_families__budget_of_every_family),
        cmocka_unit_test(test_decode_families__no_room_to_think),
        cmocka_unit_test(test_decode_families__p_think),
        cmocka_unit_test(test_decode_families__effort),
    };
    return cmocka_run_group_tests_name("decode/families", tests, NULL, NULL);
}
