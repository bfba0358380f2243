#!/usr/bin/env python3
"""Runs this library and, where paths to its programs are given, a peer engine in turn on
the same machine, and prints medians and ratios. Runs alternate so that a neighbour's load
or a change of clock meets both.

    compare.py speed    --ours ./reason [--peer llama-bench] -m MODEL [--peer-model MODEL]
    compare.py batch    --ours ./reason [--peer llama-batched-bench] -m MODEL ... -b 1,4,16
    compare.py prefix   --ours examples/batch [--peer llama-batched-bench] -m MODEL ... -p 200
    compare.py load     --ours ./reason [--peer llama-bench] -m MODEL ...
    compare.py quantize --ours ./reason [--peer llama-quantize] -m F16-MODEL --type Q4_K_M

Options: -p prompt tokens, -n generated tokens, -t threads, -r rounds, --json. The peer's
programs are those of llama.cpp and its kin."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time


def run(command, also_errors=False):
    """What a command, which must succeed, says, and its seconds."""
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout + (done.stderr if also_errors else ""), seconds


def ours_speed(a, _):
    out, _ = run([a.ours, "bench", "-m", a.model, "-p", str(a.prompt), "-n", str(a.n),
                  "-t", str(a.threads), "--json"])
    found = json.loads(out)
    return {"prefill tok/s": found["prefill_tok_s"], "decode tok/s": found["decode_tok_s"],
            "bandwidth share": found["bandwidth_share"],
            "int8 peak share": found["int8_peak_share"],
            "resident MiB": found["rss_bytes"] / 2**20}


def peer_speed(a, _):
    out, _ = run([a.peer, "-m", a.peer_model, "-p", str(a.prompt), "-n", str(a.n),
                  "-t", str(a.threads), "-r", "1", "-o", "json"])
    found = {}
    for row in json.loads(out):
        name = "prefill tok/s" if row["n_prompt"] else "decode tok/s"
        found[name] = row["avg_ts"]
    return found


def ours_batch(a, batch):
    out, _ = run([a.ours, "bench", "-m", a.model, "-p", str(a.prompt), "-n", str(a.n),
                  "-b", str(batch), "-t", str(a.threads), "--json"])
    return {f"decode of {batch} tok/s": json.loads(out)["decode_tok_s"]}


def peer_batch(a, batch):
    context = batch * (a.prompt + a.n) + 64
    out, _ = run([a.peer, "-m", a.peer_model, "-c", str(context), "-b", "2048",
                  "-ub", "512", "-npp", str(a.prompt), "-ntg", str(a.n),
                  "-npl", str(batch), "-t", str(a.threads)],
                 also_errors=True)
    rows = [r for r in re.findall(r"^\|(.*)\|$", out, re.M) if r.strip()[:1].isdigit()]
    return {f"decode of {batch} tok/s": float(rows[-1].split("|")[7])}


REQUESTS = 64


def ours_prefix(a, batch):
    out, _ = run([a.ours, a.model, str(a.n), str(batch)])
    cells = out.splitlines()[-1].split()
    a.computed = int(cells[5])
    return {f"{REQUESTS} requests, {batch} at once tok/s": float(cells[1])}


def peer_prefix(a, batch):
    """As many tokens of prompts as we computed, at the speed of the common beginning, and
    waves of `batch`."""
    context = a.prompt + batch * a.n + 64
    out, _ = run([a.peer, "-m", a.peer_model, "-c", str(context), "-b", "2048",
                  "-ub", "512", "-npp", str(a.prompt), "-ntg", str(a.n), "-pps",
                  "-npl", str(batch), "-t", str(a.threads)],
                 also_errors=True)
    rows = [r for r in re.findall(r"^\|(.*)\|$", out, re.M) if r.strip()[:1].isdigit()]
    cells = rows[-1].split("|")
    seconds = (a.computed / a.prompt * float(cells[4]) +
               REQUESTS / batch * float(cells[6]))
    return {f"{REQUESTS} requests, {batch} at once tok/s": REQUESTS * a.n / seconds}


def ours_load(a, _):
    with tempfile.NamedTemporaryFile() as logits:
        _, seconds = run([a.ours, "logits", "-m", a.model, "-t", str(a.threads),
                          "--tokens", "1", "--out", logits.name])
    return {"start to first logits s": seconds}


def peer_load(a, _):
    _, seconds = run([a.peer, "-m", a.peer_model, "-p", "1", "-n", "0", "-w", "0",
                      "-t", str(a.threads), "-r", "1"])
    return {"start to first logits s": seconds}


def ours_quantize(a, _):
    out = os.path.join(a.folder, "ours.gguf")
    _, seconds = run([a.ours, "quantize", a.model, out, "--type", a.type, "-t",
                      str(a.threads)])
    return {"quantize s": seconds, "file MiB": os.path.getsize(out) / 2**20}


def peer_quantize(a, _):
    out = os.path.join(a.folder, "peer.gguf")
    _, seconds = run([a.peer, a.peer_model, out, a.type, str(a.threads)])
    return {"quantize s": seconds, "file MiB": os.path.getsize(out) / 2**20}


WORK = {"speed": (ours_speed, peer_speed), "batch": (ours_batch, peer_batch),
        "prefix": (ours_prefix, peer_prefix),
        "load": (ours_load, peer_load), "quantize": (ours_quantize, peer_quantize)}


def measure(a, batch):
    """All rounds of ours and the peer, in turn: {name: [[ours], [peer]]}."""
    found = {}
    for _ in range(a.rounds):
        for who, work in enumerate(WORK[a.work][: 2 if a.peer else 1]):
            for name, value in work(a, batch).items():
                found.setdefault(name, ([], []))[who].append(value)
    return found


def summary(name, ours, peer):
    row = {"what": name, "ours": statistics.median(ours)}
    if peer:
        row["peer"] = statistics.median(peer)
        row["ratio"] = statistics.median(o / p for o, p in zip(ours, peer))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("work", choices=WORK)
    parser.add_argument("--ours", default="./reason")
    parser.add_argument("--peer")
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--peer-model", help="where the peer wants another file")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("-b", "--batch", default="1,4,16")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("--type", default="Q4_K_M")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    a.peer_model = a.peer_model or a.model
    batches = a.batch.split(",") if a.work in ("batch", "prefix") else ["1"]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(a.model))) as a.folder:
        for batch in batches:
            for name, (ours, peer) in measure(a, int(batch)).items():
                row = summary(name, ours, peer)
                if a.json:
                    print(json.dumps(row))
                    continue
                line = f"{row['what']:32} ours {row['ours']:10.2f}"
                if peer:
                    line += f"   peer {row['peer']:10.2f}   ratio {row['ratio']:6.2f}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
