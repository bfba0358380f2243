"""Owns what a later Transformers writes beside the same weights: config.json and
tokenizer_config.json have other forms from release 5 on. Leaves making folders to hf_causal.py.
Invariant: weights, ids and logits are those of the folder that is there, or nothing is kept."""
import filecmp
import os
import shutil
import tempfile

import numpy

import hf_causal

KEPT = ("config.json", "tokenizer_config.json")


def same_numbers(one, other):
    with numpy.load(one) as a, numpy.load(other) as b:
        assert sorted(a) == sorted(b)
        for key in a:
            assert a[key].dtype == b[key].dtype and a[key].shape == b[key].shape, key
            assert numpy.allclose(a[key], b[key], rtol=1e-6, atol=1e-6), key


def make(row, root):
    plain = row._replace(more={key: x for key, x in row.more.items() if key != "edit"})
    target = os.path.join(root, "transformers-5", row.name)
    os.makedirs(target, exist_ok=True)
    with tempfile.TemporaryDirectory() as other_root:
        hf_causal.make(plain, other_root)
        made, kept = os.path.join(other_root, row.name), os.path.join(root, row.name)
        same_numbers(os.path.join(made, "expected.npz"), os.path.join(kept, "expected.npz"))
        for name in sorted(os.listdir(made)):
            if name.endswith(".safetensors"):
                assert filecmp.cmp(os.path.join(made, name), os.path.join(kept, name), False), name
        for name in KEPT:
            shutil.copy(os.path.join(made, name), os.path.join(target, name))
