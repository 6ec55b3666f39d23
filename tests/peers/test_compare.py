"""Judged tasks and `compare`: what our files say of two models is what a few lines over them, with statsmodels, say."""

import json
import os
import pathlib
import tempfile

from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from peer import ROOT, data, refused, run, skip

LAB = ROOT / "models" / "lab"
XSTEST = data("xstest/xstest_prompts.csv")
if not (LAB / "model.safetensors").exists():
    skip("models/lab is not built")


def evaluate(model, task, data, out, *flags):
    return json.loads(run("eval", "--model", model, "--tasks", task, "--data", data, "--config", "configs/lab.yaml", "--dtype", "float32", "--out", out,
                          "--json", *flags))


def samples(out, task):
    return {s["doc_hash"]: s for s in map(json.loads, next(out.rglob(f"samples_{task}_*.jsonl")).read_text().splitlines())}


def check_pair(found, before, after, metric):
    pairs = [(before[key][metric], after[key][metric]) for key in before if before[key][metric] is not None and after[key][metric] is not None]
    assert found["n"] == len(pairs) > 50, (found["n"], len(pairs))
    for name, values in (("before", [a for a, _ in pairs]), ("after", [b for _, b in pairs]), ("difference", [b - a for a, b in pairs])):
        assert abs(found[name] - sum(values) / len(values)) < 1e-9, (name, found[name])
    up, down = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
    assert (found["up"], found["down"], len(found["flips"])) == (up, down, up + down)
    assert abs(found["p"] - mcnemar([[0, up], [down, 0]], exact=True).pvalue) < 1e-9
    low, high = found["ci95"]
    assert low <= found["difference"] <= high


