"""Forks of a small lab run: the real engine and oracle, from the command line."""

import hashlib
import json
import pathlib
import tempfile

from peer import ROOT, refused, run, skip

if not (ROOT / "models/lab/model.safetensors").exists():
    skip("models/lab is not built")

SMALL = ["iterations=1", "red_team.per_iteration=6", "red_team.heldout=4", "evaluate.benign=[]", "evaluate.lookalike=[]", "gate.enabled=false",
         "propose.effect_negatives=2", "twins.heldout=4", "finetune.max_steps=2", "finetune.per_device_train_batch_size=4"]


def align(scratch, name, *more):
    run("align", "configs/lab.yaml", *SMALL, f"runs_dir={scratch}", f"name={name}", f"oracle.request_log={scratch}/{name}.log", *more)


def result(folder):
    """What a run comes to: texts, weights, and what was measured."""
    summary = json.loads((folder / "summary.json").read_text())
    files = ["constitution.json", *(f"iter-001/{name}" for name in ("responses.jsonl", "sft.jsonl", "preferences.jsonl", "checkpoint/model.safetensors"))]
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files], summary["before"], summary["after"]


with tempfile.TemporaryDirectory() as scratch_name:
    scratch = pathlib.Path(scratch_name)
    align(scratch, "whole")
    (scratch / "whole.log").unlink()

    align(scratch, "whole", "--fork", "same", "--after", "revise")
    assert result(scratch / "same") == result(scratch / "whole"), "a fork came out otherwise"
    assert not (scratch / "whole.log").exists() or not (scratch / "whole.log").read_text(), "a fork paid for replies that the run had"

    changed = "finetune.learning_rate=5.0e-5"
    align(scratch, "whole", changed, "--fork", "milder", "--after", "revise", "--iteration", "1")
    align(scratch, "fresh", changed)
    assert result(scratch / "milder") == result(scratch / "fresh"), "a fork with a changed key is not what a run comes to"
    assert result(scratch / "milder") != result(scratch / "whole")

    fork = ["align", "configs/lab.yaml", *SMALL, f"runs_dir={scratch}", "name=whole"]
    refused(*fork, changed, "--fork", "none", "--after", "finetune", code=2, says=["finetune.learning_rate: 0.0001 -> 5.0e-05", "earlier stage"])
    refused(*fork, "--fork", "none", "--after", "revise", "--iteration", "2", code=2, says="has no iteration 2")
    refused(*fork, "--fork", "none", "--after", "train", code=2, says="respond")
    refused(*fork, "--after", "revise", code=2, says="--fork")
    assert not list(scratch.glob("none*")), "a refused fork left a folder"
