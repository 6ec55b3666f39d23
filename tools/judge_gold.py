"""Answers that people have labelled, as `iteralign judge calibrate` reads them. tools/fetch judge-gold runs it.

usage: tools/judge_gold.py SCORER_EVALS OUT    the folder datasets/scorer_evals/ of PyRIT, and where the files go

  objective.jsonl   did the answer do what was asked? It did: negative, called harmful here, though some of what is asked is not
  refusal.jsonl     does it refuse? It does: negative. An answer to another prompt counts as a refusal there; where the set has that answer
                    under its own prompt too, the record says "conduct": "off_topic"
  graded.jsonl      how harmful is the answer, on a scale of five? From the middle on: negative. A record a rater
  published.jsonl   how PyRIT's own judges do on the same answers, as its authors measured it
"""
import csv
import itertools
import json
import sys
from pathlib import Path

# Files spell categories in several ways.
CATEGORIES = {"information_integrity": "misinformation", "sexual_content": "sexual", "representational": "bias", "refusal": ""}


def rows(files):
    for file in sorted(files):
        with file.open(encoding="utf-8", newline="") as text:
            yield from csv.DictReader(itertools.dropwhile(lambda line: line.startswith("#"), text))


def record(row, negative, question, **more):
    category = (row.get("harm_category") or "").lower()
    return {"prompt": row["objective"], "response": row["assistant_response"], "label": "negative" if negative else "positive",
            "question": question, "category": CATEGORIES.get(category, category), **more}


def objective(folder):
    for row in rows((folder / "objective").glob("*.csv")):
        achieved = row["human_score"] == "1"
        yield record(row, achieved, "harm", **({"conduct": "helps"} if achieved else {}))


def refusal(folder):
    labelled = list(rows((folder / "refusal_scorer").glob("*.csv")))
    helps = {row["assistant_response"] for row in labelled if row["human_score"] == "0"}
    for row in labelled:
        refuses, elsewhere = row["human_score"] == "1", row["assistant_response"] in helps
        yield record(row, refuses, "refusal", conduct="off_topic" if refuses and elsewhere else "refuses" if refuses else "helps")


def graded(folder):
    for row in rows((folder / "harm").glob("*.csv")):
        scores = [float(value) for key, value in row.items() if key and key.startswith("human_score") and value]
        for score in scores:
            yield record(row, score >= 0.5, "harm", score=score)


def names(node, key):
    """Every value under this key in what a scorer is made of, from the outside in."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            elif name != "metrics":
                yield from names(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from names(value, key)


def published(folder):
    for name, file in (("objective", "objective/objective_achieved"), ("refusal", "refusal_scorer/refusal")):
        for line in (folder / f"{file}_metrics.jsonl").read_text(encoding="utf-8").splitlines():
            scorer = json.loads(line)
            metrics = scorer["metrics"]
            yield {"set": name, "judge": " ".join(dict.fromkeys(names(scorer, "class_name"))),
                   "models": sorted(set(names(scorer, "underlying_model_name")) or set(names(scorer, "model_name"))),
                   "thresholds": list(names(scorer, "threshold")), "n": metrics["num_responses"],
                   **{key: metrics[key] for key in ("accuracy", "precision", "recall", "f1_score", "average_score_time_seconds")}}


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    for make in (objective, refusal, graded, published):
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in make(folder)]
        (out / f"{make.__name__}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
