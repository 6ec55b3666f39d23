"""Checkpoints and adapters in the forms that people's tools leave behind, against `transformers` and `peft`: the log-likelihood of a text is
theirs, or the folder is refused with the reason."""

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

try:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from family_models import write_model
from peer import PROGRAM

warnings.filterwarnings("ignore")
logging.set_verbosity_error()
CONTEXT, CONTINUATION = "The quick", " brown fox"
WORK = Path(tempfile.mkdtemp())
failures = 0
(WORK / "score.jsonl").write_text(json.dumps({"context": CONTEXT, "continuations": [CONTINUATION]}) + "\n")


def check(name, holds, detail):
    global failures
    failures += not holds
    print("ok  " if holds else "FAIL", name, detail, flush=True)


def ours(model, adapter=None):
    """The log-likelihood of every token of the continuation, or the message of the refusal."""
    command = [PROGRAM, "score", "--model", model, "--input", WORK / "score.jsonl", "--dtype", "float32", "--device", "cpu"]
    done = subprocess.run([*map(str, command), *(["--adapter", str(adapter)] if adapter else [])], capture_output=True, text=True)
    return json.loads(done.stdout)["token_loglikelihoods"][0] if done.returncode == 0 else done.stderr


def theirs(model, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt, ids = tokenizer(CONTEXT).input_ids, tokenizer(CONTEXT + CONTINUATION).input_ids
    with torch.no_grad():
        logprobs = model.eval()(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return [logprobs[i - 1, ids[i]].item() for i in range(len(prompt), len(ids))]


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def compare(name, actual, expected):
    if isinstance(actual, str):
        return check(name, False, actual)
    check(name, max(abs(a - e) for a, e in zip(actual, expected, strict=True)) < 1e-4, f"{actual[0]:.4f}, {expected[0]:.4f} expected")


# ---- checkpoints ----

def edited(source, name, config=None, weights=None):
    """A copy with other keys in config.json (None removes one) and other tensors."""
    folder = WORK / name
    shutil.copytree(WORK / source, folder)
    if config:
        values = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps({key: value for key, value in values.items() if key not in config or value is not None}))
    if weights:
        save_file(weights(load_file(folder / "model.safetensors")), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def without_prefix(tensors):
    return {key.removeprefix("model."): value for key, value in tensors.items()}


def only_head(tensors):
    return {("lm_head.weight" if "embed_tokens" in key else key): value for key, value in tensors.items()}


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
write_model(WORK / "own", "Llama", {"num_hidden_layers": 2})
write_model(WORK / "tied", "Llama", {"num_hidden_layers": 2, "tie_word_embeddings": True})
write_model(WORK / "mistral", "Mistral", {"num_hidden_layers": 2, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 8})
write_model(WORK / "smollm3", "SmolLM3", {"num_hidden_layers": 2, "num_attention_heads": 16, "num_key_value_heads": 4, "pad_token_id": None})
write_model(WORK / "gemma3", "Gemma3", {"num_hidden_layers": 2, "head_dim": 16, "pad_token_id": None, "tie_word_embeddings": True,
                                        "layer_types": ["full_attention", "sliding_attention"], "sliding_window": 7})
for name, folder in {
    "names without model., own lm_head": edited("own", "a", weights=without_prefix),
    "names without model., tied": edited("tied", "b", weights=without_prefix),
    "tied, only lm_head is stored": edited("tied", "c", weights=only_head),
    "tied by config.json, another lm_head stored": edited("own", "d", {"tie_word_embeddings": True}),
    "mistral without num_key_value_heads": edited("mistral", "e", {"num_key_value_heads": None}),
    "smollm3 without num_key_value_heads": edited("smollm3", "f", {"num_key_value_heads": None}),
    "rope_scaling beside rope_parameters": edited("own", "g", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}, "rope_scaling": YARN}),
    "gemma3, rope_scaling beside rope_parameters": edited("gemma3", "h", {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
}.items():
    compare(name, ours(folder), theirs(load(folder), folder))

stale = WORK / "stale"
shutil.copytree(WORK / "own", stale)
save_file({key: 2 * value for key, value in load_file(stale / "model.safetensors").items()}, stale / "model-00001-of-00001.safetensors")
(stale / "model.safetensors.index.json").write_text(
    json.dumps({"metadata": {}, "weight_map": {key: "model-00001-of-00001.safetensors" for key in load_file(stale / "model.safetensors")}}))
compare("an index beside model.safetensors", ours(stale), theirs(load(stale), stale))

# Merged and written anew, the head stays its own.
subprocess.run([PROGRAM, "export", "--model", WORK / "d", "--format", "merged", "--out", WORK / "d2"], check=True, capture_output=True)
compare("tied by config.json, written anew", ours(WORK / "d2"), theirs(load(WORK / "d2"), WORK / "d2"))
check("tied by config.json, written anew, says so", json.loads((WORK / "d2" / "config.json").read_text())["tie_word_embeddings"] is False, "")


# ---- adapters ----

def adapter(name, base="own", config=None, tensors=None, save=None, **options):
    """An adapter on random factors, changed behind peft's back by `config` and `tensors`; peft then reads it."""
    torch.manual_seed(1)
    folder = WORK / "adapters" / name.replace(" ", "_")
    options = {"r": 4, "lora_alpha": 8, "init_lora_weights": False, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"} | options
    model = get_peft_model(load(WORK / base), LoraConfig(**options))
    for key, parameter in model.named_parameters():
        if "modules_to_save" in key and parameter.requires_grad or key.endswith("bias"):
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder, **(save or {}))
    values = json.loads((folder / "adapter_config.json").read_text()) | (config or {})
    (folder / "adapter_config.json").write_text(json.dumps(values))
    if tensors:
        save_file(tensors(load_file(folder / "adapter_model.safetensors")), folder / "adapter_model.safetensors")
    return folder


def compare_adapter(name, base="own", **options):
    folder = adapter(name, base, **options)
    compare(f"adapter: {name}", ours(WORK / base, folder), theirs(PeftModel.from_pretrained(load(WORK / base), folder), WORK / base))
    return folder


def with_name(tensors):
    return {key.replace("lora_A.", "lora_A.default.").replace("lora_B.", "lora_B.default."): value for key, value in tensors.items()}


write_model(WORK / "qwen2", "Qwen2", {"num_hidden_layers": 2})
compare_adapter("saved embeddings", save={"save_embedding_layers": True})
compare_adapter("saved embeddings, tied", "tied", save={"save_embedding_layers": True})
compare_adapter("LoRA on the embedding, tied", "tied", target_modules=["q_proj", "embed_tokens"], use_rslora=True, alpha_pattern={"embed_tokens": 3})
compare_adapter("LoRA on lm_head", target_modules=["q_proj", "lm_head"])
both = compare_adapter("LoRA on both, tied", "tied", target_modules=["q_proj", "embed_tokens", "lm_head"])
compare_adapter("LoRA on both, kept tied", "tied", target_modules=["q_proj", "embed_tokens"], ensure_weight_tying=True)
compare_adapter("embedding saved, tied", "tied", modules_to_save=["embed_tokens"])
compare_adapter("lm_head saved, LoRA on the embedding, tied", "tied", target_modules=["q_proj", "embed_tokens"], modules_to_save=["lm_head"])
compare_adapter("norms and a whole layer saved", modules_to_save=["norm", "mlp"])
compare_adapter("biases", "qwen2", bias="all")
compare_adapter("all-linear", target_modules="all-linear", config={"target_modules": "All-Linear"})
compare_adapter("chosen layers", target_modules=["q_proj", "model.layers.0.mlp.up_proj"], layers_to_transform=1, layers_pattern="layers")
compare_adapter("left-out modules", target_modules=["q_proj", "v_proj"], exclude_modules=r".*\.0\..*q_proj")
compare_adapter("order of patterns", config={"alpha_pattern": {"q_proj": 32, "layers.0.self_attn.q_proj": 16}})
compare_adapter("a regular expression of Python's", target_modules=r"(?P<block>model\.layers\.\d+)\.(?i:SELF)_attn\.[qv]_proj\Z")
compare_adapter("the adapter's name in the keys, float64", tensors=lambda t: {k: v.double() for k, v in with_name(t).items()})

out = WORK / "merged"
subprocess.run([PROGRAM, "export", "--model", WORK / "tied", "--adapter", both, "--format", "merged", "--out", out], check=True, capture_output=True)
compare("LoRA on both, tied, merged by us", ours(out), theirs(load(out), out))
for name, says, options in (("no such module", "names no module of this model", {"config": {"target_modules": ["qkv_proj"]}}),
                            ("DoRA", "use_dora", {"use_dora": True}),
                            ("keys without prefix", "base_model.model.", {"tensors": lambda t: {k.removeprefix("base_model.model."): v for k, v in t.items()}}),
                            ("factors missing", "is missing", {"tensors": lambda t: {k: v for k, v in t.items() if "layers.0" not in k}})):
    message = ours(WORK / "own", adapter(name, **options))
    check(f"adapter refused: {name}", isinstance(message, str) and says in message, str(message).strip()[-200:])

shutil.rmtree(WORK)
print(f"{failures} failures")
sys.exit(1 if failures else 0)
