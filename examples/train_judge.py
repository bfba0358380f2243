#!/usr/bin/env python3
"""Trains a judge of pairs on samples that a checker has labelled: the model that made them, with
LoRA (arXiv 2106.09685), is shown a question and two responses and says 1 or 2, without thinking.
Needs torch, transformers and peft.

    train_judge.py folder samples.jsonl judge        (folder, samples: as of train_reward.py)
    train_judge.py --pairs others.jsonl > pairs.jsonl; train_judge.py --prompt > prompt
    reason judge -m judge --prompt prompt --verdict-1 1 --verdict-2 2 --system '' --think off \\
        --temperature 0 --max-tokens 8 pairs.jsonl

A pair is a right and a wrong response to one task, drawn among those that differ, thoughts
without their tags; each is trained on in both orders. Responses that others wrote have no
special tokens for `reason judge`, and so they have none here.
"""
import json
import random
import re
import sys

PROMPT = "Question: {query}\n\nAssistant 1:\n{response_1}\n\nAssistant 2:\n{response_2}\n\nWhich is right?"
MATRICES = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split()
EPOCHS, BATCH, RATE, N_HELD = 2, 16, 2e-3, 150


def read_pairs(path):
    """[(question, right response, wrong response)]"""
    pairs = []
    for line in open(path):
        task = json.loads(line)
        texts = [re.sub("</?think>", "", text).strip() for text in task["responses"]]
        labels = dict(zip(texts, task["labels"]))
        right, wrong = ([t for t in labels if labels[t] == x] for x in (1, 0))
        if right and wrong:
            pairs.append((task["prompt"], random.choice(right), random.choice(wrong)))
    return pairs


def encode(tokenizer, pairs):
    """[(ids of the prompt, ids of the verdict)], both orders of each pair."""
    rows = []
    for query, right, wrong in pairs:
        for first, second, verdict in (right, wrong, "1"), (wrong, right, "2"):
            asked = PROMPT.format(query=query, response_1=first, response_2=second)
            prompt = tokenizer.apply_chat_template([{"role": "user", "content": asked}],
                                                   add_generation_prompt=True, enable_thinking=False)
            rows.append((prompt, tokenizer(verdict + tokenizer.eos_token)["input_ids"]))
    rows.sort(key=lambda row: len(row[0]))  # so that little of a batch is padding
    return [rows[i:i + BATCH] for i in range(0, len(rows), BATCH)]


def run(model, batch):
    """Logits before the tokens of verdicts, and these tokens, [batch, tokens of a verdict]."""
    import torch
    longest = max(len(prompt) + len(verdict) for prompt, verdict in batch)
    ids = [p + v + [model.config.pad_token_id] * (longest - len(p) - len(v)) for p, v in batch]
    states = model.model(input_ids=torch.tensor(ids)).last_hidden_state
    place = torch.tensor([[len(p) - 1 + i for i in range(len(v))] for p, v in batch])
    states = states[torch.arange(len(batch))[:, None], place]
    return model.lm_head(states), torch.tensor([v for _, v in batch])


def train(folder, samples, out):
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.nn.functional import cross_entropy
    from transformers import AutoTokenizer, Qwen3ForCausalLM
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = Qwen3ForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
    pairs = read_pairs(samples)
    held, batches = encode(tokenizer, pairs[:N_HELD]), encode(tokenizer, pairs[N_HELD:])
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules=MATRICES))
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, EPOCHS * len(batches), pct_start=0.1)
    for epoch in range(EPOCHS):
        random.shuffle(batches)
        total = 0
        for batch in batches:
            logits, verdicts = run(model, batch)
            loss = cross_entropy(logits.flatten(0, 1), verdicts.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1)
            optimizer.step()
            schedule.step()
            total += loss.item()
        with torch.no_grad():
            found = [logits[:, 0].argmax(1) == verdicts[:, 0] for logits, verdicts in (run(model, b) for b in held)]
        print(f"epoch {epoch}: loss {total / len(batches):.4f}, "
              f"held-out verdicts right {torch.cat(found).float().mean():.4f}", flush=True)
    adapted.merge_and_unload().save_pretrained(out)
    tokenizer.save_pretrained(out)


def main():
    random.seed(0)
    if sys.argv[1:] == ["--prompt"]:
        print(PROMPT, end="")
    elif len(sys.argv) == 3 and sys.argv[1] == "--pairs":
        for query, right, wrong in read_pairs(sys.argv[2]):
            print(json.dumps({"prompt": query, "responses": [right, wrong], "chosen": 0}))
    elif len(sys.argv) == 4:
        train(*sys.argv[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
