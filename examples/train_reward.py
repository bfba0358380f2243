#!/usr/bin/env python3
"""Trains a scalar reward model on samples that a checker has labelled: the model that made them
with a head of one output on the last token's state, and with --rank also LoRA (arXiv
2106.09685) in its layers. Needs torch, transformers and peft.

    reason convert share/reason-tiny.gguf folder
    rewards --write TASKS.jsonl 8 auto 1 > samples.jsonl     (examples/rewards.c)
    train_reward.py folder samples.jsonl reward --rank 16
    reason quantize --type keep reward reward.gguf

Loss: Bradley and Terry's on every pair of a right and a wrong response to one task, and the
logistic loss on each response, so that the sigmoid of a reward is a chance of being right; with
LoRA at each of its tokens, as a slip is easier to find where it is than from the end. A
tenth of the tasks that is held out chooses the epoch that is written.
"""
import argparse
import json
import random

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid
from transformers import AutoTokenizer, Qwen3ForSequenceClassification

MATRICES = "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj".split()


def read_tasks(path, tokenizer):
    """Tasks that have right responses and wrong ones, each text once: [(sequences, labels)], a
    sequence being ids and the place where its response begins."""
    def render(prompt, *response):
        messages = [{"role": "user", "content": prompt}]
        messages += [{"role": "assistant", "content": r} for r in response]
        return tokenizer.apply_chat_template(messages, add_generation_prompt=not response)

    tasks = []
    for line in open(path):
        task = json.loads(line)
        labels = dict(zip(task["responses"], task["labels"]))
        if len(set(labels.values())) == 2:
            start = len(render(task["prompt"]))
            tasks.append(([(render(task["prompt"], r), start) for r in labels], list(labels.values())))
    return tasks


def encode(model, sequences):
    """States of all tokens [n, longest, width], and a mask of those of responses."""
    longest, pad = max(len(ids) for ids, _ in sequences), model.config.pad_token_id
    ids = torch.tensor([ids + [pad] * (longest - len(ids)) for ids, _ in sequences])
    place = torch.arange(longest)
    end, start = (torch.tensor(x)[:, None] for x in ([len(ids) for ids, _ in sequences], [s for _, s in sequences]))
    states = model.model(input_ids=ids, attention_mask=(place < end).long()).last_hidden_state
    return states, (place >= start) & (place < end)


def compare(model, batch):
    """Differences of reward in all pairs of right and wrong; outputs at all tokens of responses
    and their labels. The reward is the last output."""
    states, mask = batch["states"] if "states" in batch else encode(model, batch["sequences"])
    outputs = model.score(states)[..., 0]
    last = (mask * torch.arange(mask.shape[1])).argmax(1)
    rewards = outputs[torch.arange(len(outputs)), last]
    owner, labels = batch["owner"], batch["labels"]
    pairs = (owner[:, None] == owner) & (labels[:, None] > labels)
    return (rewards[:, None] - rewards)[pairs], outputs[mask], labels[:, None].expand(mask.shape)[mask]


@torch.no_grad()
def accuracy(model, batches):
    gaps = torch.cat([compare(model, batch)[0] for batch in batches])
    return ((gaps > 0).float() + (gaps == 0).float() / 2).mean().item()


def train(model, batches, held, a):
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=a.rate, weight_decay=a.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, a.rate, a.epochs * len(batches), pct_start=0.1)
    best, kept = 0, None
    for epoch in range(a.epochs):
        random.shuffle(batches)
        total = 0
        for batch in batches:
            gaps, outputs, labels = compare(model, batch)
            loss = binary_cross_entropy_with_logits(outputs, labels) - logsigmoid(gaps).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1)
            optimizer.step()
            schedule.step()
            total += loss.item()
        now = accuracy(model, held)
        print(f"epoch {epoch}: loss {total / len(batches):.4f}, held-out pairs {now:.4f}", flush=True)
        if now > best:
            best, kept = now, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)


def batches_of(tasks, n):
    """Batches of n tasks, of like length, so that little is padding."""
    tasks = sorted(tasks, key=lambda task: max(len(ids) for ids, _ in task[0]))
    return [{"sequences": [s for sequences, _ in part for s in sequences],
             "labels": torch.tensor([float(x) for _, labels in part for x in labels]),
             "owner": torch.tensor([t for t, (_, labels) in enumerate(part) for _ in labels])}
            for part in (tasks[i:i + n] for i in range(0, len(tasks), n))]


@torch.no_grad()
def freeze(model, batches):
    """Without LoRA the states are the same in every epoch, and the last ones are all it takes."""
    for batch in batches:
        states, mask = encode(model, batch["sequences"])
        last = (mask * torch.arange(mask.shape[1])).argmax(1)
        batch["states"] = states[torch.arange(len(last)), last][:, None], torch.ones(len(last), 1, dtype=bool)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder")
    p.add_argument("samples", nargs="+")
    p.add_argument("out")
    p.add_argument("--rank", type=int, default=0, help="of LoRA; 0: the head alone is trained")
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--batch", type=int, default=16, help="tasks")
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.01)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    tokenizer = AutoTokenizer.from_pretrained(a.folder)
    model = Qwen3ForSequenceClassification.from_pretrained(
        a.folder, num_labels=1, torch_dtype=torch.float32)
    tasks = [t for path in a.samples for t in read_tasks(path, tokenizer)]
    print(len(tasks), "tasks with right and wrong responses,", sum(len(ids) for ids, _ in tasks), "responses")
    random.shuffle(tasks)
    n_held = len(tasks) // 10
    held, batches = batches_of(tasks[:n_held], a.batch), batches_of(tasks[n_held:], a.batch)
    adapted = a.rank and get_peft_model(model, LoraConfig(
        task_type="SEQ_CLS", r=a.rank, lora_alpha=2 * a.rank, target_modules=MATRICES))
    if not adapted:
        model.model.requires_grad_(False)
        freeze(model, held + batches)
    train(model, batches, held, a)
    model = adapted.merge_and_unload() if adapted else model
    model.save_pretrained(a.out)
    tokenizer.save_pretrained(a.out)


if __name__ == "__main__":
    main()
