"""Generation and scoring against `transformers`: log-likelihoods of every token, and greedy answers, on tiny random models of
every variant of the supported families, on TinyStories-656K and on SmolLM2 where those are present."""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

from transformers.utils import logging

logging.disable_progress_bar()
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ITERALIGN", str(ROOT / "build" / "release" / "iteralign"))
TINY_STORIES = ROOT.parent / "shared" / "data" / "models" / "TinyStories-656K"
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
    """As lm-evaluation-harness: white space at the context's end moves over; encoded together, split at the length of the encoded context."""
    continuation = context[len(context.rstrip()):] + continuation
    context = context.rstrip()
    ids = tokenizer(context + continuation, return_tensors="pt").input_ids
    split = len(tokenizer(context).input_ids)
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


def write_byte_tokenizer(folder):
    vocabulary = {character: i for i, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {"<s>": 256, "</s>": 257}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 256)])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(folder)


LLAMA3_ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
VARIANTS = {
    "llama, tied": (LlamaConfig, {"tie_word_embeddings": True}),
    "llama, own lm_head, one key head": (LlamaConfig, {"num_key_value_heads": 1}),
    "llama, biases": (LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    "llama, head_dim 24": (LlamaConfig, {"head_dim": 24}),
    "llama, llama3 rope": (LlamaConfig, {"rope_parameters": {**LLAMA3_ROPE, "rope_theta": 5e5}, "max_position_embeddings": 512}),
    "llama, linear rope": (LlamaConfig, {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}}),
    "mistral": (MistralConfig, {"sliding_window": None}),
    "mistral, window shorter than the text": (MistralConfig, {"sliding_window": 11}),
    "qwen2, tied": (Qwen2Config, {"tie_word_embeddings": True}),
    "qwen2": (Qwen2Config, {}),
    "qwen3, head_dim 24": (Qwen3Config, {"head_dim": 24}),
    "qwen3, biases, tied": (Qwen3Config, {"head_dim": 32, "attention_bias": True, "tie_word_embeddings": True}),
}
CLASSES = {LlamaConfig: LlamaForCausalLM, MistralConfig: MistralForCausalLM, Qwen2Config: Qwen2ForCausalLM, Qwen3Config: Qwen3ForCausalLM}


def test_variant(name, config_class, options):
    torch.manual_seed(0)
    options = {"vocab_size": 258, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
               "max_position_embeddings": 256, "bos_token_id": 256, "eos_token_id": 257, "tie_word_embeddings": False, "initializer_range": 0.2} | options
    model = CLASSES[config_class](config_class(**options))
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.endswith("bias") or "norm" in parameter_name:
            parameter.data += 0.2 * torch.randn_like(parameter)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        write_byte_tokenizer(folder)
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

    compare_greedy("SmolLM2", SMOLLM2, model, encode, CHATS, 64)


for variant, (config_class, options) in VARIANTS.items():
    test_variant(variant, config_class, options)
for folder, test in ((TINY_STORIES, test_tiny_stories), (SMOLLM2, test_smollm2)):
    if folder.exists():
        test()
    else:
        print(f"skipped: {folder.name} is not here")
sys.exit(1 if failures else 0)
