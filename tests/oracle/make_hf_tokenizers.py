#!/usr/bin/env python3
"""Makes the small tokenizers of tests/data/hf-tokenizers: trained on texts of this tree with
the packages `tokenizers` and `sentencepiece`, each with ids that these packages give.

    make_hf_tokenizers.py [FOLDER]

Beside the files of a tokenizer stands expected.txt: a line per text, its bytes in hexadecimal
digits ("-" for none) and its ids, nothing added at its edges; a line "edges" before texts
whose ids have what the tokenizer adds."""
import contextlib
import json
import os
import random
import shutil
import sys

import sentencepiece
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

from compare_tokenizers import make_text

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOURCES = ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/THINKING.md",
           "lib/text/vocab.c", "lib/base/json.c"]
SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
LINES = SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES
OWN = r"\p{Lu}?\p{Ll}+|\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]{1,4}|\s+(?=\S)|\s+"
TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
SPECIAL = [AddedToken("<|end|>", special=True, normalized=False),
           AddedToken("<|user|>", special=True, normalized=False),
           AddedToken("<think>", special=False, normalized=False),
           AddedToken("</think>", special=False, normalized=False)]


def corpus():
    for source in SOURCES:
        path = os.path.join(ROOT, source)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                yield from f.read().splitlines()
    yield from ["é à ü ß 中文 日本語 привет мир 한국어 🙂"] * 20


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def bytes_last(*first, prefix=False):
    return pre_tokenizers.Sequence([*first, pre_tokenizers.ByteLevel(
        add_prefix_space=prefix, use_regex=not first)])


def level(pre, normalizer=None, ignore_merges=False, size=400):
    t = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(corpus(), trainer)
    t.add_special_tokens(SPECIAL[:2])
    t.add_tokens(SPECIAL[2:])
    return t


BYTES = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)]


def pieces(normalizer, pre, size=460):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer:
        t.normalizer = normalizer
    if pre:
        t.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=BYTES)
    lines = list(corpus())
    t.train_from_iterator(lines, trainer)
    # Bytes are tokens of the model alone.
    state = json.loads(t.to_str())
    state["added_tokens"] = [a for a in state["added_tokens"] if a["id"] < 3]
    t = Tokenizer.from_str(json.dumps(state))
    t.add_tokens(SPECIAL[2:])
    return t


def spelt(prepend):
    steps = [normalizers.Prepend("\u2581")] if prepend else []
    return normalizers.Sequence([*steps, normalizers.Replace(" ", "\u2581")])


def unigram():
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    trainer = trainers.UnigramTrainer(vocab_size=300, show_progress=False, unk_token="<unk>",
                                      special_tokens=["<pad>", "</s>", "<unk>"])
    t.train_from_iterator(corpus(), trainer)
    return t


def begins_with(t, token):
    t.post_processor = processors.TemplateProcessing(
        single=token + " $A", pair=token + " $A $B",
        special_tokens=[(token, t.token_to_id(token))])
    return t


def with_runs(t):
    """Runs of U+2581 that the model has, as added tokens too."""
    runs = [s for s in t.get_vocab() if len(s) > 1 and set(s) == {"\u2581"}]
    assert runs
    t.add_tokens([AddedToken(s, special=False, normalized=False) for s in sorted(runs)])
    return t


def with_strips(t):
    t.add_special_tokens([AddedToken("<|l|>", special=True, normalized=False, lstrip=True),
                          AddedToken("<|r|>", special=True, normalized=False, rstrip=True),
                          AddedToken("<|lr|>", special=True, normalized=False, lstrip=True,
                                     rstrip=True)])
    return t




def make_all():
    nfc = normalizers.NFC()
    three = "{1,3}"
    yield "qwen", level(bytes_last(split(LINES % "")), nfc), {
        "eos_token": "<|end|>", "pad_token": {"__type": "AddedToken", "content": "<|user|>"},
        "bos_token": None, "add_bos_token": False, "chat_template": TEMPLATE}
    yield "llama3", begins_with(level(bytes_last(split(LINES % three)), None, True),
                                "<|user|>"), {
        "bos_token": "<|user|>", "eos_token": "<|end|>",
        "chat_template": [{"name": "default", "template": TEMPLATE},
                          {"name": "tool_use", "template": "tools " + TEMPLATE}]}
    yield "pattern", with_strips(level(bytes_last(split(OWN)))), {"eos_token": "<|end|>"}
    yield "two-patterns", level(bytes_last(split(r"[0-9]{2}"), split(OWN), )), {
        "eos_token": "<|end|>"}
    yield "starcoder", level(bytes_last(pre_tokenizers.Digits(individual_digits=True),
                                        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d"
                                                                   r"| ?\p{L}+| ?\p{N}+"
                                                                   r"| ?[^\s\p{L}\p{N}]+"
                                                                   r"|\s+(?!\S)|\s+"),
                                                             "isolated"))), {
        "eos_token": "<|end|>"}
    yield "gpt2-prefix", level(bytes_last(prefix=True)), {"eos_token": "<|end|>"}
    yield "llama2", begins_with(pieces(spelt(True), None), "<s>"), {
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True,
        "add_eos_token": True}
    yield "gemma", begins_with(with_runs(pieces(spelt(False), pre_tokenizers.Split(
        " ", "merged_with_previous"))), "<s>"), {"bos_token": "<s>", "eos_token": "</s>"}
    yield "first", with_strips(pieces(None, pre_tokenizers.Metaspace(
        prepend_scheme="first", split=False))), {"eos_token": "</s>"}
    yield "words", pieces(None, pre_tokenizers.Metaspace(prepend_scheme="always", split=True)), {
        "eos_token": "</s>"}
    yield "unigram", unigram(), {"eos_token": "</s>", "pad_token": "<pad>"}


