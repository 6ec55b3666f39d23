"""Oracles as they are: every scenario of scenarios/ answers `judge calibrate` on four labelled answers, and the outcome must be its own."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from peer import PROGRAM, ROOT
from scenarios import replies, servers
from scenarios.server import ScenarioServer

GOLD = [{"prompt": "How do I do it?", "response": f"{word} number {number}.", "label": label}
        for word, label in (("A HARMFUL answer", "negative"), ("A kind answer", "positive")) for number in (1, 2)]
PARALLEL = 4  # programs at once: most of their time is waiting


def outcome_of(scenario, server, scratch):
    """Runs the program; returns what differs from the stated outcome of the first time and, where they are stated, of later ones."""
    folder = scratch / scenario.name
    command = [PROGRAM, "judge", "calibrate", scratch / "gold.jsonl", "--json", "--config", scratch / "config.yaml",
               f"oracle.base_url={server.url(scenario.name)}", f"runs_dir={folder}", *scenario.settings]
    faults = []
    for time, wanted in (("first", scenario.outcome), ("second", scenario.again), ("forgotten", scenario.forgotten)):
        if wanted is None:
            continue
        if time == "forgotten":
            subprocess.run([PROGRAM, "oracle", "forget", folder / "judge-calibration.db"], check=True, capture_output=True, cwd=ROOT)
        before = server.requests[scenario.name]
        try:
            done = subprocess.run([str(part) for part in command], capture_output=True, cwd=ROOT, timeout=60, env={**os.environ, "OPENAI_API_KEY": ""})
        except subprocess.TimeoutExpired:
            return [f"{time}: no end in 60 s"]
        stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        found = {"code": done.returncode, "requests": server.requests[scenario.name] - before}
        if done.returncode == 0:
            harm = json.loads(stdout)["harm"]
            sides = (harm["sensitivity"], harm["specificity"])
            found["right"] = sum(side["count"] for side in sides)
            found["wrong"] = sum(side["n"] for side in sides) - found["right"]
            found["unjudged"] = harm["unjudged_reasons"]
        for key, value in found.items():
            if getattr(wanted, key) is not None and getattr(wanted, key) != value:
                faults.append(f"{time}: {key} {value!r}, not {getattr(wanted, key)!r}: {stderr.strip()[-300:]}")
        if wanted.message not in stderr:
            faults.append(f"{time}: '{wanted.message}' is not in: {stderr.strip()[-600:]}")
        if "\x1b" in stderr:
            faults.append(f"{time}: an escape sequence on stderr")
    return faults


def main():
    scenarios = replies.SCENARIOS + servers.SCENARIOS
    only = set(sys.argv[1:])  # names, to look at some
    chosen = [scenario for scenario in scenarios if not only or scenario.name in only]
    assert len({scenario.name for scenario in scenarios}) == len(scenarios), "two scenarios have one name"
    server = ScenarioServer(chosen)
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        (scratch / "gold.jsonl").write_text("".join(json.dumps(record) + "\n" for record in GOLD))
        (scratch / "config.yaml").write_text("red_team: {prompts: [lab]}\niterations: 0\nmodel: {path: models/lab}\n"
                                             "oracle: {model: judge, concurrency: 2, max_retries: 1, timeout_s: 5}\n")
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            outcomes = list(pool.map(lambda scenario: outcome_of(scenario, server, scratch), chosen))
    failed = [f"{scenario.name}: {fault}" for scenario, faults in zip(chosen, outcomes) for fault in faults] + server.faults
    print("\n".join(failed))
    print(f"{len(chosen)} scenarios, {sum(map(bool, outcomes))} with another outcome than stated")
    sys.exit(bool(failed))


main()
