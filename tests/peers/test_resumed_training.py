"""A training that is killed at any step goes on with the same command and ends with the same bits: LoRA with dropout, all weights, packed, preferences.
TRAINING_KILLS=20 asks for more."""

import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile

from peer import PROGRAM, ROOT, skip

LAB = ROOT / "models" / "lab"
KILLS = int(os.environ.get("TRAINING_KILLS", "2"))  # of each kind
STEPS = 24
KINDS = {
    "LoRA with dropout": ["method=lora", "lora_dropout=0.1", "modules_to_save=[model.norm]"],
    "all weights, packed": ["method=full", "packing=true", "max_length=128", "learning_rate=1e-4"],
    "preferences": ["method=lora", "objective=sft+dpo"],
}
if not (LAB / "model.safetensors").exists():
    skip("models/lab is not built")


def command(data, out, options):
    return [PROGRAM, "finetune", "--model", LAB, "--data", data, "--out", out, "--dtype", "float32", "--json", f"max_steps={STEPS}", "save_steps=1",
            "per_device_train_batch_size=4", *options]


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


def kill_at(step, data, out, options):
    """Kills the training when it has reported that step."""
    process = subprocess.Popen(list(map(str, command(data, out, options))), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if json.loads(line)["step"] >= step:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.read()
    return process.wait()


rng = random.Random(5)
failures = 0
with tempfile.TemporaryDirectory() as scratch_name:
    scratch = pathlib.Path(scratch_name)
    data = scratch / "data.jsonl"
    data.write_text("".join(json.dumps({"prompt": [{"role": "user", "content": f"Which number follows {i}?"}], "chosen": [{"role": "assistant", "content": f"{i + 1}."}],
                                        "rejected": [{"role": "assistant", "content": "I do not know."}]}) + "\n" for i in range(40)))
    for name, options in KINDS.items():
        calm, killed = scratch / f"{name}-calm", scratch / f"{name}-killed"
        subprocess.run(list(map(str, command(data, calm, options))), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        steps = sorted(rng.sample(range(1, STEPS), min(KILLS, STEPS - 1)))
        ended = [kill_at(step, data, killed, options) for step in steps]
        done = subprocess.run(list(map(str, command(data, killed, options))), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        same = digest(calm) == digest(killed) and len(digest(calm)) == 1
        lines = [json.loads(line)["step"] for line in done.stdout.splitlines()]
        holds = same and lines == list(range(1, STEPS + 1)) and all(code == -signal.SIGKILL for code in ended)
        failures += not holds
        print(f"{'ok  ' if holds else 'FAIL'} {name}: killed at steps {steps}, the same bits: {same}", flush=True)
sys.exit(1 if failures else 0)
