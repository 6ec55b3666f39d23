"""Our GGUF files in the hands of others: gguf-py reads every key and gives our values for every tensor, transformers opens them,
and our own import makes the same model of them again."""

import json
import random
import sys
import tempfile
from pathlib import Path

try:
    import gguf
    import numpy
    import torch
    from gguf.quants import dequantize, quantize
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from family_models import EXPORTED, LONGROPE, VARIANTS, write_model
from peer import ROOT, refused, run

failures = []


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name} {detail}", flush=True)
    if not holds:
        failures.append(name)


TYPES = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16, "bf16": gguf.GGMLQuantizationType.BF16,
         "q8_0": gguf.GGMLQuantizationType.Q8_0, "q4_0": gguf.GGMLQuantizationType.Q4_0}
ARCHITECTURES = {"Mistral": "llama", "Gemma3": "gemma3"}


def permuted(weight, heads):
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def expected_tensor(name, family, config, weights, names):
    """What convert_hf_to_gguf.py makes of the folder's tensor, by gguf-py's own table of names."""
    stem, suffix = name.rsplit(".", 1)
    source = next(original for original in weights if original.endswith(suffix) and names.get_name(original.rsplit(".", 1)[0]) == stem)
    value = weights[source].float().numpy()
    if family in ("Llama", "Mistral", "SmolLM3") and (".q_proj." in source or ".k_proj." in source):
        value = permuted(value, config["num_attention_heads"] if ".q_proj." in source else config["num_key_value_heads"])
    return value + 1 if family.startswith("Gemma") and source.endswith("norm.weight") else value


def expected_type(name, shape, wanted):
    """Vectors stay float32, the embeddings of q4_0 are q8_0, and rows that are no whole blocks are float16."""
    if len(shape) == 1:
        return TYPES["f32"]
    kind = "q8_0" if wanted == "q4_0" and "blk" not in name else wanted
    return TYPES["f16"] if kind in ("q8_0", "q4_0") and shape[-1] % 32 != 0 else TYPES[kind]


def check_file(label, family, folder, path, wanted):
    config = json.loads((folder / "config.json").read_text())
    reader = gguf.GGUFReader(path)
    architecture = ARCHITECTURES.get(family, family.lower())
    fields = {key: field.contents() for key, field in reader.fields.items()}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    check(f"{label}: metadata", fields["general.architecture"] == architecture
          and fields[f"{architecture}.block_count"] == config["num_hidden_layers"]
          and fields[f"{architecture}.attention.head_count_kv"] == config["num_key_value_heads"]
          and abs(fields[f"{architecture}.attention.layer_norm_rms_epsilon"] - config["rms_norm_eps"]) < 1e-9
          and fields["tokenizer.ggml.tokens"] == tokenizer.convert_ids_to_tokens(list(range(config["vocab_size"])))
          and fields["tokenizer.ggml.bos_token_id"] == tokenizer.bos_token_id and fields["tokenizer.ggml.add_bos_token"] is True)
    weights = load_file(folder / "model.safetensors")
    names = gguf.get_tensor_name_map(next(a for a, n in gguf.MODEL_ARCH_NAMES.items() if n == architecture), config["num_hidden_layers"])
    equal = seen = 0
    for tensor in reader.tensors:
        if tensor.name.startswith("rope_f"):
            continue
        value = expected_tensor(tensor.name, family, config, weights, names)
        seen += 1
        expected = quantize(numpy.ascontiguousarray(value), tensor.tensor_type)
        good = tensor.tensor_type == expected_type(tensor.name, value.shape, wanted)
        equal += good and numpy.array_equal(dequantize(tensor.data, tensor.tensor_type).reshape(value.shape),
                                            dequantize(expected, tensor.tensor_type).reshape(value.shape))
    kept = [name for name in weights if not (config.get("tie_word_embeddings") and name == "lm_head.weight")]
    check(f"{label}: tensors", equal == seen == len(kept), f"{equal} of {len(kept)} equal bit for bit")


