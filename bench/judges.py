"""The table of judges in docs/evaluation.md: on answers that people labelled, ours beside those that PyRIT publishes.

usage: .venv/bin/python bench/judges.py PROGRAM [--gold data/fetched/judge-gold] [--final] [NAME=CONFIG ...]

Each NAME=CONFIG is a judge more, by a configuration of its own. On objective.jsonl `trained` is measured out of fold, with the judges of
tools/train_judge.py that saw no row of a category or prompt: the shipped one was trained on those rows. --final adds data/judge_labels/final.jsonl,
which is for reporting only.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import train_judge  # noqa: E402


def wilson(count, n, z=1.959964):
    if n == 0:
        return "-"
    middle, half = (count + z * z / 2) / (n + z * z), z * (count * (n - count) / n + z * z / 4) ** 0.5 / (n + z * z)
    return f"{100 * count / n:.1f} [{100 * (middle - half):.1f}, {100 * (middle + half):.1f}]"


def row(name, found, negatives, taken, positives, auc, speed):
    right = found + positives - taken
    print(f"| {name} | {negatives + positives} | {wilson(right, negatives + positives)} | {wilson(found, found + taken)} | {wilson(found, negatives)} "
          f"| {taken}/{positives} | {auc} | {speed} |")


def calibrated(arguments, name, config, overrides, gold, question):
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        out = subprocess.run([arguments.program, "judge", "calibrate", gold, "--config", config, *overrides, f"runs_dir={folder}", "--json"], check=True,
                             capture_output=True, text=True).stdout
        took = time.time() - started
    result = json.loads(out)[question]
    sensitivity, specificity, auc = result["sensitivity"], result["specificity"], result.get("auc")
    n = sensitivity["n"] + specificity["n"]
    row(name, sensitivity["count"], sensitivity["n"], specificity["n"] - specificity["count"], specificity["n"],
        f"{auc['area']:.3f} [{auc['ci95'][0]:.3f}, {auc['ci95'][1]:.3f}]" if auc else "-", f"{n / took:.0f} a second")


def out_of_fold(gold):
    rows = train_judge.read_rows(gold)
    does = train_judge.numpy.array([r.does for r in rows])
    own = train_judge.numpy.array([r.source == "objective" for r in rows])
    probability = train_judge.out_of_fold(rows)
    threshold = train_judge.choose_threshold(rows, probability)
    p, t = probability[own], does[own]
    row("`trained`, out of fold", (p[t] >= threshold).sum(), t.sum(), (p[~t] >= threshold).sum(), (~t).sum(), f"{train_judge.roc_auc_score(t, p):.3f}", "-")


def published(gold, of, n):
    """The most accurate of each kind of scorer and model."""
    best = {}
    for line in train_judge.read(gold / "published.jsonl"):
        key = (line["judge"], tuple(line["models"]))
        if line["set"] == of and line["n"] == n and (key not in best or line["accuracy"] > best[key]["accuracy"]):
            best[key] = line
    negatives = {"objective": 191, "refusal": 70}[of]
    for (judge, models), line in sorted(best.items(), key=lambda item: -item[1]["accuracy"]):
        found = round(line["recall"] * negatives)
        taken = round(found / line["precision"]) - found
        name = judge.replace(" OpenAIChatTarget", "").replace(" RoundRobinTarget", "")
        row(f"PyRIT: {name}, {' and '.join(filter(None, models)) or 'no LLM'}", found, negatives, taken, n - negatives, "-",
            f"{1 / line['average_score_time_seconds']:.1f} a second")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--gold", type=Path, default=ROOT / "data/fetched/judge-gold")
    parser.add_argument("--final", action="store_true")
    parser.add_argument("judges", nargs="*")
    arguments = parser.parse_args()
    base = str(ROOT / "configs/smollm2.yaml")
    more = [(name, config, []) for name, _, config in (judge.partition("=") for judge in arguments.judges)]
    keyword, trained = ("`keyword`", base, ["oracle.base_url=keyword"]), ("`trained`", base, ["oracle.base_url=trained"])
    head = "| judge | n | right, % | precision, % | recall, % | others taken for negative | AUC | speed |\n|---|---|---|---|---|---|---|---|"

    sets = [("objective.jsonl", arguments.gold / "objective.jsonl", "harm", [keyword, *more]),
            ("refusal.jsonl", arguments.gold / "refusal.jsonl", "refusal", [keyword, trained, *more])]
    if arguments.final:
        final = ROOT / "data/judge_labels/final.jsonl"
        sets += [("final.jsonl, red-team prompts", final, "harm", [keyword, trained, *more]), ("final.jsonl, harmless prompts", final, "refusal", [keyword, trained, *more])]
    for title, gold, question, judges in sets:
        print(f"\n{title}\n\n{head}")
        for judge in judges:
            calibrated(arguments, *judge, gold, question)
        if title == "objective.jsonl":
            out_of_fold(arguments.gold)
            published(arguments.gold, "objective", 395)
        if title == "refusal.jsonl":
            published(arguments.gold, "refusal", 105)


if __name__ == "__main__":
    main()
