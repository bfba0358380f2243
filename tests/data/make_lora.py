#!/usr/bin/env python3
"""Writes lora/NAME: small random Hugging Face models with PEFT adapters, and the logits that
Transformers gives in float64 with PEFT's own forward pass. What is there was made with
transformers 4.57.6, peft 0.18.1 and torch 2.6.0.

    make_lora.py FOLDER
"""
import json
import os
import sys

import peft
import torch
import transformers

SIZES = dict(vocab_size=48, hidden_size=32, intermediate_size=40, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
             bos_token_id=1, eos_token_id=2, pad_token_id=0)
TOKENS = [1, 7, 3, 40, 22, 22, 5, 47, 0, 13, 31, 9]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# Class, what differs in its configuration, and its adapter.
CASES = {
    "llama": (
        transformers.LlamaConfig, dict(tie_word_embeddings=False),
        dict(r=4, lora_alpha=6, use_rslora=True, target_modules=LINEAR + ["embed_tokens", "lm_head"],
             rank_pattern={"k_proj": 2, "layers.1.mlp.down_proj": 7},
             alpha_pattern={"q_proj": 3, "model.layers.0.self_attn.q_proj": 9})),
    "qwen2": (
        transformers.Qwen2Config, dict(tie_word_embeddings=True),
        dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "up_proj", "embed_tokens"])),
    "phi3": (
        transformers.Phi3Config, dict(tie_word_embeddings=False),
        dict(r=5, lora_alpha=5, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"])),
}


def fill(tensors, generator, scale):
    """Random values, but for norms."""
    for name, tensor in tensors:
        if "norm" not in name:
            with torch.no_grad():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale)


def make(folder, number, config_class, changes, lora):
    generator = torch.Generator().manual_seed(number)
    model = transformers.AutoModelForCausalLM.from_config(
        config_class(**{**SIZES, **changes})).to(torch.bfloat16)
    fill(model.named_parameters(), generator, 0.15)
    model.save_pretrained(folder)
    adapted = peft.get_peft_model(model.float(), peft.LoraConfig(task_type="CAUSAL_LM", **lora))
    fill(((n, p) for n, p in adapted.named_parameters() if "lora_" in n), generator, 0.2)
    adapted.save_pretrained(os.path.join(folder, "adapter"))


def run(folder):
    """As anyone would read the two folders: patterns are sorted there."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    adapted = peft.PeftModel.from_pretrained(model, os.path.join(folder, "adapter"))
    with torch.no_grad():
        logits = adapted.double().eval()(torch.tensor([TOKENS])).logits[0]
    logits.float().numpy().tofile(os.path.join(folder, "logits"))


def tidy(folder):
    """No cards, no paths of the machine."""
    for name in ("generation_config.json", "adapter/README.md"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.remove(path)
    path = os.path.join(folder, "adapter/adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    config["base_model_name_or_path"] = None
    for key in ("target_modules",):  # a set, in no order
        config[key] = sorted(config[key])
    with open(path, "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


def main():
    for number, (name, case) in enumerate(CASES.items()):
        folder = os.path.join(sys.argv[1], "lora", name)
        make(folder, number, *case)
        tidy(folder)
        run(folder)


main()
