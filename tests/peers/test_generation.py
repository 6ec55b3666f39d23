"""Generation and scoring against `transformers`: log-likelihoods of every token, and greedy answers, on tiny random models of
every variant of the supported families, on TinyStories-656K and on SmolLM2 where those are present. GENERATION_PROMPTS=20 asks SmolLM2 more."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import huggingface_hub
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from family_models import VARIANTS, write_model
from peer import data

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ITERALIGN", str(ROOT / "build" / "release" / "iteralign"))
TINY_STORIES = data("models/TinyStories-656K")
SMOLLM2 = ROOT / "models" / "SmolLM2-135M-Instruct"

failures = []


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name} {detail}", flush=True)
    if not holds:
        failures.append(name)


def program(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def write_jsonl(folder, name, records):
    path = Path(folder) / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


# ---- scoring: every token of a text after its first word ----


def peer_loglikelihoods(model, tokenizer, context, continuation):
    """As lm-evaluation-harness: white space at the context's end moves over; encoded together, and what is behind the length of the encoded context follows that."""
    continuation = context[len(context.rstrip()):] + continuation
    context = context.rstrip()
    before = tokenizer(context).input_ids
    split = len(before)
    ids = torch.tensor([before + tokenizer(context + continuation).input_ids[split:]])
    with torch.no_grad():
        logits = model(ids).logits[0].float()
    rows = torch.log_softmax(logits, dim=-1)
    values = [rows[i - 1, ids[0, i]].item() for i in range(split, ids.shape[1])]
    greedy = all(logits[i - 1].argmax().item() == ids[0, i].item() for i in range(split, ids.shape[1]))
    return values, greedy


def compare_scores(name, folder, model, tokenizer, pairs, dtype, tolerance):
    with tempfile.TemporaryDirectory() as temporary:
        records = [{"context": context, "continuations": continuations} for context, continuations in pairs]
        lines = program("score", "--model", folder, "--dtype", dtype, "--device", "cpu", "--input", write_jsonl(temporary, "pairs.jsonl", records)).splitlines()
    worst, same_greedy = 0.0, True
    for (context, continuations), line in zip(pairs, lines, strict=True):
        ours = json.loads(line)
        for i, continuation in enumerate(continuations):
            values, greedy = peer_loglikelihoods(model, tokenizer, context, continuation)
            mine = ours["token_loglikelihoods"][i]
            if len(mine) != len(values):
                check(f"{name}: token count", False, f"{len(mine)} for {len(values)}")
                return
            worst = max([worst, *(abs(a - b) for a, b in zip(mine, values))])
            same_greedy &= ours["greedy"][i] == greedy
            if abs(sum(values) - ours["loglikelihoods"][i]) > tolerance * max(1, len(values)):
                check(f"{name}: sum", False)
    check(f"{name}: log-likelihoods {dtype}", worst <= tolerance, f"largest difference {worst:.2e}")
    if dtype == "float32":
        check(f"{name}: greedy flags", same_greedy)


# ---- greedy answers ----


def peer_greedy(model, ids, new_tokens):
    with torch.no_grad():
        out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=new_tokens, do_sample=False)
    return out[0, len(ids):].tolist()


def compare_greedy(name, folder, model, encode, prompts, new_tokens, *flags):
    with tempfile.TemporaryDirectory() as temporary:
        file = write_jsonl(temporary, "prompts.jsonl", [{"prompt": prompt} for prompt in prompts])
        answers = json.loads(program("generate", "--model", folder, "--dtype", "float32", "--device", "cpu", "--prompts", file, "--max-new-tokens", new_tokens,
                                     "--temperature", 0, "--json", *flags))
    equal = sum(answer["token_ids"] == peer_greedy(model, encode(prompt), new_tokens) for answer, prompt in zip(answers, prompts, strict=True))
    check(f"{name}: greedy answers", equal == len(prompts), f"{equal} of {len(prompts)} equal, {new_tokens} tokens each")


# ---- tiny random models ----


def test_variant(name, family, options):
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, family, options)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        rng = random.Random(1)
        text = lambda n: "".join(chr(rng.randrange(33, 127)) for _ in range(n))
        pairs = [(text(5), [text(90), text(3)]), (text(40), [text(20)]), (text(1), [text(1)])]
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        compare_scores(name, folder, model, tokenizer, pairs, "float32", 1e-3)
        compare_greedy(name, folder, model, lambda p: tokenizer(p).input_ids, [text(n) for n in (3, 30, 70)], 40, "--raw")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="eager").eval()
        compare_scores(name, folder, model, tokenizer, pairs, "bfloat16", 0.6)


# ---- real models ----


