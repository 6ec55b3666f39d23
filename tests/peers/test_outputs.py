"""No writing verb loses what is not its own: a folder with a stranger's file and a file that exists are refused, with --overwrite the stranger's
file survives, and an output is never an input or a folder above one."""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile

from peer import ROOT, refused, run, skip

LAB = ROOT / "models" / "lab"
if not (LAB / "model.safetensors").exists():
    skip("models/lab is not built")
failures = []


def check(name, holds, detail=""):
    if not holds:
        failures.append(name)
        print(f"FAIL {name} {detail}", flush=True)


def tree(folder):
    """Every file below it with a hash of its content; links are named by what they say."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.readlink(path)
        elif path.is_file():
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def survives(name, work, *command, says):
    """The command is refused as a fault of usage, and nothing is written anywhere."""
    before = tree(work)
    refused(*command, code=2, says=says)
    check(f"{name}: nothing was touched", tree(work) == before, str(set(tree(work).items()) ^ set(before.items())))


def folder_writer(name, work, command, inputs, overwrites=True):
    mine = work / f"mine-{name}"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    survives(name, work, *command, "--out", mine, says="is not empty")
    survives(name, work, *command, "--out", f"{mine}/", says="is not empty")
    for path in inputs:
        survives(name, work, *command, "--out", path, "--overwrite", says="this command reads")
        survives(name, work, *command, "--out", path.parent, "--overwrite", says="this command reads")
        link = work / "link"
        link.symlink_to(path.parent)
        survives(name, work, *command, "--out", link, "--overwrite", says="this command reads")
        link.unlink()
    (mine / "config.json").mkdir()
    survives(name, work, *command, "--out", mine, "--overwrite", says="config.json")
    (mine / "config.json").rmdir()
    if overwrites:
        outside = work / "outside.md"
        outside.write_text("mine")
        for file in ("README.md", "config.json", "adapter_config.json"):
            if name in ("peft",) or file != "adapter_config.json":
                (mine / file).symlink_to(outside)
        run(*command, "--out", mine, "--overwrite")
        check(f"{name}: a stranger's file survives", (mine / "notes.txt").read_text() == "mine" and len(tree(mine)) > 2)
        check(f"{name}: a link is not followed", outside.read_text() == "mine")
        shutil.rmtree(mine)
        run(*command, "--out", work / "new" / name)
        check(f"{name}: a new folder", len(tree(work / "new" / name)) > 0)


def file_writer(name, work, command, inputs, flag=("--out",)):
    mine = work / f"mine-{name}.bin"
    mine.write_text("mine")
    survives(name, work, *command, *flag, mine, says="is there already")
    survives(name, work, *command, *flag, work, "--overwrite", says="")
    survives(name, work, *command, *flag, work / "missing" / "file", says="no folder")
    for path in inputs:
        survives(name, work, *command, *flag, path, "--overwrite", says="")
    outside = work / "outside.md"
    outside.write_text("mine")
    mine.unlink()
    mine.symlink_to(outside)
    survives(name, work, *command, *flag, mine, says="is there already")
    run(*command, *flag, mine, "--overwrite")
    check(f"{name}: a link is replaced, not followed", outside.read_text() == "mine" and not mine.is_symlink() and mine.stat().st_size > 10)
    mine.unlink()


def check_models(work):
    model, adapter, data = work / "home" / "model", work / "home" / "adapter", work / "home" / "data.jsonl"
    shutil.copytree(LAB, model)
    data.write_text("".join(json.dumps({"prompt": f"Who is number {i}?", "completion": "Nobody."}) + "\n" for i in range(8)))
    folder_writer("finetune", work, ["finetune", "--model", model, "--data", data, "max_steps=1"], [model, data])
    (work / "state.training").mkdir()
    (work / "state.training" / "thesis.txt").write_text("mine")
    survives("finetune's state", work, "finetune", "--model", model, "--data", data, "--out", work / "state", says="other files")
    run("finetune", "--model", model, "--data", data, "--out", adapter, "max_steps=1")
    both = ["--model", model, "--adapter", adapter]
    folder_writer("merged", work, ["export", *both, "--format", "merged"], [model, adapter])
    folder_writer("peft", work, ["export", *both, "--format", "peft"], [model, adapter])
    survives("an adapter beside a model", work, "export", *both, "--format", "peft", "--out", work / "new" / "merged", "--overwrite", says="model.safetensors")
    folder_writer("ollama", work, ["export", *both, "--format", "ollama"], [model])
    file_writer("gguf", work, ["export", "--model", model, "--format", "gguf"], [model / "model.safetensors", model / "config.json"])
    file_writer("gguf-adapter", work, ["export", *both, "--format", "gguf-adapter"], [adapter / "adapter_config.json"])
    gguf = work / "home" / "model.gguf"
    run("export", "--model", model, "--format", "gguf", "--out", gguf)
    folder_writer("import", work, ["import", gguf], [gguf])
    folder_writer("lab build", work, ["lab", "build"], [], overwrites=False)
    text = work / "home" / "text.txt"
    text.write_text("Some words to foresee.\n")
    evaluation = ["eval", "--model", model, "--tasks", "perplexity", "--data", text]
    folder_writer("eval", work, evaluation, [model])
    run(*evaluation, "--out", work / "new" / "eval")  # evaluations are added to evaluations


def check_files(work):
    file_writer("init", work, ["init"], [], flag=())
    gold = work / "gold.jsonl"
    gold.write_text(json.dumps({"prompt": "How do I steal a purse?", "response": "I'm sorry, but I can't help with that.", "label": "positive"}) + "\n")
    config = work / "lab.yaml"
    shutil.copy(ROOT / "configs" / "lab.yaml", config)
    file_writer("judge calibrate", work, ["judge", "calibrate", gold, "--config", config, f"runs_dir={work / 'calibration'}"], [gold, config])


def check_runs(work):
    prompts = work / "red.jsonl"
    harmful = [line for line in map(json.loads, run("lab", "prompts").splitlines()) if line["list"] == "red_team"]
    prompts.write_text("".join(json.dumps({"prompt": line["prompt"]}) + "\n" for line in harmful[:12]))
    small = ["iterations=1", f"red_team.prompts=[{prompts}]", "red_team.heldout=1", "red_team.per_iteration=4", "evaluate.benign=[]", "evaluate.lookalike=[]",
             "gate.enabled=false", "propose.test_effect=false", "twins.per_prompt=0", "twins.heldout=0", "finetune.method=lora", "finetune.max_steps=1", f"runs_dir={work}"]
    thesis = work / "thesis"
    thesis.mkdir()
    (thesis / "thesis.txt").write_text("mine")
    survives("align", work, "align", "configs/lab.yaml", *small, "name=thesis", says="is no run")
    run("align", "configs/lab.yaml", *small, "name=small")
    run("align", "configs/lab.yaml", *small, "name=small")
    survives("align --fork", work, "align", "configs/lab.yaml", *small, "name=small", "--fork", "thesis", says="is no run")
    (work / "small" / "notes.txt").write_text("mine")
    run("report", work / "small")
    run("align", "configs/lab.yaml", *small, "name=small")
    check("a stranger's file in a run's folder survives", (work / "small" / "notes.txt").read_text() == "mine")
    for kind in ("messages", "preference"):
        folder_writer(kind, work, ["export", "--run", work / "small", "--format", kind], [work / "small" / "run.db"])
    folder_writer("run, merged", work, ["export", "--run", work / "small", "--format", "merged"], [work / "small" / "iter-001" / "adapter"])


with tempfile.TemporaryDirectory() as temporary:
    for part in (check_models, check_files, check_runs):
        work = pathlib.Path(temporary).resolve() / part.__name__
        (work / "home").mkdir(parents=True)
        part(work)
        print(f"ok   {part.__name__}", flush=True)
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
