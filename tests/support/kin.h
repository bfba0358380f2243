/* A member of each family of reasoning models: the control tokens of its vocabulary, the
 * tags that are tokens, and a chat template of our own wording that does about thinking
 * what the family's does. */
#ifndef REASON_TESTS_KIN_H
#define REASON_TESTS_KIN_H

#include <stddef.h>
#include <string.h>

enum { KIN_TOKENS = 8 };

typedef struct kin {
    const char *family;
    const char *control[KIN_TOKENS]; /* the first that is not NULL ends a generation */
    const char *user[KIN_TOKENS];    /* user-defined: their text shows */
    const char *chat;
    const char *off, *effort; /* the variables it reads; "": none */
    const char *opener, *closer, *silence; /* what is forced */
} kin;

#define KIN_LOOP(begin, end)                                                             \
    "{% for m in messages %}" begin "{{ m.content }}" end "{% endfor %}"
#define KIN_THINK {"<think>", "</think>"}
/* Where a family's template speaks of the tags, as when it cuts thoughts off. */
#define KIN_TAGS(open, close) "{{ '" open "'[:0] }}{{ '" close "'[:0] }}"

static const kin KIN[] = {
    {"harmony",
     {"<|return|>", "<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>",
      "<|constrain|>"},
     {0},
     "<|start|>system<|message|>Reasoning: {{ reasoning_effort or 'medium' }}<|end|>"
     "{{ '<|channel|>analysis<|message|>'[:0] }}{{ '<|channel|>final<|message|>'[:0] }}"
     KIN_LOOP("<|start|>user<|message|>", "<|end|>") "<|start|>assistant",
     "", "reasoning_effort", "<|channel|>analysis<|message|>",
     "<|end|><|start|>assistant<|channel|>final<|message|>",
     "<|channel|>final<|message|>"},
    {"seed-oss",
     {"<seed:eos>", "<seed:bos>", "<seed:cot_budget_reflect>",
      "</seed:cot_budget_reflect>"},
     {"<seed:think>", "</seed:think>"},
     "{% set begin = '<seed:think>' %}{% set end = '</seed:think>' %}"
     "{% if thinking_budget is not defined %}{% set thinking_budget = -1 %}{% endif %}"
     "{% if thinking_budget > 0 %}Spend {{ thinking_budget }} tokens.{% endif %}"
     KIN_LOOP("<seed:bos>user\n", "<seed:eos>") "<seed:bos>assistant\n"
     "{% if thinking_budget == 0 %}{{ begin + '<seed:cot_budget_reflect>' }}{% endif %}",
     "thinking_budget", "thinking_budget", "<seed:think>\n", "</seed:think>\n",
     "<seed:think><seed:cot_budget_reflect>The current thinking budget is 0, so I will "
     "directly start answering the question.</seed:cot_budget_reflect>\n</seed:think>\n"},
    {"mistral",
     {"</s>", "<s>", "[INST]", "[/INST]", "[THINK]", "[/THINK]"},
     {0},
     "Think between [THINK] and [/THINK]." KIN_LOOP("[INST]", "[/INST]"),
     "", "", "[THINK]", "[/THINK]", "[THINK][/THINK]"},
    {"gemma-4",
     {"<turn|>", "<|turn>", "<|channel>", "<channel|>"},
     {0},
     KIN_LOOP("<|turn>user\n", "<turn|>\n") "<|turn>model\n"
     "{% if not enable_thinking %}{{ '<|channel>thought\\n<channel|>' }}{% endif %}",
     "enable_thinking", "", "<|channel>thought\n", "<channel|>",
     "<|channel>thought\n<channel|>"},
    {"exaone-deep",
     {"[|endofturn|]", "[|user|]", "[|assistant|]"},
     {"<thought>", "</thought>"},
     KIN_LOOP("[|user|]", "\n") KIN_TAGS("<thought>", "</thought>")
     "[|assistant|]{{ '<thought>\\n' }}",
     "", "", "<thought>\n", "</thought>\n\n", "<thought>\n\n</thought>\n\n"},
    {"granite-3.3",
     {"<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"},
     {0},
     "{% if thinking %}Thoughts go into <think></think>, the answer into "
     "<response></response>.<|end_of_text|>{% endif %}"
     KIN_LOOP("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>")
     "<|start_of_role|>assistant<|end_of_role|>",
     "thinking", "", "<think>", "</think><response>", ""},
    {"granite-3.2",
     {"<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"},
     {0},
     "{% if thinking %}Thoughts stand behind 'Here is my thought process:', the answer "
     "behind 'Here is my response:'.<|end_of_text|>{% endif %}"
     KIN_LOOP("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>")
     "<|start_of_role|>assistant<|end_of_role|>",
     "thinking", "", "Here is my thought process:\n\n", "Here is my response:\n\n", ""},
    {"hunyuan",
     {"<|eos|>", "<|extra_0|>", "<|startoftext|>"},
     KIN_THINK,
     KIN_LOOP("<|startoftext|>", "<|extra_0|>") KIN_TAGS("<think>", "</think>")
     "{% if enable_thinking is defined and not enable_thinking %}"
     "{{ '<think>\\n\\n</think>\\n' }}{% endif %}",
     "enable_thinking", "", "<think>\n", "</think>\n<answer>\n",
     "<think>\n\n</think>\n<answer>\n"},
    {"glm",
     {"<|endoftext|>", "[gMASK]", "<sop>", "<|user|>", "<|assistant|>",
      "<|observation|>"},
     KIN_THINK,
     "[gMASK]<sop>{% for m in messages %}<|user|>\n{{ m.content }}"
     "{{ '/nothink' if enable_thinking is defined and not enable_thinking else '' }}"
     "{% endfor %}<|assistant|>{{ '\\n<think></think>' "
     "if enable_thinking is defined and not enable_thinking else '' }}",
     "enable_thinking", "", "\n<think>", "</think>\n", "\n<think></think>\n"},
    {"kimi-k2",
     {"<|im_end|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>"},
     KIN_THINK,
     KIN_LOOP("<|im_user|>user<|im_middle|>", "<|im_end|>")
     KIN_TAGS("<think>", "</think>") "<|im_assistant|>assistant<|im_middle|>",
     "", "", "<think>", "</think>", "<think></think>"},
    {"deepseek",
     {"<\uff5cend\u2581of\u2581sentence\uff5c>", "<\uff5cUser\uff5c>",
      "<\uff5cAssistant\uff5c>"},
     KIN_THINK,
     KIN_LOOP("<\uff5cUser\uff5c>", "") KIN_TAGS("<think>", "</think>")
     "<\uff5cAssistant\uff5c>{{ '<think>\\n' }}",
     "", "", "<think>\n", "</think>\n\n", "<think>\n\n</think>\n\n"},
    {"minimax",
     {"[e~[", "]~b]", "]~!b["},
     KIN_THINK,
     KIN_LOOP("]~b]user\n", "[e~[\n") KIN_TAGS("<response>", "</response>")
     KIN_TAGS("<think>", "</think>") "]~b]ai\n{{ '<think>' ~ '\\n' }}",
     "", "", "<think>\n", "</think>\n\n", "<think>\n\n</think>\n\n"},
    {"nemotron",
     {"<SPECIAL_12>", "<SPECIAL_10>", "<SPECIAL_11>"},
     KIN_THINK,
     "{% set ns = namespace(thinks=true) %}{% for m in messages %}"
     "{% if '/no_think' in m.content %}{% set ns.thinks = false %}{% endif %}"
     "<SPECIAL_11>User\n{{ m.content }}\n{% endfor %}{{ '<TOOLCALL>'[:0] }}"
     "<SPECIAL_11>Assistant\n"
     "{% if ns.thinks %}{{ '<think>\\n' }}{% else %}{{ '<think></think>' }}{% endif %}",
     "", "", "<think>\n", "</think>", "<think></think>"},
    {"smollm3",
     {"<|im_end|>", "<|im_start|>"},
     KIN_THINK,
     "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}"
     "{% set flag = '/think' if enable_thinking else '/no_think' %}"
     "{% if '/think' in messages[0].content %}{% set flag = '/think' %}{% endif %}"
     "<|im_start|>system\nReasoning Mode: {{ flag }}<|im_end|>\n"
     KIN_LOOP("<|im_start|>user\n", "<|im_end|>\n") "<|im_start|>assistant\n"
     "{% if flag != '/think' %}{{ '<think>\\n\\n</think>\\n' }}{% endif %}",
     "enable_thinking", "", "<think>\n", "</think>\n", "<think>\n\n</think>\n"},
    {"phi-4",
     {"<|im_end|>", "<|im_start|>", "<|im_sep|>"},
     KIN_THINK,
     "<|im_start|>system<|im_sep|>Write thoughts into <think> and </think>.<|im_end|>"
     KIN_LOOP("<|im_start|>user<|im_sep|>", "<|im_end|>")
     "<|im_start|>assistant<|im_sep|>",
     "", "", "<think>\n", "</think>\n\n", "<think>\n\n</think>\n\n"},
    {"qwen",
     {"<|im_end|>", "<|im_start|>", "<|endoftext|>"},
     KIN_THINK,
     KIN_LOOP("<|im_start|>user\n", "<|im_end|>\n") KIN_TAGS("<think>", "</think>")
     "<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
     "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}",
     "enable_thinking", "", "<think>\n", "</think>\n\n", "<think>\n\n</think>\n\n"},
    {"think",
     {"<|end|>", "<|begin|>"},
     KIN_THINK,
     KIN_LOOP("<|begin|>", "<|end|>") KIN_TAGS("<think>", "</think>")
     "<|begin|>{% if thinking %}{{ '<think> ' }}{% else %}{{ '</think>' }}{% endif %}",
     "thinking", "", "<think> ", "</think>\n\n", "<think>\n\n</think>\n\n"},
};

enum { N_KIN = sizeof KIN / sizeof *KIN };

static inline const kin *kin_of(const char *family) {
    for (size_t i = 0; i < N_KIN; i++)
        if (strcmp(KIN[i].family, family) == 0)
            return &KIN[i];
    return NULL;
}

#endif
