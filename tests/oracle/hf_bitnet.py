"""Owns the folders of BitNet: masters that are rounded at each call, and packed weights in both
senses of their scale. Leaves drawing and asking to hf_reference.py. Invariant: the numbers come
from the layers that Transformers itself puts in place when it reads the folder."""
import contextlib
import os

import torch
from safetensors.torch import load_file, save_file
from transformers.integrations.bitnet import pack_weights

import hf_causal
import hf_reference
from hf_causal import BF16, LLAMA3, QWEN2, Row

WIDE = dict(hidden_size=128, intermediate_size=128, num_attention_heads=8, num_key_value_heads=2)
NARROW = dict(intermediate_size=64, hidden_size=64, num_hidden_layers=1)
CLEAR = 2e-6  # of a value: several times what float32 makes of it


def quantized(mode=None):
    config = dict(quant_method="bitnet", modules_to_not_convert=None)
    if mode:
        config.update(linear_class="autobitlinear", quantization_mode=mode)
    return dict(edit=dict(quantization_config=config))


ROWS = [
    Row("bitnet-online", "BitNet", BF16, LLAMA3, False,
        dict(rope_theta=500000.0, tie_word_embeddings=True, **NARROW), quantized("online")),
    Row("bitnet-offline", "BitNet", BF16, LLAMA3, False,
        dict(rope_theta=500000.0, tie_word_embeddings=True, **WIDE), quantized("offline")),
    Row("bitnet-llama", "Llama", BF16, LLAMA3, False, dict(num_hidden_layers=1, **WIDE),
        quantized()),
]


def is_projection(name):
    return name.endswith("proj.weight")


def pack(folder, divide):
    """Puts ternary weights in the place of each projection, with a scale of one number."""
    path = os.path.join(folder, "model.safetensors")
    tensors = {}
    for name, weight in load_file(path).items():
        if not is_projection(name):
            tensors[name] = weight
            continue
        scale = weight.float().abs().mean()
        tensors[name] = pack_weights((weight.float() / scale).round().clamp(-1, 1))
        one = (1 / scale if divide else scale).to(weight.dtype).reshape(1)
        tensors[name + "_scale"] = one
    save_file(tensors, path, metadata={"format": "pt"})


@contextlib.contextmanager
def watched_rounding():
    """A list whose one member is how near to a border a rounded value was, by its own size."""
    nearest, plain = [1.0], torch.Tensor.round

    def watch(x):
        distance = ((x - x.floor() - 0.5).abs() / x.abs().clamp(min=1.0)).min()
        nearest[0] = min(nearest[0], float(distance))
        return plain(x)
    torch.Tensor.round = watch
    try:
        yield nearest
    finally:
        torch.Tensor.round = plain


def attempt(row, root):
    """The answers, and how near the nearest rounding was."""
    folder = hf_reference.fresh(root, row.name)
    model_class, n_vocab = hf_causal.write(row, folder)
    mode = row.more["edit"]["quantization_config"].get("quantization_mode")
    if mode != "online":
        pack(folder, divide=mode is None)
    with watched_rounding() as nearest:
        answers = hf_causal.logits_of(row, model_class, folder, n_vocab, hf_causal.N_TOKENS)
    return folder, answers, nearest[0]


def make(row, root):
    """Takes the first weights whose roundings no order of additions can turn."""
    for seed in range(2000):
        try:
            seeded = row._replace(more={**row.more, "fill": dict(seed=seed)})
            folder, answers, nearest = attempt(seeded, root)
        except hf_reference.Apart:
            continue
        if nearest > CLEAR:
            break
    else:
        raise SystemExit(f"{row.name}: no seed is clear of borders")
    hf_reference.save(folder, **answers, **hf_reference.of_texts(folder, row.wide))
