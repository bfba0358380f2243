#!/usr/bin/env python3
"""Writes reason-tiny-lora.gguf: a small adapter with random factors for the model that ships
(share/reason-tiny.gguf), for tests of the command and the interface. Needs nothing but
Python.

    make_adapter.py OUT
"""
import random
import struct
import sys

RANK = 2
ALPHA = 4.0
# Matrices of the model that are changed: columns and rows.
CHANGED = {"blk.0.attn_q.weight": (256, 256), "blk.3.ffn_down.weight": (512, 256)}
STRING, F32_VALUE, F32_TENSOR, ALIGNMENT = 8, 6, 0, 32


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def factors():
    """Name, shape and values of each factor."""
    rng = random.Random(7)
    for name, (cols, rows) in CHANGED.items():
        for suffix, shape in ((".lora_a", (cols, RANK)), (".lora_b", (RANK, rows))):
            yield name + suffix, shape, [rng.gauss(0, 0.2) for _ in range(shape[0] * shape[1])]


def main():
    pairs = b"".join(
        text(key) + struct.pack("<I", STRING) + text(value)
        for key, value in (
            ("general.architecture", "qwen3"),
            ("general.type", "adapter"),
            ("adapter.type", "lora"),
        )
    ) + text("adapter.lora.alpha") + struct.pack("<If", F32_VALUE, ALPHA)
    entries, data = b"", b""
    for name, shape, values in factors():
        entries += text(name) + struct.pack("<IQQIQ", 2, *shape, F32_TENSOR, len(data))
        data += struct.pack("<%df" % len(values), *values)
        data += bytes(-len(data) % ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, 2 * len(CHANGED), 4) + pairs + entries
    with open(sys.argv[1], "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT) + data)


main()
