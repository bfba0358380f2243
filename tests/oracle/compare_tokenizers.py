#!/usr/bin/env python3
"""Compares the ids that the library gives with those of the `tokenizers` package.

    compare_tokenizers.py PROGRAM FOLDER... [--texts N] [--seed S] [--max-bytes N] [--write DIR]

PROGRAM is tests/oracle/tokenize_folder. Each folder is one of Hugging Face's, with a
tokenizer.json, which the package reads, or a tokenizer.model, which SentencePiece reads.
Texts are made from a seed: English, code, many scripts, emoji, runs of white space, digits,
special tokens of the vocabulary within text, tokens of the vocabulary one behind the other,
and any characters. With --write the program writes each tokenizer into DIR, and the ids are
those that the package gives with the written one. Printed are a line per folder and the first texts that differ; exit 1 if
one does."""
import argparse
import json
import os
import random
import subprocess
import sys
import unicodedata

WORDS = """the of and to in a is that for it was on are as with his they be at one have this
from or had by hot word but what some we can out other were all there when up use your how
said an each she which do their time if will way about many then them write would like so
these her long make thing see him two has look more day could go come did number sound no
most people my over know water than call first who may down side been now find don't we'll
it's I'm they've you'd THE Of AND reasoning therefore Hence suppose integer polynomial
""".split()
CODE = """def f(x): return x ** 2 + 1\n|for (int i = 0; i < n; i++) {\n\tsum += a[i];\n}|
import numpy as np\n\n\n|#include <stdio.h>|SELECT * FROM t WHERE id = 42;|<div class="a">|
\t\tif x is None:\n\t\t\tpass|https://example.org/a?b=c&d=%20|\\frac{1}{2}|$x^2$|0x1F|1e-5|
{"key": [1, 2.5, null]}|a->b::c|//comment|/* c */|'''doc'''|`code`|&amp;|C:\\dir""".split("|")
SCRIPTS = ["привет мир", "Ελληνικά κείμενο", "中文文本測試", "日本語のテキスト", "한국어 텍스트",
           "नमस्ते दुनिया", "مرحبا بالعالم", "שלום עולם", "สวัสดีชาวโลก", "გამარჯობა", "Tiếng Việt",
           "e\u0301te\u0301", "A\u030angstro\u0308m", "\u1100\u1161\u11a8", "ﬁ ﬂ ½ Ⅷ ²", "ｆｕｌｌ",
           "\u212b\u2126", "q\u0323\u0307", "தமிழ்", "ሰላም", "ខ្មែរ", "İstanbul ſ K"]
EMOJI = ["🙂", "👩\u200d🔬", "🏳️\u200d🌈", "👍🏽", "🇩🇪", "❤️", "™", "∑∫≠", "─│┌", "█"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b",
          " \n ", "\n\t", "        ", "\n\n\n\n", "\u2581", "\u2581\u2581", "\x85", "\x0b"]
DIGITS = ["0", "7", "42", "1234", "3.14159", "1,000,000", "20240101", "٣٤٥", "１２３", "²³"]
SIGNS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + ["...", "--", "!!", "=>", "'s", "'LL", "“”", "’s"]
ODD = ["\x00", "\x01", "\x7f", "\ufffd", "\ufeff", "\u00ad", "\ue000", "\U000e0001", "\U0010ffff",
       "\ud7ff", "\U0001d400"]


def any_character(rng):
    while True:
        c = rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x10000),
                        rng.randrange(0x110000)])
        # What is assigned differs between versions of Unicode.
        if unicodedata.category(chr(c)) not in ("Cn", "Cs"):
            return chr(c)


def make_text(rng, special, tokens, most):
    kinds = [lambda: rng.choice(["", " "]) + rng.choice(WORDS), lambda: rng.choice(CODE),
             lambda: rng.choice(SCRIPTS), lambda: rng.choice(EMOJI), lambda: rng.choice(SPACES),
             lambda: rng.choice(DIGITS), lambda: rng.choice(SIGNS), lambda: rng.choice(ODD),
             lambda: any_character(rng), lambda: rng.choice(special) if special else "",
             lambda: rng.choice(tokens), lambda: rng.choice(SPACES) * rng.randrange(1, 40)]
    weights = [rng.choice([0, 0, 1, 3]) for _ in kinds]
    weights[0] += 1
    size = rng.choice([1, 3, 10, 40, most])
    text = ""
    while len(text.encode()) < size:
        text += rng.choices(kinds, weights)[0]()
    return text


def load_oracle(folder):
    """(encode, special, tokens): of a text with special tokens but nothing at its edges."""
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        import tokenizers
        t = tokenizers.Tokenizer.from_file(path)
        with open(path, encoding="utf-8") as f:
            added = [a["content"] for a in json.load(f).get("added_tokens") or []]
        return (lambda s: t.encode(s, add_special_tokens=False).ids, added,
                t.get_vocab_size(with_added_tokens=True),
                lambda i: t.decode([i], skip_special_tokens=False))
    import sentencepiece
    sp = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "tokenizer.model"))
    return (lambda s: sp.encode(s), [], sp.vocab_size(),
            lambda i: sp.id_to_piece(i).replace("\u2581", " "))


def ids_of_program(program, folder, special, texts):
    lines = "".join(t.encode().hex() + "\n" for t in texts)
    options = [] if special else ["--no-special"]
    done = subprocess.run([program, "--no-edges", *options, folder], input=lines, text=True,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode:
        return None
    return [[int(i) for i in line.split()] for line in done.stdout.split("\n")[:len(texts)]]


def ids_of_written(program, folder, args, texts):
    target = os.path.join(args.write, os.path.basename(os.path.normpath(folder)))
    os.makedirs(target, exist_ok=True)
    if subprocess.run([program, "--write", target, folder], check=False).returncode:
        return None
    encode = load_oracle(target)[0]
    return [encode(t) for t in texts]


def compare(program, folder, args):
    encode, special, size, spell = load_oracle(folder)
    rng = random.Random(args.seed)
    tokens = [spell(rng.randrange(size)) for _ in range(3000)]
    tokens = [t for t in tokens if "\ufffd" not in t] or ["a"]
    texts = [make_text(rng, special, tokens, args.max_bytes) for _ in range(args.texts)]
    got = ids_of_written(program, folder, args, texts) if args.write else \
        ids_of_program(program, folder, special, texts)
    if got is None:
        print(f"{folder}: the program failed")
        return False
    wrong = [(t, encode(t), g) for t, g in zip(texts, got) if encode(t) != g]
    n_ids = sum(map(len, got))
    print(f"{folder}: {len(texts)} texts, {sum(len(t.encode()) for t in texts)} bytes, "
          f"{n_ids} ids, {len(wrong)} differ")
    for text, want, have in wrong[:args.show]:
        at = next((i for i, (a, b) in enumerate(zip(want, have)) if a != b),
                  min(len(want), len(have)))
        print(f"  {text!r}\n    at {at}: theirs {want[at:at + 8]} "
              f"{[spell(i) for i in want[at:at + 8]]}\n    ours {have[at:at + 8]} "
              f"{[spell(i) for i in have[at:at + 8]]}")
    return not wrong and len(got) == len(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-bytes", type=int, default=300)
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--write", metavar="DIR")
    args = parser.parse_args()
    results = [compare(args.program, f, args) for f in args.folders]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
