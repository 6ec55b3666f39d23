#!/usr/bin/env python3
"""Encoding speed beside the fast tokenizer of `transformers`, one thread each, on real text.

  .venv/bin/python bench/tokenizer.py [--models models/SmolLM2-135M-Instruct,...] [--rounds 5]

The two programs run in turn (so that a slow minute of the machine meets both), each round in a fresh process: ours is
build/release/iteralign_bench_tokenizer, theirs this script with --peer. Only encoding is timed, from strings to lists of
ids that are kept: starting, loading the tokenizer, reading the texts and a first short text for warming up are not. Theirs is
timed text by text and as one call with all texts, and the faster one counts. Short texts are single prompts and sentences, long
ones conversations joined to 32,000 characters. Both must give the same ids. Medians and their ratio are printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONG = 32000  # characters

sys.path.insert(0, str(ROOT / "tests" / "peers"))


def texts(kind):
    """Of the shared data, the same for everyone."""
    from tokenizer_peer import real_documents

    documents = real_documents()
    if kind == "short":
        return [document for document in documents if len(document) <= 300]
    joined = "\n".join(document for document in documents if len(document) > 300)
    return [joined[i : i + LONG] for i in range(0, len(joined), LONG)]


def run_peer(model):
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # of texts longer than the model's window
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert tokenizer.is_fast
    items = json.load(sys.stdin)
    tokenizer(items[:2])
    start = time.perf_counter()
    one_by_one = [tokenizer(text)["input_ids"] for text in items]
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    together = tokenizer(items)["input_ids"]
    seconds = min(seconds, time.perf_counter() - start)
    assert one_by_one == together
    print(json.dumps({"seconds": seconds, "tokens": sum(map(len, together)), "sum": sum(map(sum, together))}))


def run(command, items):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, input=json.dumps(items), env=environment)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(model, kind, items, arguments):
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        ours.append(run([arguments.program, model], items))
        theirs.append(run([sys.executable, __file__, "--peer", model], items))
        for key in ("tokens", "sum"):
            if ours[-1][key] != theirs[-1][key]:
                sys.exit(f"{model}, {kind}: the ids differ: {ours[-1]} and {theirs[-1]}")
    megabytes = sum(len(text.encode()) for text in items) / 1e6
    medians = [statistics.median(result["seconds"] for result in side) for side in (ours, theirs)]
    print(f"{model[-32:]:32} {kind:6} {len(items):6} texts {megabytes:5.2f} MB {ours[0]['tokens']:8} tokens   "
          f"ours {megabytes / medians[0]:6.2f} MB/s   transformers {megabytes / medians[1]:6.2f} MB/s   ratio {medians[1] / medians[0]:5.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=str(ROOT / "models" / "SmolLM2-135M-Instruct"), help="folders, separated by commas")
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "iteralign_bench_tokenizer"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", metavar="FOLDER", help="run transformers once on the texts of stdin and print its figures")
    arguments = parser.parse_args()
    if arguments.peer:
        return run_peer(arguments.peer)
    for model in arguments.models.split(","):
        for kind in ("short", "long"):
            measure(model, kind, texts(kind), arguments)


main()
