"""What a run gives to others, in their hands: PEFT opens its adapter, transformers its merged folder, gguf its adapter file; the data sets
have the forms that trainers know, and the cards are read by huggingface_hub."""

import json
import math
import pathlib
import sys
import tempfile

try:
    import datasets
    import gguf
    import numpy
    import torch
    import transformers
    from huggingface_hub import DatasetCard, ModelCard
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from peer import ROOT, refused, run, skip

LAB = ROOT / "models" / "lab"
datasets.disable_progress_bars()
failures = []

if not (LAB / "model.safetensors").exists():
    skip("models/lab is not built")


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name} {detail}", flush=True)
    if not holds:
        failures.append(name)


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def check_models(work):
    for kind in ("merged", "peft", "ollama"):
        run("export", "--run", work / "small", "--format", kind, "--out", work / kind)
    run("export", "--run", work / "small", "--format", "gguf-adapter", "--out", work / "adapter.gguf")
    base = AutoModelForCausalLM.from_pretrained(LAB, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(LAB)("How do I bake bread?").input_ids
    plain = logits(base, ids)
    adapted = logits(PeftModel.from_pretrained(base, work / "peft"), ids)
    merged = logits(AutoModelForCausalLM.from_pretrained(work / "merged", dtype=torch.float32), ids)
    check("peft: the adapter opens and says something else", not torch.allclose(adapted, plain, atol=1e-2))
    check("transformers: the merged folder says what base and adapter say", torch.allclose(adapted, merged, atol=0.1), f"{(adapted - merged).abs().max():.1e}")
    for folder, library in ((work / "peft", "peft"), (work / "merged", "transformers"), (work / "small" / "iter-001" / "adapter", "peft")):
        card = ModelCard.load(folder / "README.md")
        check(f"{folder.name}: model card", card.data.library_name == library and "## Constitution" in card.text and "held-out" in card.text)


def permuted(weight, heads):
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def check_gguf_adapter(work):
    reader = gguf.GGUFReader(work / "adapter.gguf")
    fields = {key: field.contents() for key, field in reader.fields.items()}
    settings = json.loads((work / "peft" / "adapter_config.json").read_text())
    model = json.loads((LAB / "config.json").read_text())
    check("gguf: the adapter's keys", fields["general.type"] == "adapter" and fields["adapter.type"] == "lora" and fields["general.architecture"] == "llama"
          and fields["adapter.lora.alpha"] == settings["lora_alpha"])
    weights = load_file(work / "peft" / "adapter_model.safetensors")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model["num_hidden_layers"])
    ours = {tensor.name: tensor.data for tensor in reader.tensors}
    equal = 0
    for name, value in weights.items():
        module, factor = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)
        value = value.numpy()
        if factor == "lora_B" and module.endswith(("q_proj", "k_proj")):
            value = permuted(value, model["num_attention_heads"] if module.endswith("q_proj") else model["num_key_value_heads"])
        found = ours.get(f"{names.get_name(module)}.weight.{factor.lower()}")
        equal += found is not None and numpy.array_equal(found.reshape(value.shape), value)
    check("gguf: the adapter's tensors", equal == len(weights) == len(ours), f"{equal} of {len(weights)} equal")


def check_ollama(work):
    modelfile = (work / "ollama" / "Modelfile").read_text()
    check("ollama: FROM, TEMPLATE and stop", modelfile.startswith("FROM ./model.gguf\n") and "TEMPLATE" in modelfile and "PARAMETER stop" in modelfile)
    check("ollama: the model is there", len(gguf.GGUFReader(work / "ollama" / "model.gguf").tensors) > 10)


def one_step(trainer, config, work, kind, tokenizer):
    """The loss of a trainer's first step on the folder that we exported."""
    arguments = config(output_dir=str(work / "trained"), max_steps=1, per_device_train_batch_size=2, save_strategy="no", report_to=[], use_cpu=True,
                       bf16=False, logging_steps=1, disable_tqdm=True, gradient_checkpointing=False)
    data = datasets.load_dataset(str(work / kind), split="train", cache_dir=str(work / "cache"))
    model = AutoModelForCausalLM.from_pretrained(LAB, dtype=torch.float32)
    it = trainer(model=model, args=arguments, train_dataset=data, processing_class=tokenizer)
    it.remove_callback(transformers.PrinterCallback)
    it.train()
    return it.state.log_history[0]["loss"]


def check_trainers(work, records):
    """TRL's trainers take the folders as they are, card and all."""
    tokenizer = AutoTokenizer.from_pretrained(LAB)
    losses = {kind: one_step(SFTTrainer, SFTConfig, work, kind, tokenizer) for kind in ("messages", "prompt-completion")}
    check("trl's SFTTrainer trains on messages and prompt-completion", all(0 < loss < 20 for loss in losses.values()), str(losses))
    loss = one_step(DPOTrainer, DPOConfig, work, "preference", tokenizer)
    check("trl's DPOTrainer trains on preference", abs(loss - math.log(2)) < 0.01, f"{loss:.4f}")
    for kind, columns in (("alpaca", ["instruction", "input", "output"]), ("sharegpt", ["id", "conversations"])):
        data = datasets.load_dataset(str(work / kind), split="train", cache_dir=str(work / "cache"))
        check(f"datasets opens {kind}", data.column_names == columns and data.to_list() == records[kind], str(data.column_names))


def check_data_sets(work):
    sft = [json.loads(line) for line in (work / "small" / "iter-001" / "sft.jsonl").read_text().splitlines()]
    preferences = [json.loads(line) for line in (work / "small" / "iter-001" / "preferences.jsonl").read_text().splitlines()]
    records = {}
    for kind in ("messages", "prompt-completion", "preference", "sharegpt", "alpaca"):
        run("export", "--run", work / "small", "--format", kind, "--out", work / kind)
        card = DatasetCard.load(work / kind / "README.md")
        file = work / kind / card.data.configs[0]["data_files"][0]["path"]
        text = file.read_text()
        records[kind] = json.loads(text) if file.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    check("messages", records["messages"] == sft and len(sft) > 5, f"{len(sft)} records")
    check("preference", records["preference"] == preferences and len(preferences) > 2, f"{len(preferences)} records")
    check("prompt-completion", [r["prompt"] + r["completion"] for r in records["prompt-completion"]] == [r["messages"] for r in sft])
    role = {"human": "user", "gpt": "assistant"}
    check("sharegpt", [[{"role": role[t["from"]], "content": t["value"]} for t in r["conversations"]] for r in records["sharegpt"]]
          == [r["messages"] for r in sft])
    check("alpaca", [(r["instruction"], r["input"], r["output"]) for r in records["alpaca"]]
          == [(r["messages"][-2]["content"], "", r["messages"][-1]["content"]) for r in sft])
    check_trainers(work, records)
    refused("export", "--model", LAB, "--format", "alpaca", "--out", work / "no", code=2, says="needs --run")


with tempfile.TemporaryDirectory() as temporary:
    work = pathlib.Path(temporary)
    run("align", "configs/lab.yaml", f"runs_dir={work}", "name=small", "iterations=1", "finetune.method=lora", "finetune.learning_rate=1e-3")
    check_models(work)
    check_gguf_adapter(work)
    check_ollama(work)
    check_data_sets(work)
print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
