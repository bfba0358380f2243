#!/usr/bin/env python3
"""Trains a scalar reward model on samples that a checker has labelled: the model that made them
with a head of one output on the last token's state, and with --rank also LoRA (arXiv
2106.09685) in its layers. Needs torch, transformers and peft.

    reason convert share/reason-tiny.gguf folder
    rewards --write TASKS.jsonl 8 auto 1 > samples.jsonl     (examples/rewards.c)
    train_reward.py folder samples.jsonl reward --rank 16
    reason quantize --type keep reward reward.gguf

Loss: Bradley and Terry's on every pair of a right and a wrong response to one task, and the
logistic loss on each response, so that the sigmoid of a reward is a chance of being right. The
last tenth of the tasks is held out; the epoch that ranks its pairs best is what is written.
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
    """Tasks that have right responses and wrong ones: [(ids, labels)], each text once."""
    tasks = []
    for line in open(path):
        task = json.loads(line)
        labels = dict(zip(task["responses"], task["labels"]))
        if len(set(labels.values())) == 2:
            texts = [tokenizer.apply_chat_template(
                [{"role": "user", "content": task["prompt"]}, {"role": "assistant", "content": r}],
                tokenize=False) for r in labels]
            ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
            tasks.append((ids, list(labels.values())))
    return tasks


def rewards_of(model, sequences):
    """Rewards of sequences of ids, padded behind: the head reads the last token before that."""
    longest, pad = max(map(len, sequences)), model.config.pad_token_id
    ids = torch.tensor([s + [pad] * (longest - len(s)) for s in sequences])
    mask = torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in sequences])
    return model(input_ids=ids, attention_mask=mask).logits[:, 0]


def compare(model, tasks):
    """Differences of reward in all pairs of right and wrong, and rewards with their labels."""
    rewards = rewards_of(model, [s for ids, _ in tasks for s in ids])
    labels = torch.tensor([float(x) for _, labels in tasks for x in labels])
    owner = torch.tensor([t for t, (_, labels) in enumerate(tasks) for _ in labels])
    pairs = (owner[:, None] == owner) & (labels[:, None] > labels)
    return (rewards[:, None] - rewards)[pairs], rewards, labels


@torch.no_grad()
def accuracy(model, tasks):
    model.eval()
    gaps = torch.cat([compare(model, tasks[i:i + 16])[0] for i in range(0, len(tasks), 16)])
    model.train()
    return ((gaps > 0).float() + (gaps == 0).float() / 2).mean().item()


def train(model, tasks, a):
    rng = random.Random(a.seed)
    held, tasks = tasks[-len(tasks) // 10:], tasks[:-len(tasks) // 10]
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=a.rate, weight_decay=a.decay)
    n_steps = a.epochs * (len(tasks) // a.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, a.rate, n_steps, pct_start=0.1)
    best, kept = 0, None
    for epoch in range(a.epochs):
        rng.shuffle(tasks)
        total = 0
        for i in range(len(tasks) // a.batch):
            gaps, rewards, labels = compare(model, tasks[i * a.batch:(i + 1) * a.batch])
            loss = binary_cross_entropy_with_logits(rewards, labels) - logsigmoid(gaps).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1)
            optimizer.step()
            schedule.step()
            total += loss.item()
        now = accuracy(model, held)
        print(f"epoch {epoch}: loss {total / (len(tasks) // a.batch):.4f}, held-out pairs {now:.4f}", flush=True)
        if now > best:
            best, kept = now, {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(kept)


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
    tokenizer = AutoTokenizer.from_pretrained(a.folder)
    model = Qwen3ForSequenceClassification.from_pretrained(a.folder, num_labels=1, torch_dtype=torch.float32)
    tasks = [t for path in a.samples for t in read_tasks(path, tokenizer)]
    random.Random(a.seed).shuffle(tasks)
    print(len(tasks), "tasks with right and wrong responses,", sum(len(ids) for ids, _ in tasks), "responses")
    if a.rank:
        model = get_peft_model(model, LoraConfig(
            task_type="SEQ_CLS", r=a.rank, lora_alpha=2 * a.rank, target_modules=MATRICES))
    else:
        model.model.requires_grad_(False)
    train(model, tasks, a)
    model = model.merge_and_unload() if a.rank else model
    model.save_pretrained(a.out)
    tokenizer.save_pretrained(a.out)


if __name__ == "__main__":
    main()