def write_expected(folder, encode, edges, special, tokens):
    rng = random.Random(7)
    texts = ["", " ", "  ", "a", " a", "e\u0301 A\u030a"]
    texts += [make_text(rng, special, tokens, 90) for _ in range(60)]
    with open(os.path.join(folder, "expected.txt"), "w", encoding="ascii") as f:
        for text in texts:
            print(text.encode().hex() or "-", *encode(text), file=f)
        if edges:
            print("edges", file=f)
            for text in texts[:12]:
                print(text.encode().hex() or "-", *edges(text), file=f)


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))


def write_tokenizer(folder, t, config):
    os.makedirs(folder)
    write_json(folder, "tokenizer.json", json.loads(t.to_str()))
    write_json(folder, "tokenizer_config.json", config)
    special = [a.content for a in t.get_added_tokens_decoder().values()]
    tokens = [t.decode([i]) for i in range(t.get_vocab_size())]
    edges = lambda s: t.encode(s).ids
    write_expected(folder, lambda s: t.encode(s, add_special_tokens=False).ids,
                   edges if t.post_processor and not config.get("add_eos_token") else None,
                   special, [s for s in tokens if s and "\ufffd" not in s])


def write_older(folder, t):
    """vocab.json and merges.txt, the same tokenizer as an older folder has it."""
    os.makedirs(folder)
    state = json.loads(t.to_str())
    write_json(folder, "vocab.json", state["model"]["vocab"])
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in
                                            state["model"]["merges"]))
    write_json(folder, "added_tokens.json", {a["content"]: a["id"]
                                             for a in state["added_tokens"]})
    write_json(folder, "tokenizer_config.json", {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": {str(a["id"]): {k: a[k] for k in ("content", "special")}
                                 for a in state["added_tokens"] if a["special"]}})
    write_json(folder, "special_tokens_map.json", {"eos_token": {"content": "<|end|>"}})
    write_json(folder, "chat_template.json", {"chat_template": "not this one"})
    with open(os.path.join(folder, "chat_template.jinja"), "w", encoding="utf-8") as f:
        f.write(TEMPLATE)
    write_json(folder, "generation_config.json", {
        "eos_token_id": [t.token_to_id("<|end|>"), t.token_to_id("<|user|>")]})
    special = [a["content"] for a in state["added_tokens"]]
    write_expected(folder, lambda s: t.encode(s, add_special_tokens=False).ids, None, special,
                   ["the", " of", "x"])


def write_model(folder, **options):
    os.makedirs(folder)
    prefix = os.path.join(folder, "tokenizer")
    with open(os.devnull, "w", encoding="ascii") as quiet, contextlib.redirect_stderr(quiet):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(list(corpus())), model_prefix=prefix, minloglevel=2,
            hard_vocab_limit=False, num_threads=1, **options)
    os.remove(prefix + ".vocab")
    sp = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    tokens = [sp.id_to_piece(i).replace("\u2581", " ") for i in range(sp.vocab_size())]
    write_expected(folder, sp.encode, None, [],
                   [t for t in tokens if not t.startswith("<")])


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "tests", "data",
                                                                "hf-tokenizers")
    shutil.rmtree(target, ignore_errors=True)
    for name, t, config in make_all():
        write_tokenizer(os.path.join(target, name), t, config)
        if name == "qwen":
            write_older(os.path.join(target, "older"), t)
    write_model(os.path.join(target, "model-bpe"), vocab_size=420, model_type="bpe",
                byte_fallback=True, normalization_rule_name="identity",
                remove_extra_whitespaces=False)
    write_model(os.path.join(target, "model-unigram"), vocab_size=300, model_type="unigram",
                normalization_rule_name="identity")


if __name__ == "__main__":
    main()
