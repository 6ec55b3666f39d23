#!/usr/bin/env python3
"""A LoRA training step beside `transformers` + `peft`: 8 sequences of 256 tokens, rank 16 on all seven linear layers.

  .venv/bin/python bench/lora_step.py [--model models/SmolLM2-135M-Instruct] [--rounds 3] [--steps 4] [--dtype float32] [--prompt-tokens 64]

The two programs run in turn (so that a slow minute of the machine meets both), each round in a fresh process on the same
file of conversations: ours is `build/release/iteralign finetune`, theirs this script with --peer. A step is forward,
backward, clipping and AdamW; the first of each process is not counted. `--prompt-tokens` of the 256 are no targets, as
in fine-tuning on completions. Medians, their ratio and peak resident memory are printed.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BATCH, TOKENS, RANK = 8, 256, 16
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WORDS = " time way day man world life hand part place case week company system program question work".split()


def encode(tokenizer, messages):
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=False)
    whole = tokenizer(prompt + messages[-1]["content"] + tokenizer.eos_token, add_special_tokens=False).input_ids
    return whole, len(tokenizer(prompt, add_special_tokens=False).input_ids)


def conversation(tokenizer, number, prompt_tokens):
    """Words until prompt and whole have exactly the wanted lengths."""
    word = lambda i: WORDS[(number * 7 + i * i + i) % len(WORDS)]
    messages = [{"role": "system", "content": "Say"}, {"role": "user", "content": "Say"}, {"role": "assistant", "content": "A"}]
    while encode(tokenizer, messages)[1] < prompt_tokens:
        messages[1]["content"] += " " + word(len(messages[1]["content"]))
    while len(encode(tokenizer, messages)[0]) < TOKENS:
        messages[2]["content"] += " " + word(len(messages[2]["content"]))
    assert len(encode(tokenizer, messages)[0]) == TOKENS
    return messages


def run_peer(arguments):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(os.cpu_count())
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    encoded = [encode(tokenizer, json.loads(line)["messages"]) for line in open(arguments.data)]
    ids = torch.tensor([whole for whole, _ in encoded])
    labels = torch.tensor([[-100] * prompt + whole[prompt:] for whole, prompt in encoded])
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=TARGETS))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4)
    for _ in range(arguments.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.dtype == "bfloat16"):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(json.dumps({"loss": loss.item(), "seconds": time.perf_counter() - start}), flush=True)


def run(command):
    """Times of the steps, the losses, and the peak resident memory in MB. A step's time is from line to line of its output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    lines, times = [], []
    for line in process.stdout:
        times.append(time.perf_counter())
        lines.append(json.loads(line))
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed:\n{errors}")
    seconds = [line.get("seconds", after - before) for line, before, after in zip(lines[1:], times, times[1:])]
    return {"seconds": seconds, "losses": [line["loss"] for line in lines], "peak_mb": usage.ru_maxrss / 1024}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models" / "SmolLM2-135M-Instruct"))
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "iteralign"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return run_peer(arguments)

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "sft.jsonl"
        data.write_text("".join(json.dumps({"messages": conversation(tokenizer, i, arguments.prompt_tokens)}) + "\n" for i in range(BATCH)))
        common = ["--model", arguments.model, "--data", str(data), "--dtype", arguments.dtype]
        our_command = [arguments.program, "finetune", *common, "--out", str(Path(folder) / "out"), "--json", f"max_steps={arguments.steps}",
                       f"per_device_train_batch_size={BATCH}", f"lora_r={RANK}", f"lora_alpha={2 * RANK}", "warmup_ratio=0"]
        their_command = [sys.executable, __file__, "--peer", *common, "--steps", str(arguments.steps)]
        results = {"iteralign": [], "transformers + peft": []}
        for number in range(arguments.rounds):
            results["iteralign"].append(run(our_command))
            results["transformers + peft"].append(run(their_command))
            print(f"round {number + 1}: " + ", ".join(f"{name} {statistics.median(r[-1]['seconds']):.2f} s" for name, r in results.items()),
                  file=sys.stderr)
    medians = {}
    print(f"{BATCH} x {TOKENS} tokens, {arguments.prompt_tokens} of each no targets, rank {RANK}, {arguments.dtype}, medians of {arguments.rounds} runs")
    for name, rounds in results.items():
        medians[name] = statistics.median(s for r in rounds for s in r["seconds"]), max(r["peak_mb"] for r in rounds)
        print(f"{name:20} {medians[name][0]:6.2f} s a step  {BATCH * TOKENS / medians[name][0]:5.0f} tokens/s  peak {medians[name][1]:5.0f} MB"
              f"  first loss {rounds[0]['losses'][0]:.4f}")
    (our_time, our_peak), (their_time, their_peak) = medians.values()
    print(f"speed {their_time / our_time:.2f} times, memory {100 * our_peak / their_peak:.0f} %")


main()
