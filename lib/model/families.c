/* The table of families. Owns every fact about a family's texts and variables; finding a
 * model's row is tags.c's, what is done with it the decode room's. Invariant: a row that
 * shares its tags with others stands before them and has a sign that they lack. */
#include "model/families.h"

#define T(z) {z, sizeof(z) - 1}

/* Most families think between these. */
#define THINK .open = T("<think>"), .close = T("</think>")
#define THINK_SIGNS "<think>", "</think>"
#define THINK_SPACE .after_open = T("\n"), .empty = T("\n\n"), .after_close = T("\n\n")

#define ENABLE_THINKING {"enable_thinking", "false", "true"}
#define THINKING {"thinking", "false", "true"}
#define BOTH .switches = {ENABLE_THINKING, THINKING}

static const rsn_effort_variable REASONING_EFFORT = {
    "reasoning_effort", {"\"low\"", "\"medium\"", "\"high\""}, false};
static const rsn_effort_variable THINKING_BUDGET = {
    "thinking_budget", {"512", "4096", "16384"}, true};

const rsn_family rsn_families[] = {
    /* gpt-oss. Messages have channels; what stands between <|start|> or <|channel|> and
     * <|message|> is a header. Prompts end inside one. */
    {.name = "harmony",
     .signs = {"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
     .tokens = {"<|channel|>", "<|message|>", "<|return|>"},
     .open = T("<|channel|>analysis<|message|>"),
     .close = T("<|end|>"),
     .after_close = T("<|start|>assistant"),
     .answer_open = T("<|channel|>final<|message|>"),
     .no_block = true,
     .silence = T("<|channel|>final<|message|>"),
     .fixed = true,
     .turn = T("<|start|>"),
     .marks = {{T("<|start|>"), 0, true},
               {T("<|channel|>"), 0, true},
               {T("<|message|>"), 0, false},
               {T("<|end|>"), 0, false}},
     .effort = &REASONING_EFFORT},
    /* A budget of 0 opens a block and a remark about the budget, which the model ends. */
    {.name = "seed-oss",
     .signs = {"<seed:think>", "</seed:think>"},
     .tokens = {"<seed:think>", "</seed:think>"},
     .open = T("<seed:think>"),
     .close = T("</seed:think>"),
     .after_open = T("\n"),
     .empty = T("<seed:cot_budget_reflect>The current thinking budget is 0, so I will "
                "directly start answering the question.</seed:cot_budget_reflect>\n"),
     .after_close = T("\n"),
     .fixed = true,
     .switches = {{"thinking_budget", "0", NULL}},
     .effort = &THINKING_BUDGET},
    /* Magistral from 1.1 on, Ministral 3. */
    {.name = "mistral",
     .signs = {"[THINK]", "[/THINK]"},
     .tokens = {"[THINK]", "[/THINK]"},
     .open = T("[THINK]"),
     .close = T("[/THINK]"),
     .close_eat = 2,
     .fixed = true,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "gemma-4",
     .signs = {"<|channel>thought", "<channel|>"},
     .tokens = {"<|channel>", "<channel|>", "<turn|>"},
     .open = T("<|channel>thought\n"),
     .close = T("<channel|>"),
     .close_eat = 2,
     .fixed = true,
     .switches = {ENABLE_THINKING},
     .effort = &REASONING_EFFORT},
    {.name = "exaone-deep",
     .signs = {"<thought>", "</thought>"},
     .tokens = {"<thought>", "</thought>"},
     .open = T("<thought>"),
     .close = T("</thought>"),
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    /* Thinks only when told to, so nothing has to be forced when it is not. */
    {.name = "granite-3.3",
     .signs = {THINK_SIGNS, "<response>", "<|start_of_role|>"},
     .tokens = {THINK_SIGNS, "<response>", "<|start_of_role|>"},
     THINK,
     .close_eat = 2,
     .answer_open = T("<response>"),
     .no_block = true,
     .fixed = true,
     .marks = {{T("<response>"), 2, false}, {T("</response>"), 2, false}},
     .switches = {THINKING},
     .effort = &REASONING_EFFORT},
    /* Thoughts between two sentences. */
    {.name = "granite-3.2",
     .signs = {"Here is my thought process:", "Here is my response:"},
     .open = T("Here is my thought process:"),
     .close = T("Here is my response:"),
     .after_open = T("\n\n"),
     .empty = T("\n\n"),
     .after_close = T("\n\n"),
     .no_block = true,
     .fixed = true,
     .switches = {THINKING},
     .effort = &REASONING_EFFORT},
#define HUNYUAN                                                                          \
    THINK, .after_open = T("\n"), .empty = T("\n\n"), .after_close = T("\n"),            \
           .answer_open = T("<answer>\n"),                                               \
           .marks = {{T("<answer>"), 1, false},                                          \
                     {T("\n</answer>"), 1, false},                                       \
                     {T("</answer>"), 1, false}},                                        \
           BOTH, .effort = &REASONING_EFFORT
    {.name = "hunyuan",
     .signs = {THINK_SIGNS, "<|extra_0|>"},
     .tokens = {THINK_SIGNS, "<|extra_0|>"},
     HUNYUAN},
    {.name = "hunyuan-dense",
     .signs = {THINK_SIGNS, "<\uff5chy_Assistant\uff5c>"},
     .tokens = {THINK_SIGNS, "<\uff5chy_Assistant\uff5c>"},
     HUNYUAN},
    /* The line ends before the opening tag, and the block has no white space. */
    {.name = "glm",
     .signs = {THINK_SIGNS, "[gMASK]"},
     .tokens = {THINK_SIGNS, "[gMASK]"},
     THINK,
     .before_open = T("\n"),
     .after_close = T("\n"),
     .fixed = true,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "kimi-k2",
     .signs = {THINK_SIGNS, "<|im_middle|>"},
     .tokens = {THINK_SIGNS, "<|im_middle|>"},
     THINK,
     .close_eat = 2,
     .fixed = true,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "deepseek",
     .signs = {THINK_SIGNS, "<\uff5cAssistant\uff5c>"},
     .tokens = {THINK_SIGNS, "<\uff5cAssistant\uff5c>"},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "minimax",
     .signs = {THINK_SIGNS, "]~b]"},
     .tokens = {THINK_SIGNS, "]~b]"},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "nemotron",
     .signs = {THINK_SIGNS, "<TOOLCALL>"},
     .tokens = {THINK_SIGNS, "<TOOLCALL>"},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "smollm3",
     .signs = {THINK_SIGNS, "Reasoning Mode: ", "/no_think"},
     THINK,
     .after_open = T("\n"),
     .empty = T("\n\n"),
     .after_close = T("\n"),
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "phi-4",
     .signs = {THINK_SIGNS, "<|im_sep|>"},
     .tokens = {THINK_SIGNS, "<|im_sep|>"},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    {.name = "qwen",
     .signs = {THINK_SIGNS, "<|im_start|>"},
     .tokens = {THINK_SIGNS, "<|im_start|>"},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
    /* Anything else with these tags. */
    {.name = "think",
     .signs = {THINK_SIGNS},
     .tokens = {THINK_SIGNS},
     THINK,
     THINK_SPACE,
     BOTH,
     .effort = &REASONING_EFFORT},
};

const size_t rsn_n_families = sizeof rsn_families / sizeof *rsn_families;

const rsn_family rsn_family_none = {.name = "none", BOTH, .effort = &REASONING_EFFORT};
