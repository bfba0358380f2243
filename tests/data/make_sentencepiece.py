"""Writes sentencepiece.txt: small SentencePiece models and what they make of texts.

    python3 tests/data/make_sentencepiece.py > tests/data/sentencepiece.txt

Needs the packages sentencepiece (0.2.0 or later) and protobuf. The models are trained on this
project's own documents; the texts are lines of them and random strings. Not part of the build.
"""
import os
import random
import struct
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOURCES = ["README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "CHANGELOG.md"]

# Our own normalization: what becomes of some characters, as code points.
RULES = [("09", "20"), ("A0", "20"), ("3000", "20"), ("200B", ""), ("FB01", "66 69"),
         ("2460", "31"), ("FF21", "41"), ("65 301", "E9"), ("65 301 323", "1EB9 301"),
         ("41", "61"), ("42", "62"), ("43", "63")]

PARTS = ["a", "b", "the", " the", "ing", " ", " ", "  ", "\t", "\n", "\u00e9", "\u00fc", "\u4e2d",
         "e\u0301", "e\u0301\u0323", "\ufb01", "\u2460", "\uff21", "\u3000", "\u00a0", "\u200b",
         "\U0001f642", "0", "42", ".", ",", "(", "=", "<s>", "</s>", "<unk>", "<0x41>", "A", "B",
         "C", "\x01", "\x7f", "token", "reason", "zz"]

MODELS = [
    ("llama", dict(model_type="bpe", vocab_size=520, byte_fallback=True, character_coverage=0.98,
                   normalization_rule_name="identity", remove_extra_whitespaces=False)),
    ("t5", dict(model_type="unigram", vocab_size=300, byte_fallback=False)),
    ("t5", dict(model_type="unigram", vocab_size=520, byte_fallback=True, character_coverage=0.98,
                normalization_rule_name="identity", remove_extra_whitespaces=False,
                add_dummy_prefix=False)),
]


def make_texts(lines, rng):
    texts = ["", " ", "a", " a", "a ", "  a   b  ", "\n"]
    texts += [line[:70] for line in rng.sample(lines, 25)]
    for _ in range(40):
        texts.append("".join(rng.choice(PARTS) for _ in range(rng.randrange(1, 12))))
    return texts


def write_model(folder, kind, options, lines, rng):
    prefix = os.path.join(folder, "model")
    text, rules = prefix + ".txt", prefix + ".tsv"
    with open(text, "w", encoding="utf-8") as out:
        out.write("\n".join(lines))
    with open(rules, "w", encoding="utf-8") as out:
        out.writelines("%s\t%s\n" % rule for rule in RULES)
    if "normalization_rule_name" not in options:
        options = dict(options, normalization_rule_tsv=rules)
    sentencepiece.SentencePieceTrainer.train(input=text, model_prefix=prefix, minloglevel=2,
                                             **options)
    processor = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    proto = sentencepiece_model_pb2.ModelProto()
    with open(prefix + ".model", "rb") as model:
        proto.ParseFromString(model.read())
    spec = proto.normalizer_spec
    print("vocabulary %s %d %d" % (kind, spec.add_dummy_prefix, spec.remove_extra_whitespaces))
    if spec.precompiled_charsmap:
        print("charsmap", spec.precompiled_charsmap.hex())
    for piece in proto.pieces:
        bits = struct.unpack("<I", struct.pack("<f", piece.score))[0]
        print("token %s %d %08x" % (piece.piece.encode().hex(), piece.type, bits))
    for line in make_texts(lines, rng):
        print("text", line.encode().hex() or "-", *processor.encode(line))


def main():
    lines = []
    for source in SOURCES:
        with open(os.path.join(ROOT, source), encoding="utf-8") as text:
            lines += [line.rstrip("\n") for line in text if line.strip()]
    print("# Models and ids made by sentencepiece %s with tests/data/make_sentencepiece.py."
          % sentencepiece.__version__)
    with tempfile.TemporaryDirectory() as folder:
        for kind, options in MODELS:
            write_model(folder, kind, options, lines, random.Random(1))


main()
