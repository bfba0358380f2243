"""Owns how a folder is made and asked: random weights, writing by Transformers itself, reading
back in float64, and expected.npz. Leaves which models to the tables that call it. Invariant: the
numbers are of the files on disk, not of what was in memory when they were written."""
import json
import os
import shutil
import zlib

import numpy
import torch
from transformers import AutoTokenizer

import hf_texts


def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def draw(name, shape, rng, centre, embed):
    """Values of a size at which every part of the model matters to the logits."""
    normal = torch.randn(shape, generator=rng, dtype=torch.float32)
    if "norm" in name and len(shape) == 1:
        return centre + 0.2 * normal
    if name.endswith("bias"):
        return 0.3 * normal
    if "embed" in name:
        return embed * normal
    sharper = 1.6 if "q_proj" in name or "k_proj" in name or "qkv" in name else 1.0
    return sharper * normal / shape[-1] ** 0.5


def fill(model, name, centre=1.0, embed=1.0, seed=0):
    rng = generator(f"{name} {seed}" if seed else name)
    with torch.no_grad():
        for key, parameter in sorted(model.named_parameters()):
            parameter.copy_(draw(key, parameter.shape, rng, centre, embed))
    return model


def fresh(root, name):
    folder = os.path.join(root, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def some_tokens(name, n_vocab, n):
    return torch.randint(0, n_vocab, (1, n), generator=generator("tokens of " + name))


class Apart(Exception):
    """Two ways to compute the same thing do not say the same."""


def agree(name, one, other, limit=1e-5):
    distance = float((one.double() - other).norm() / other.norm())
    if distance > limit:
        raise Apart(f"{name}: {distance:.1e}")


def run(load, name, ask):
    """What `ask` says of the folder's model in float64, checked against float32."""
    with torch.no_grad():
        answer = ask(load(torch.float64).eval())
        agree(name + " in float32", ask(load(torch.float32).eval()), answer)
    return answer


def as_bytes(text):
    return numpy.frombuffer(text.encode(), numpy.uint8).astype(numpy.int32)


def as_array(value):
    value = numpy.asarray(value)
    return value.astype(numpy.int32 if value.dtype.kind in "iub" else numpy.float32)


def save(folder, file="expected.npz", **arrays):
    """An .npz whose bytes depend on the arrays alone."""
    arrays = {key: as_array(value) for key, value in arrays.items()}
    numpy.savez_compressed(os.path.join(folder, file), **arrays)


def joined(lists):
    """Lists of numbers behind each other, and where each ends."""
    flat = numpy.asarray([x for one in lists for x in one], numpy.int32)
    return flat, numpy.cumsum([len(one) for one in lists]).astype(numpy.int32)


def of_texts(folder, wide, fast=True):
    """What the folder's tokenizer makes of plain-texts.json or wide-texts.json."""
    tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=fast)
    texts = hf_texts.WIDE_TEXTS if wide else hf_texts.PLAIN_TEXTS
    ids, ends = joined([tokenizer(text)["input_ids"] for text in texts])
    bare, bare_ends = joined([tokenizer(text, add_special_tokens=False)["input_ids"]
                              for text in texts])
    chat = [{"role": "user", "content": hf_texts.CONVERSATIONS[0][0]}]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return dict(text_ids=ids, text_ends=ends, bare_ids=bare, bare_ends=bare_ends,
                prompt=as_bytes(prompt),
                prompt_ids=tokenizer(prompt, add_special_tokens=False)["input_ids"])


def edit_json(path, fields):
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    value.update(fields)
    write_json(path, {key: x for key, x in value.items() if x is not None or key not in fields})


def join_merges(path):
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    value["model"]["merges"] = [" ".join(pair) for pair in value["model"]["merges"]]
    write_json(path, value)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out, ensure_ascii=True, indent=1)
        out.write("\n")
