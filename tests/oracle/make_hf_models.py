"""Writes tests/data/hf: small models in the form in which Transformers keeps them, and what
Transformers says of them.

    python3 tests/oracle/make_hf_models.py [NAME...]

With Transformers 5, after that: what its files say otherwise (hf_second.py).

README.md beside this file names the packages. Not part of the build.
"""
import os
import sys
import warnings

sys.dont_write_bytecode = True
os.environ["TORCHDYNAMO_DISABLE"] = "1"  # kernels compiled on the fly need not be the same ones
os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
import transformers  # noqa: E402

import hf_adapters  # noqa: E402
import hf_bitnet  # noqa: E402
import hf_causal  # noqa: E402
import hf_heads  # noqa: E402
import hf_reference  # noqa: E402
import hf_second  # noqa: E402
import hf_texts  # noqa: E402

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/hf"))

MAKERS = [(hf_causal.ROWS, hf_causal.make), (hf_causal.ONCE, hf_causal.make),
          (hf_bitnet.ROWS, hf_bitnet.make),
          (hf_heads.SEQUENCE, hf_heads.make_sequence), (hf_heads.TOKENS, hf_heads.make_tokens),
          (hf_heads.MATH, hf_heads.make_math), (hf_heads.PROCESS, hf_heads.make_process),
          (hf_heads.JUDGE, hf_heads.make_judge), (hf_adapters.ADAPTERS, hf_adapters.make),
          (hf_adapters.PREFERENCES, hf_adapters.make_preferences)]

LATER = [(hf_causal.ROWS, hf_second.make)]


def write_texts():
    os.makedirs(ROOT, exist_ok=True)
    for name in ("PLAIN_TEXTS", "WIDE_TEXTS", "CONVERSATIONS", "STEPS"):
        path = os.path.join(ROOT, name.lower().replace("_", "-") + ".json")
        hf_reference.write_json(path, getattr(hf_texts, name))


def finish(folder):
    """Makes files readable by all, which Transformers does not; their size."""
    paths = [os.path.join(folder, name) for name in os.listdir(folder)]
    for path in paths:
        os.chmod(path, 0o644)
    return sum(map(os.path.getsize, paths))


def main(names):
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    write_texts()
    later = transformers.__version__.startswith("5.")
    for rows, make in LATER if later else MAKERS:
        for row in rows:
            if not names or row.name in names:
                make(row, ROOT)
                folder = os.path.join(ROOT, "transformers-5" if later else "", row.name)
                print(f"{row.name:24} {finish(folder):7d} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