def test_tiny_stories():
    model = AutoModelForCausalLM.from_pretrained(TINY_STORIES, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(TINY_STORIES)
    pairs = [("Once upon a time, ", ["there was a little girl named Lily.", "dragons"]), ("The dog", [" ran to the big red ball and was very happy."])]
    compare_scores("TinyStories", TINY_STORIES, model, tokenizer, pairs, "float32", 1e-3)


CHATS = ["What is the capital of France?", "Write a haiku about the sea.", "Name three prime numbers.", "Explain photosynthesis briefly.", "How do I boil an egg?",
         "Tell me a joke.", "What is 12 times 9?", "Translate 'good morning' into Spanish.", "Who wrote Hamlet?", "List two uses of a brick.",
         "Why is the sky blue?", "Give me a name for a cat.", "What does a compiler do?", "Describe a sunset in one sentence.", "How far is the moon?",
         "What is a noun?", "Suggest a breakfast.", "What is gravity?", "How can I sleep better?", "Write a two-line poem on rain."]


def test_smollm2():
    model = AutoModelForCausalLM.from_pretrained(SMOLLM2, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2)
    pairs = [(chat, [" Paris is the capital of France.", " I am not sure, but here is what I know about it: "]) for chat in CHATS[:6]]
    compare_scores("SmolLM2", SMOLLM2, model, tokenizer, pairs, "float32", 1e-3)

    def encode(prompt):
        text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False)
        return tokenizer(text, add_special_tokens=False).input_ids

    compare_greedy("SmolLM2", SMOLLM2, model, encode, CHATS[:int(os.environ.get("GENERATION_PROMPTS", "3"))], 64)


# ---- samples and log-probabilities ----


def answers_of(folder, *flags):
    return json.loads(program("generate", "--model", folder, "--dtype", "float32", "--device", "cpu", "--prompt", "Once upon a time", "--raw", "--json", *flags))


def test_samples():
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, *next(iter(VARIANTS.values())))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        prompt = AutoTokenizer.from_pretrained(folder)("Once upon a time").input_ids
        samples = answers_of(folder, "--n", 4, "--temperature", 0.7, "--repetition-penalty", 1.3, "--max-new-tokens", 12, "--logprobs", "--seed", 1)
        check("samples: four different ones", [s["sample"] for s in samples] == [0, 1, 2, 3] and len({tuple(s["token_ids"]) for s in samples}) > 1)
        worst = 0.0
        for sample in samples:
            ids = prompt + sample["token_ids"]
            with torch.no_grad():
                logprobs = torch.log_softmax(model(torch.tensor([ids])).logits[0].float(), -1)
            theirs = [float(logprobs[len(prompt) - 1 + i, token]) for i, token in enumerate(sample["token_ids"])]
            worst = max([worst, *(abs(a - b) for a, b in zip(theirs, sample["logprobs"], strict=True))])
        check("log-probabilities are the model's own", worst < 1e-3, f"largest difference {worst:.1e}")
        greedy = answers_of(folder, "--max-new-tokens", 12)
        wanted = {"do_sample": True, "temperature": 5.0, "top_k": 0, "max_new_tokens": 9}
        config = json.loads((Path(folder) / "generation_config.json").read_text())
        (Path(folder) / "generation_config.json").write_text(json.dumps(config | wanted))
        sampled = answers_of(folder)
        check("generation_config.json is honoured", len(sampled[0]["token_ids"]) <= 9 and sampled[0]["token_ids"] != greedy[0]["token_ids"][:9])
        check("and overridden", answers_of(folder, "--temperature", 0, "--max-new-tokens", 12) == greedy)


# ---- a model by its name ----


def test_cache():
    """What huggingface_hub finds in its cache under org/name is what we open."""
    with tempfile.TemporaryDirectory() as cache:
        repository, commit = Path(cache) / "models--org--tiny", "0123456789abcdef0123456789abcdef01234567"
        snapshot = repository / "snapshots" / commit
        write_model(snapshot, *next(iter(VARIANTS.values())))
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit)
        theirs = huggingface_hub.snapshot_download("org/tiny", cache_dir=cache, local_files_only=True)
        named = subprocess.run([PROGRAM, "tokenize", "--model", "org/tiny", "--text", "abc", "--json"], capture_output=True, text=True,
                               env={**os.environ, "HF_HUB_CACHE": cache})
        check("org/name in the Hugging Face cache", Path(theirs) == snapshot and named.returncode == 0
              and named.stdout == program("tokenize", "--model", snapshot, "--text", "abc", "--json"), named.stderr)


test_samples()
test_cache()
# test_families.py has every variant; these go through the command line, padded and in bfloat16 as well.
for variant in ("llama, llama3 rope", "mistral, window shorter than the text", "qwen2, windows in later layers", "qwen3, head_dim 24", "gemma2",
                "phi3, longrope on three quarters of a head", "olmo2"):
    test_variant(variant, *VARIANTS[variant])
for folder, test in ((TINY_STORIES, test_tiny_stories), (SMOLLM2, test_smollm2)):
    if folder.exists():
        test()
    else:
        print(f"skipped: {folder.name} is not here")
sys.exit(1 if failures else 0)
