"""Owns the texts of the oracle: what tokenizers are trained on, what is tokenized, the
conversations that are scored, and the chat templates. Leaves files to its callers.
Invariant: all of it is our own wording, and nothing depends on the time or the machine."""
import itertools

SUBJECTS = ["the number", "a sum of two", "the third digit", "what is left", "her answer",
            "one half of it", "this train", "the longer side"]
VERBS = ["is", "was not", "gives", "divides", "adds up to", "should be", "is less than"]
OBJECTS = ["twelve.", "47.", "x + 3.", "an even number.", "6 * 7 = 42.", "half of 90.",
           "the same again.", "nothing, so we wait."]

MORE = ["Wait, let us think step by step: 3 * 4 = 12, and 12 + 5 = 17.",
        "If y > 2 then y - 1 > 1; otherwise the answer is 0.",
        "I'll check it: \"We've counted 1024 words\" isn't right.",
        "for (int i = 0; i < n; i++) total += value[i];"]


def training_lines():
    rows = itertools.product(SUBJECTS, VERBS, OBJECTS)
    return [" ".join(row) for row in rows] + MORE * 8


# Texts whose bytes every tokenizer here knows.
PLAIN_TEXTS = [
    "", " ", "a", " a", "a ", "   a   b", "\n", "\n\n", "a\n\n  b\t\tc", "the number is 47.",
    "12345678901234567890", "3.14 + 2.72=5.86", "I'll say it's what they'd've said, WE'LL see",
    "snake_case camelCase UPPER", "x=[1,2,3];y={\"k\":\"v\"}", "!!!???...", "a-b_c/d\\e",
    "for (int i = 0; i < 10; i++)\n\ttotal += i;\n", "<|im_end|>", "the<|im_end|>number",
    "<think>\nWait.\n</think>\n\n47", "<think", "it is <think> what", " </think> ", "<s>",
]

# Texts for tokenizers that have all 256 bytes.
WIDE_TEXTS = PLAIN_TEXTS + [
    "\u00e9", "e\u0301", "na\u00efve caf\u00e9", "\u4e2d\u6587 \u6570\u5b57", "\u0661\u0662\u0663",
    "\U0001f642\U0001f642", "x\u00b2 \u2264 \u221a2", "\u00a0a\u00a0\u00a0b", "\u200b", "\ufeffa",
    "\r\na\r\n", "\u0000\u0001", "\u1e9b\u0323", "\ufb01ne", "\uac00\u1100\u1161", "1\u20442",
    "\u2028a\u3000b", "don\u2019t",
]

# Prompts and the responses that are to be ranked.
CONVERSATIONS = [
    ("What is 6 * 7?", ["6 * 7 = 42.", "It is 47.", "I don't know."]),
    ("Name an even number.", ["Twelve.", "The number is 3.", "12, as 12 = 2 * 6."]),
    ("Is 12 less than 47?", ["Yes.", "No.", "12 is less than 47, so yes."]),
    ("What is left of 90 if half of it is gone?", ["Half of 90 is 45.", "90.", "45"]),
]

# Solutions in steps, for process rewards.
STEPS = [
    ("What is 3 * 4 + 5?", ["3 * 4 = 12.", "12 + 5 = 17.", "The answer is 17."]),
    ("What is half of 90?", ["90 is 2 * 46.", "Half of it is 46."]),
    ("Is 51 even?", ["51 = 3 * 17.", "Both are odd.", "So is 51.", "No."]),
    ("What is 1 + 1?", ["It is 2."]),
]

# Templates of our own that do what the families' do: turns between tags, the prompt opened.
CHATML = ("{%- for message in messages %}"
          "{{- '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>\\n' }}"
          "{%- endfor %}"
          "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
          "{%- if enable_thinking is defined and not enable_thinking %}"
          "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}")
HEADERS = ("{{- bos_token }}{%- for message in messages %}"
           "{{- '<|start_header_id|>' ~ message['role'] ~ '<|end_header_id|>\\n\\n' }}"
           "{{- message['content'] | trim }}{{- '<|eot_id|>' }}{%- endfor %}"
           "{%- if add_generation_prompt %}"
           "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}")
BRACKETS = ("{{- bos_token }}{%- for message in messages %}"
            "{%- if message['role'] == 'user' %}{{- '[INST] ' + message['content'] + ' [/INST]' }}"
            "{%- elif message['role'] == 'assistant' %}{{- ' ' + message['content'] + eos_token }}"
            "{%- else %}{{- message['content'] + '\\n' }}{%- endif %}{%- endfor %}")
TURNS = ("{{- bos_token }}{%- for message in messages %}"
         "{%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
         "{{- '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}"
         "{%- endfor %}{%- if add_generation_prompt %}{{- '<start_of_turn>model\\n' }}{%- endif %}")