with tempfile.TemporaryDirectory() as scratch_name:
    scratch = pathlib.Path(scratch_name)
    run("align", "configs/lab.yaml", f"runs_dir={scratch}", "name=small", "iterations=1")
    summary = json.loads((scratch / "small" / "summary.json").read_text())
    aligned = scratch / "small" / "iter-001" / "checkpoint"
    prompts = [json.loads(line) for line in run("lab", "prompts").splitlines()]
    for task, kind in (("redteam", "heldout"), ("benign", "benign")):
        file = scratch / f"{kind}.jsonl"
        file.write_text("".join(json.dumps({"prompt": p["prompt"], "category": p["category"]}) + "\n" for p in prompts if p["list"] == kind))
        sides = {}
        for name, model in (("before", LAB), ("after", aligned)):
            out = scratch / f"{task}-{name}"
            result = evaluate(model, task, file, out)["results"][task]
            metric = "negative_rate" if task == "redteam" else "refusal_rate"
            wanted = summary[name][kind]["negative_rate" if task == "redteam" else "refusal_rate"]
            assert abs(result[f"{metric},none"] - wanted) < 1e-9, (task, name, result, wanted)  # as in the run
            sides[name] = samples(out, task)
        (comparison,) = json.loads(run("compare", scratch / f"{task}-before", scratch / f"{task}-after", "--json"))
        check_pair(comparison["tasks"][0], sides["before"], sides["after"], metric)
        print(f"ok   {task}: {comparison['tasks'][0]['before']:.3f} -> {comparison['tasks'][0]['after']:.3f}, p {comparison['tasks'][0]['p']:.2g}")

    heldout, out = scratch / "heldout.jsonl", scratch / "redteam-before"
    rate = lambda found: found["results"]["redteam"]["negative_rate,none"]
    base = evaluate(LAB, "redteam", heldout, out)  # nothing is generated or asked again
    assert float(base["total_evaluation_time_seconds"]) < 5
    assert base["configs"]["redteam"]["metadata"] == {"version": 1, "data": str(heldout), "items": len(heldout.read_text().splitlines()), "judge": "lab"}
    other = evaluate(LAB, "redteam", heldout, out, "oracle.base_url=keyword")  # another judge of the same answers
    assert other["configs"]["redteam"]["metadata"]["judge"] == "keyword"
    assert other["results"] == evaluate(LAB, "redteam", heldout, scratch / "keyword", "oracle.base_url=keyword")["results"]
    assert rate(evaluate(LAB, "redteam", heldout, out)) == rate(base)
    short = evaluate(LAB, "redteam", heldout, scratch / "short", "evaluate.max_new_tokens=1")
    assert rate(evaluate(LAB, "redteam", heldout, out, "evaluate.max_new_tokens=1")) == rate(short)
    renamed = scratch / "renamed.jsonl"
    renamed.write_text("".join(reversed(heldout.read_text().splitlines(keepends=True))))
    evaluate(aligned, "redteam", renamed, scratch / "redteam-renamed")
    of = lambda after: json.loads(run("compare", scratch / "redteam-before" / str(LAB).replace("/", "__"), after, "--json"))[0]["tasks"][0]
    evaluate(LAB, "redteam", heldout, out)
    assert {**of(scratch / "redteam-renamed"), "flips": None} == {**of(scratch / "redteam-after"), "flips": None}
    result = evaluate(aligned, "redteam", heldout, out)  # another model beside it
    assert abs(rate(result) - summary["after"]["heldout"]["negative_rate"]) < 1e-9
    refused("compare", out, scratch / "redteam-after", code=2, says="several models")
    refused("eval", "--model", LAB, "--tasks", "redteam,benign", "--data", scratch, "--config", "configs/lab.yaml", code=2, says="does not say which of its")
    refused("compare", scratch / "redteam-after", scratch / "benign-after", code=3, says="only the first has it")
    print("ok   another judge, length, model or file is another question")
    refused("eval", "--model", LAB, "--tasks", "redteam", "--data", scratch / "heldout.jsonl", code=2, says="needs an oracle")

    (of_run,) = json.loads(run("compare", scratch / "small", "--json"))
    rates = {task["task"]: task for task in of_run["tasks"]}
    assert rates["held-out red team"]["before"] == summary["before"]["heldout"]["negative_rate"]
    assert rates["look-alikes"]["after"] == summary["after"]["lookalike"]["refusal_rate"]
    adjusted = multipletests([task["p"] for task in of_run["tasks"]], method="holm")[1]
    assert all(abs(task["p_holm"] - p) < 1e-9 for task, p in zip(of_run["tasks"], adjusted))
    table = run("compare", scratch / "small")
    assert "held-out red team" in table and "items changed" in table
    (scratch / "empty").mkdir()
    refused("compare", scratch / "empty", scratch / "small", code=3, says="results_")
    print("ok   a run against its base model")

    sets, trained = scratch / "sets", [p["prompt"] for p in prompts if p["list"] == "red_team"][:3]
    (sets / "jailbreaks" / "story").mkdir(parents=True)
    (sets / "jailbreaks" / "story" / "tale.yaml").write_text("value: 'Once somebody said: {{ prompt }}'\n")
    behaviours = [p["prompt"] for p in prompts if p["list"] == "heldout"][:52] + trained
    (sets / "harmful_behaviors.csv").write_text("goal,target\n" + "".join(f'"{text}",Sure\n' for text in behaviours))
    suite = ("eval", "--suite", "safety", "--run", scratch / "small", "--data", sets, "--limit", "52")
    both = json.loads(run(*suite, "--json"))
    rows = {(row["task"], row["group"]): row for row in both["rows"]}
    assert [task for task, group in rows if not group] == ["advbench", "jailbreaks", "safe_in_1", "safe_in_2", "safe_in_4", "safe_in_8"], rows.keys()
    assert "advbench: 3 of 55 prompts are left out: near duplicates of what the model has seen" in both["notes"], both["notes"]
    of_model = {side: next((scratch / "small" / "safety").glob(f"*{end}")) for side, end in (("before", "lab"), ("after", "checkpoint"))}
    sides = {side: samples(folder, "advbench") for side, folder in of_model.items()}
    (compared,) = json.loads(run("compare", of_model["before"], of_model["after"], "--json"))
    by_task = {task["task"]: task for task in compared["tasks"]}
    check_pair(by_task["advbench"], sides["before"], sides["after"], "negative_rate")
    for task, found in by_task.items():
        row = rows[task, ""]
        assert (row["difference"], row["p"], row["p_holm"], row["ci95"]) == tuple(found[key] for key in ("difference", "p", "p_holm", "ci95")), task
    draws = samples(of_model["before"], "safe_in_2").values()  # of n drawn answers, s of them safe, the share of pairs that are
    pairs = [s * (s - 1) / (n * (n - 1)) for s, n in ((d["resps"]["verdicts"].count("positive"), len(d["resps"]["verdicts"])) for d in draws)]
    assert abs(rows["safe_in_2", ""]["before"]["value"] - sum(pairs) / len(pairs)) < 1e-9 and {len(d["resps"]["verdicts"]) for d in draws} == {8}
    assert json.loads((scratch / "small" / "summary.json").read_text())["safety"] == both == json.loads(run(*suite, "--json"))  # kept, and kept again
    assert '"suite": "safety"' in (scratch / "small" / "report.html").read_text() or '"suite":"safety"' in (scratch / "small" / "report.html").read_text()
    refused("eval", "--suite", "safety", "--model", LAB, "--data", sets, code=2, says="needs an oracle")
    refused("eval", "--suite", "safety", "--run", scratch / "small", "--data", scratch / "empty", code=2, says="none of the files")
    print(f"ok   the safety suite of a run: {rows['advbench', '']['before']['value']:.3f} -> {rows['advbench', '']['after']['value']:.3f}")

    if XSTEST.exists():
        limit = int(os.environ.get("XSTEST_PROMPTS", "100"))  # of 450
        result = evaluate(LAB, "overrefusal", XSTEST, scratch / "xstest", "--limit", limit)
        groups = {name: (n["effective"], result["higher_is_better"][name]["refusal_rate"]) for name, n in result["n-samples"].items()}
        assert groups["overrefusal_safe"][1] is False and groups["overrefusal_unsafe"][1] is True
        total = sum(result["n-samples"][f"overrefusal_{kind}"]["original"] for kind in ("safe", "unsafe"))
        assert total == result["n-samples"]["overrefusal"]["original"] == limit, groups
        print(f"ok   XSTest by group: {groups}")
    else:
        print("skipped: XSTest is not here")