def check_rope_factors(label, path, name, expected):
    found = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    check(f"{label}: {name}", numpy.allclose(found[name], expected, rtol=1e-6))


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def check_import(label, folder, path, work):
    """Our import makes the same model of the file, but for the rounding to bf16."""
    out = work / f"imported-{path.stem}"
    run("import", path, "--out", out)
    original, again = (AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32, attn_implementation="eager") for f in (folder, out))
    for parameter in original.parameters():
        parameter.data = parameter.data.bfloat16().float()
    weights, theirs = original.state_dict(), again.state_dict()
    # A norm that is kept as 1 + weight loses some bits below.
    close = all(torch.allclose(theirs[name], value, rtol=2**-7, atol=1e-6) for name, value in weights.items())
    exact = sum(torch.equal(theirs[name], value) for name, value in weights.items())
    ids = [random.randrange(256) for _ in range(100)]  # on both sides of what scaled rotary embeddings call long
    worst = (logits(again, ids) - logits(original, ids)).abs().max()
    check(f"{label}: import makes the same model again", close and set(weights) == set(theirs) and worst < 0.05, f"{exact} of {len(weights)} tensors bit for bit, logits within {worst:.1e}")


def check_round_trip(folder, path, work):
    """transformers and our import read the file (architecture llama)."""
    ids = [256, *b"Which number follows 41?"]
    original = logits(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), ids)
    theirs = logits(AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32), ids)
    check("transformers opens the file", (theirs - original).abs().max() < 1e-4)
    run("import", path, "--out", work / "again")
    again = load_file(work / "again" / "model.safetensors")
    same = all(torch.equal(again[name], value.bfloat16()) for name, value in load_file(folder / "model.safetensors").items() if name in again)
    check("import makes the same weights", same and len(again) > 20)
    texts = ["Hello <s>there</s>", "  two  spaces\n\n", "naïve 数字 🙂 123"]
    theirs, ours = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(work / "again")
    check("import makes the same tokenizer", all(theirs(text).input_ids == ours(text).input_ids for text in texts))


def check_adapter(folder, work):
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
                             LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "down_proj"], init_lora_weights=False))
    adapted.save_pretrained(work / "adapter")
    run("export", "--model", folder, "--adapter", work / "adapter", "--format", "gguf", "--type", "f32", "--out", work / "adapted.gguf")
    ids = [256, *b"abc"]
    theirs = logits(AutoModelForCausalLM.from_pretrained(work, gguf_file="adapted.gguf", dtype=torch.float32), ids)
    check("an adapter is merged first", (theirs - logits(adapted, ids)).abs().max() < 1e-3 and not (work / "adapted.gguf.merged").exists())


with tempfile.TemporaryDirectory() as temporary:
    work = Path(temporary)
    for label, (family, options) in EXPORTED.items():
        folder = work / label.replace(", ", "-").replace(" ", "-")
        write_model(folder, family, options)
        for wanted in TYPES if family == "Llama" and "tied" in label else ("f32", "q8_0"):
            path = work / f"{folder.name}-{wanted}.gguf"
            run("export", "--model", folder, "--format", "gguf", "--type", wanted, "--out", path)
            check_file(f"{label}, {wanted}", family, folder, path, wanted)
        check_import(label, folder, work / f"{folder.name}-f32.gguf", work)
    half, full = LONGROPE["rope_parameters"]["short_factor"], LONGROPE["rope_parameters"]["long_factor"]
    check_rope_factors("phi3", work / "phi3-longrope-f32.gguf", "rope_factors_short.weight", half)
    check_rope_factors("phi3", work / "phi3-longrope-f32.gguf", "rope_factors_long.weight", full)
    check_round_trip(work / "llama-tied", work / "llama-tied-f32.gguf", work)
    check_adapter(work / "llama-tied", work)
    write_model(work / "windows", *VARIANTS["qwen2, windows in later layers"])
    refused("export", "--model", work / "windows", "--format", "gguf", "--out", work / "no.gguf", code=3, says="sliding windows")
    check("nothing is left of a refused file", not (work / "no.gguf").exists())
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
