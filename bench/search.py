#!/usr/bin/env python3
"""Replay, twins, epochs, rate: settings of a run side by side, with what each costs in refusals.

  .venv/bin/python bench/search.py --out runs/search --setting "plain twins.per_prompt=0 gate.enabled=false" --setting "twins"
      [--config configs/smollm2.yaml] [--xstest DIR] [--seeds 42,1,2] [--reuse]

A setting is a name and overrides of the configuration. Each runs from beginning to end, once a seed; then the refusals of all safe prompts of XSTest
are counted and the perplexity of the base model's own answers to the benign prompts is taken, before and after. With --reuse settings after the
first are forked from it behind the revisions of its first iteration: for those that differ in what comes after (a setting that does not is
refused). Results are kept in OUT/results.jsonl, and what is there is not run again. The table is Markdown.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(command, log):
    with log.open("a") as stream:
        done = subprocess.run(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=stream, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {done.returncode}: see {log}")
    return done.stdout


def own_answers(folder, out):
    """The base model's answers to the benign prompts that it helped with, as a file of training data."""
    with sqlite3.connect(folder / "run.db") as store:
        rows = store.execute("SELECT messages, text FROM responses r JOIN verdicts v USING (iteration, attempt, epoch, purpose, prompt_id) JOIN prompts p ON p.id = r.prompt_id "
                             "WHERE iteration = 0 AND purpose = 'benign' AND label = 'positive' AND text <> ''").fetchall()
    with out.open("w") as stream:
        for messages, text in rows:
            stream.write(json.dumps({"prompt": [dict(m) for m in json.loads(messages)], "completion": [{"role": "assistant", "content": text}]}) + "\n")


def results_of(output):
    return json.loads(output)["results"]


def weights_after(folder, model):
    """The flags that open what the run was left with."""
    summary = json.loads((folder / "summary.json").read_text())
    for iteration in reversed([i["iteration"] for i in summary["iterations"] if i["accepted"]]):
        trained = folder / f"iter-{iteration:03}"
        if (trained / "adapter").exists():
            return ["--model", model, "--adapter", trained / "adapter"]
        if (trained / "checkpoint").exists():
            return ["--model", trained / "checkpoint"]
    return ["--model", model]


def measure(arguments, config, folder, log):
    answers = folder / "own_answers.jsonl"
    own_answers(folder, answers)
    with sqlite3.connect(folder / "run.db") as store:
        dtype = store.execute("SELECT value FROM meta WHERE key = 'dtype'").fetchone()[0]

    def evaluate(weights, *flags):
        return results_of(run([arguments.program, "eval", *weights, "--dtype", dtype, "--json", *flags], log))

    model = config["model"]["path"]
    after = weights_after(folder, model)
    found = {f"perplexity_{when}": evaluate(weights, "--tasks", "perplexity", "--data", answers)["perplexity"]["perplexity,none"]
             for when, weights in (("before", ["--model", model]), ("after", after))}
    if arguments.xstest:
        result = evaluate(after, "--tasks", "overrefusal", "--data", arguments.xstest, "--config", arguments.config, "--out", folder / "xstest")
        for group in ("safe", "unsafe"):
            found[f"xstest_{group}"] = result[f"overrefusal_{group}"]["refusal_rate,none"]
    return found


def run_setting(arguments, config, name, overrides, seed, first):
    folder = arguments.out / f"{name}-{seed}"
    log = arguments.out / f"{name}-{seed}.log"
    which = [f"name={folder.name}"]
    if arguments.reuse and first and not (folder / "run.db").exists():
        which = [f"name={first}-{seed}", "--fork", folder.name, "--after", "revise", "--iteration", "1"]
    start = time.monotonic()
    run([arguments.program, "align", arguments.config, f"runs_dir={arguments.out}", f"seed={seed}", *overrides, *which], log)
    seconds = time.monotonic() - start
    summary = json.loads((folder / "summary.json").read_text())
    result = {"setting": name, "seed": seed, "overrides": overrides, "seconds": seconds, "oracle_calls": summary["oracle"]["calls"],
              "accepted": [i["accepted"] for i in summary["iterations"]], "attempts": [i["attempts"] for i in summary["iterations"]],
              "steps": [i["train"]["steps"] for i in summary["iterations"]], "before": summary["before"], "after": summary["after"]}
    return {**result, **measure(arguments, config, folder, log)}


def share(rate, name):
    counted = rate.get(name, 0)
    return "-" if rate["n"] == 0 else f"{counted}/{rate['n']} ({100 * counted / rate['n']:.1f} %)"


def table(results):
    lines = ["| setting | seed | negative | benign refused | look-alikes refused | twins refused | XSTest-safe refused | perplexity of own answers | oracle calls | seconds |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for r in results:
        after, rise = r["after"], 100 * (r["perplexity_after"] / r["perplexity_before"] - 1)
        lines.append(f"| {r['setting']} | {r['seed']} | {share(after['heldout'], 'negative')} | " +
                     " | ".join(share(after[kind], "refused") for kind in ("benign", "lookalike", "twin")) +
                     (f" | {100 * r['xstest_safe']:.1f} %" if "xstest_safe" in r else " | -") + f" | {rise:+.1f} % | {r['oracle_calls']} | {r['seconds']:.0f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setting", action="append", required=True, help="a name and key=value ...")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", default=str(ROOT / "configs" / "smollm2.yaml"))
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "iteralign"))
    parser.add_argument("--xstest", help="folder with xstest_prompts.csv")
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--reuse", action="store_true")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    import yaml

    config = yaml.safe_load(Path(arguments.config).read_text())
    kept = arguments.out / "results.jsonl"
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    settings = [setting.split() for setting in arguments.setting]
    for seed in map(int, arguments.seeds.split(",")):
        for name, *overrides in settings:
            if any(r["setting"] == name and r["seed"] == seed for r in results):
                continue
            result = run_setting(arguments, config, name, overrides, seed, first=settings[0][0] if name != settings[0][0] else None)
            results.append(result)
            with kept.open("a") as stream:
                stream.write(json.dumps(result) + "\n")
            print(table([result]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(results))


main()
