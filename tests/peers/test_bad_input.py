"""What people get wrong, and what breaks under them: a clear message, the right exit code, nothing lost."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

from peer import PROGRAM, ROOT, refused, run

MODEL = ROOT / "models/lab"

with tempfile.TemporaryDirectory() as scratch_name:
    scratch = pathlib.Path(scratch_name)

    def copy_of_model(name):
        folder = scratch / name
        shutil.copytree(MODEL, folder)
        for file in folder.iterdir():
            file.chmod(0o644)
        folder.chmod(0o755)
        return folder

    def generate(folder, **expected):
        refused("generate", "--model", folder, "--prompt", "x", **expected)

    generate(scratch / "none", code=3, says="none")

    folder = copy_of_model("cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    generate(folder, code=3, says="model.safetensors")
    weights.unlink()
    generate(folder, code=3, says="model.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    generate(folder, code=3, says="pytorch_model.bin")

    folder = copy_of_model("tokenizer")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["type"] = "Mystery"
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    generate(folder, code=3, says=["tokenizer.json", "Mystery"])

    folder = copy_of_model("family")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "mamba"}))
    generate(folder, code=3, says=["mamba", "llama"])

    gguf = scratch / "cut.gguf"
    gguf.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 5, 5))
    refused("import", gguf, "--out", scratch / "imported", code=3, says="cut.gguf")
    assert not (scratch / "imported").exists()

    config = scratch / "trial.yaml"

    def write_config(**changes):
        values = {"prompts": ROOT / "data/benign.jsonl", "oracle": "keyword", "extra": ""} | changes
        config.write_text(f"""
iterations: 1
runs_dir: {scratch}/runs
model: {{path: {MODEL}}}
oracle: {{base_url: {values['oracle']}, model: m, max_retries: 0}}
red_team: {{prompts: [{values['prompts']}], per_iteration: 2, heldout: 2, limit: 6}}
respond: {{max_new_tokens: 4}}
revise: {{max_new_tokens: 4}}
finetune: {{method: none}}
evaluate: {{max_new_tokens: 4}}
{values['extra']}
""")

    write_config(extra="finetun: {learning_rate: 1}")
    refused("align", config, code=2, says=["finetun.learning_rate", "did you mean 'finetune.learning_rate'"])

    broken = scratch / "broken.jsonl"
    broken.write_text('{"prompt": "a"}\n{"prompt": \n')
    write_config(prompts=broken)
    refused("align", config, code=3, says="broken.jsonl:2")

    write_config(oracle="http://127.0.0.1:9/v1")
    refused("align", config, "name=unreachable", code=4, says="127.0.0.1:9")

    write_config(oracle="https://192.0.2.1/v1")
    environment = {key: value for key, value in os.environ.items() if key != "OPENAI_API_KEY"}
    refused("align", config, "name=keyless", code=2, says="OPENAI_API_KEY", env=environment)

    write_config()
    run("align", config)
    refused("align", config, "seed=7", code=2, says="seed: 42 -> 7")
    run("align", config, "seed=7", "--fork", "other")

    # Two processes on one run folder.
    holder = subprocess.Popen(["flock", "--no-fork", scratch / "runs/trial/lock", "sleep", "60"])  # so that killing it ends the sleep
    try:
        for _ in range(100):
            if subprocess.run(["flock", "-n", scratch / "runs/trial/lock", "true"]).returncode:
                break
        refused("align", config, code=2, says="another process")
    finally:
        holder.kill()

    # A full disk: nothing that was there is lost, and the same command goes on.
    if os.geteuid() == 0 and shutil.which("mount"):
        small = scratch / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", small]).returncode == 0:
            try:
                done = subprocess.run([PROGRAM, "align", str(config), f"runs_dir={small}", "name=full"], capture_output=True, text=True, cwd=ROOT)
                assert done.returncode == 1 and "disk" in done.stderr, (done.returncode, done.stderr[-500:])
                subprocess.run(["mount", "-o", "remount,size=50m", small], check=True)
                run("align", config, f"runs_dir={small}", "name=full")
            finally:
                subprocess.run(["umount", small])
    else:
        print("skipped: a full disk (needs root)")

print("every fault is named")
