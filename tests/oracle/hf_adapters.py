"""Owns LoRA adapters, written by PEFT, and what their models say; and log-likelihoods as rewards.
Leaves drawing and asking to hf_reference.py. Invariant: the models below them are folders that
hf_causal.py has made."""
import json
import os
from collections import namedtuple

import peft
import torch
import transformers
from transformers import AutoTokenizer

import hf_causal
import hf_reference
import hf_texts

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# name, the folder below it, its class, what differs from r 4, alpha 8, all seven projections
Row = namedtuple("Row", "name base kind config")

ADAPTERS = [
    Row("llama-lora", "llama", "Llama", {}),
    Row("qwen2-lora", "qwen2", "Qwen2", dict(use_rslora=True)),
    # ranks and alphas of some modules alone; with both ends of the model
    Row("llama-lora-patterns", "llama", "Llama", dict(
        use_rslora=True, target_modules=PROJECTIONS + ["embed_tokens", "lm_head"],
        rank_pattern={"k_proj": 2, "layers.1.mlp.down_proj": 7},
        alpha_pattern={"q_proj": 3, "model.layers.0.self_attn.q_proj": 9})),
    # of an embedding that is the output too, PEFT changes what tokens become alone
    Row("qwen2-lora-tied", "qwen2", "Qwen2", dict(
        r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "up_proj", "embed_tokens"])),
    Row("phi3-lora", "phi3", "Phi3", dict(
        r=5, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"])),
]

# name: the policy's folder too; base: the reference's
PREFERENCES = [Row("qwen2-yarn", "qwen3", ("Qwen2", "Qwen3"), {})]


def load(root, base, kind, dtype):
    model_class = getattr(transformers, kind + "ForCausalLM")
    return hf_causal.load_of(model_class, os.path.join(root, base))(dtype)


def write(row, root, folder):
    """What PEFT keeps, in an order that does not change from run to run."""
    config = peft.LoraConfig(**{**dict(r=4, lora_alpha=8, target_modules=PROJECTIONS,
                                       task_type="CAUSAL_LM"), **row.config})
    model = peft.get_peft_model(load(root, row.base, row.kind, torch.float32), config)
    rng = hf_reference.generator(row.name)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=rng))
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "README.md"))
    path = os.path.join(folder, "adapter_config.json")
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    written.update(base_model_name_or_path=row.base,
                   target_modules=row.config.get("target_modules", PROJECTIONS))
    hf_reference.write_json(path, written)


def make(row, root):
    folder = hf_reference.fresh(root, row.name)
    write(row, root, folder)

    def with_adapter(dtype):
        model = load(root, row.base, row.kind, dtype)
        return peft.PeftModel.from_pretrained(model, folder, autocast_adapter_dtype=False)

    n_vocab = load(root, row.base, row.kind, torch.float32).config.vocab_size
    tokens = hf_reference.some_tokens(row.name, n_vocab, hf_causal.N_TOKENS)
    logits = hf_reference.run(with_adapter, row.name, lambda model: model(tokens).logits[0])
    rows = list(range(1, hf_causal.N_TOKENS, 2))[-hf_causal.N_ROWS:]
    hf_reference.save(folder, tokens=tokens[0], rows=rows, logits=logits[rows])

# --- log-likelihoods ---------------------------------------------------------------------


def samples(tokenizer):
    """Ids of every prompt, opened for the answer, and of every answer with what ends a turn."""
    for prompt, responses in hf_texts.CONVERSATIONS:
        opened = tokenizer.apply_chat_template([{"role": "user", "content": prompt}],
                                               add_generation_prompt=True)
        for response in responses:
            answer = tokenizer(response, add_special_tokens=False)["input_ids"]
            yield opened, answer + [tokenizer.eos_token_id]


def ask_likelihoods(pairs):
    """ln p of every token of the answers, one behind the other."""
    def ask(model):
        parts = []
        for prompt, answer in pairs:
            logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1:-1]
            chances = logits.log_softmax(-1)
            parts.append(chances.gather(1, torch.tensor(answer)[:, None])[:, 0])
        return torch.cat(parts)
    return ask


def make_preferences(row, root):
    folder = os.path.join(root, row.name)
    pairs = list(samples(AutoTokenizer.from_pretrained(folder)))
    asked = [hf_reference.run(lambda dtype: load(root, base, kind, dtype), base,
                              ask_likelihoods(pairs))
             for base, kind in zip((row.name, row.base), row.kind)]
    prompts, prompt_ends = hf_reference.joined([prompt for prompt, _ in pairs])
    ids, ends = hf_reference.joined([answer for _, answer in pairs])
    sums = [torch.stack([part.sum() for part in one.split([len(a) for _, a in pairs])])
            for one in asked]
    hf_reference.save(folder, "likelihoods.npz", prompts=prompts, prompt_ends=prompt_ends, ids=ids,
                      ends=ends, policy=asked[0], reference=asked[1], sums=sums[0],
                      margins=sums[0] - sums[1])
