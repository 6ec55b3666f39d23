"""The lab: aligned, killed at random moments, judged by an oracle that misbehaves. One iteration count, small, the real thing throughout."""

import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from peer import PROGRAM, ROOT, run, skip

if not (ROOT / "models/lab/model.safetensors").exists():
    skip("models/lab is not built")

KILLS = int(os.environ.get("ITERALIGN_KILLS", "5"))


def align(scratch, name, *overrides):
    return [PROGRAM, "align", "configs/lab.yaml", f"runs_dir={scratch}", f"name={name}", f"oracle.request_log={scratch}/{name}.log", *overrides]


def outcome(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "completed", summary["status"]
    pairs = [(folder / f"iter-{i['iteration']:03}" / "sft.jsonl").read_text() for i in summary["iterations"]]
    return (folder / "constitution.json").read_text(), pairs, summary["after"]


def asked(path):
    return [json.loads(line)["body"] for line in path.read_text().splitlines()]


with tempfile.TemporaryDirectory() as scratch_name:
    scratch = pathlib.Path(scratch_name)
    start = time.time()
    subprocess.run(align(scratch, "calm"), check=True, cwd=ROOT, capture_output=True)
    duration = time.time() - start
    calm = outcome(scratch / "calm")
    before, after = (json.loads((scratch / "calm/summary.json").read_text())[key] for key in ("before", "after"))
    print(f"held-out negative {before['heldout']['negative_rate']:.2f} -> {after['heldout']['negative_rate']:.2f}, "
          f"benign refused {after['benign']['refusal_rate']:.2f}, {duration:.0f} s")
    assert before["heldout"]["negative_rate"] >= 0.8 and after["heldout"]["negative_rate"] <= 0.1 and after["benign"]["refusal_rate"] <= 0.05

    random.seed(1)
    for _ in range(KILLS):
        process = subprocess.Popen(align(scratch, "killed"), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.5, duration / 2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(align(scratch, "killed"), check=True, cwd=ROOT, capture_output=True)
    assert outcome(scratch / "killed") == calm, "a killed run came out otherwise"
    bodies = asked(scratch / "killed.log")
    twice = len(bodies) - len(set(bodies))
    assert twice <= KILLS * 8, f"{twice} requests were made twice"  # those in flight at a kill, at most `concurrency` each
    print(f"killed {KILLS} times: the same result; {twice} of {len(bodies)} requests made twice")

    subprocess.run(align(scratch, "faulty", "iterations=1", "oracle.fault_rate=0.3", "oracle.timeout_s=1.5", "oracle.concurrency=16"), check=True, cwd=ROOT, capture_output=True)
    summary = json.loads((scratch / "faulty/summary.json").read_text())
    faults = summary["oracle"]["faults"]
    print("faults survived:", faults)
    assert len(faults) >= 5 and sum(faults.values()) > 20, faults
    first = summary["iterations"][0]
    assert first["negative"] + first["positive"] + first["unjudged"] == first["prompts"]
