"""Runs on the lab whose oracle writes its principles and twins as models do: what comes out is what comes out of its plain JSON.

Behind the server is the embedded lab oracle; only its two kinds of list are changed on their way."""

import json
import pathlib
import subprocess
import tempfile
import urllib.request

from peer import PROGRAM, ROOT, OracleServer, run

LISTS = ("principles", "twins")


def each(change):
    """Changes every item of the list."""
    return lambda value: json.dumps({key: [change(dict(item)) for item in items] for key, items in value.items()})


def cases(spell):
    def change(item):
        for key in ("case", "cases"):
            if key in item:
                item[key] = [spell(n) for n in item[key]] if isinstance(item[key], list) else spell(item[key])
        return item

    return each(change)


CHANGES = {
    "text": cases(str),
    "label": cases("CASE {}".format),
    "fraction": cases(float),
    "bare_list": lambda value: json.dumps(next(iter(value.values()))),
    "comma": lambda value: json.dumps(value)[:-1] + ",}",
    "line_breaks": lambda value: json.dumps(value).replace('"text": "', '"text": "\n').replace('"prompt": "', '"prompt": "\n'),
    "end_missing": lambda value: json.dumps(value)[:-2],
    "fenced": lambda value: f"<think>Hm.</think>Here they are:\n```json\n{json.dumps(value, indent=1)}\n```",
    "python": str,
}


def ask_lab(body):
    request = urllib.request.Request(LAB + "/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def oracle(change, first_unread=False):
    seen = set()

    def answer(body):
        text = ask_lab(body)
        if body["messages"][0]["content"].split()[1] not in LISTS:
            return text
        key = body["messages"][-1]["content"]
        if first_unread and key not in seen:
            seen.add(key)
            return "Let me think about that."
        return change(json.loads(text))

    return OracleServer(answer)


def outcome(name, server):
    summary = json.loads(run("align", "configs/lab.yaml", f"name={name}", f"runs_dir={scratch}", f"oracle.base_url={server.url}", "oracle.model=lab",
                             "iterations=1", f"red_team.prompts=[{scratch}/prompts.jsonl]", "red_team.per_iteration=6", "red_team.heldout=4",
                             "respond.max_new_tokens=16", "propose.test_effect=false", "revise.attempts=1", "revise.max_new_tokens=4",
                             "finetune.method=none", "gate.enabled=false", "evaluate.max_new_tokens=4", "evaluate.benign=[]",
                             "evaluate.lookalike=[]", "twins.heldout=4", "--json"))
    twins = summary["before"]["twin"]
    return [(p["text"], p["evidence"]) for p in summary["constitution"]], twins["n"] + twins["unjudged"]


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    harmful = [record for record in map(json.loads, run("lab", "prompts").splitlines()) if record["list"] == "red_team"]
    (scratch / "prompts.jsonl").write_text("".join(json.dumps({"prompt": record["prompt"]}) + "\n" for record in harmful[:10]))
    lab = subprocess.Popen([PROGRAM, "oracle", "lab", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        LAB = lab.stdout.readline().strip()
        plain = outcome("plain", oracle(json.dumps))
        assert plain[0] and plain[1] > 0, plain
        for name, change in CHANGES.items():
            found = outcome(name, oracle(change))
            assert found == plain, (name, found, plain)
        server = oracle(json.dumps, first_unread=True)
        assert outcome("asked_again", server) == plain
        print(f"{len(CHANGES) + 1} ways to write {len(plain[0])} principles and {plain[1]} twins: all read")
    finally:
        lab.kill()
