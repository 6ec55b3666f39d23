"""`iteralign doctor`: a healthy model has no fault, and each planted fault is found and named.

The model is the lab's, the adapter peft's, the GGUF files are our own exports."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import torch
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from peer import PROGRAM, ROOT, run

LAB = ROOT / "models/lab"
torch.manual_seed(0)
torch.set_num_threads(1)
failures = []


class Doctor:
    """One visit: the exit code, the findings, and what was said about them."""

    def __init__(self, model, adapter=None, gguf=None):
        arguments = ["--model", model] + (["--adapter", adapter] if adapter else []) + (["--gguf", gguf] if gguf else [])
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([PROGRAM, "doctor", *map(str, arguments), "--json"], capture_output=True, text=True, cwd=ROOT,
                                  env=os.environ | {"TMPDIR": scratch})
            self.left_over = os.listdir(scratch)
        try:
            self.findings = json.loads(done.stdout)
        except json.JSONDecodeError:
            sys.exit(f"doctor {' '.join(map(str, arguments))} ended with {done.returncode} and no JSON:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        self.code = done.returncode
        faults = [finding for finding in self.findings if finding["status"] == "fault"]
        self.sound = all(set(f) == {"check", "status", "message", "mend"} for f in self.findings)
        self.sound = self.sound and self.code == (3 if faults else 0) and not self.left_over

    def has(self, status, check, says=""):
        return any(f["status"] == status and f["check"] == check and says in f["message"] and (status == "ok" or f["mend"]) for f in self.findings)

    def report(self):
        lines = [f"{f['status']} {f['check']}: {f['message']}" for f in self.findings]
        return "\n".join(["", f"exit code {self.code}, left over: {self.left_over}", *lines])


def check(name, holds, visit):
    print("ok  " if holds else "FAIL", name, "" if holds else visit.report(), flush=True)
    if not holds:
        failures.append(name)


def expect(name, visit, status, where, says):
    check(name, visit.sound and visit.has(status, where, says), visit)


def healthy(name, visit, *wanted):
    sound = visit.sound and visit.code == 0 and all(visit.has("ok", where) for where in wanted)
    check(name, sound, visit)


def copy_of_lab(work, name):
    folder = work / name
    shutil.copytree(LAB, folder)
    return folder


def edit(path, change):
    """`change` gets the JSON of the file and alters it."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False))


def edit_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"})


def write_adapter(folder, base=LAB, **options):
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
                           LoraConfig(**({"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]} | options)))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.01 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    edit(folder / "adapter_config.json", lambda config: config.update(base_model_name_or_path=str(base)))
    return folder


def export(model, path, kind="f16", adapter=None):
    run("export", "--model", model, *(["--adapter", adapter] if adapter else []), "--format", "gguf", "--type", kind, "--out", path)
    return path


def permuted(weight, heads):
    """The row order of llama.cpp for q and k."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


# ---- the healthy ----

def check_healthy(work):
    healthy("the model alone", Doctor(LAB), "end_of_turn", "loss_mask", "double_bos", "control_tokens", "stop_tokens", "vocabulary", "weights")
    adapter = write_adapter(work / "adapter")
    gguf = export(LAB, work / "adapted.gguf", adapter=adapter)
    healthy("model, adapter and GGUF file", Doctor(LAB, adapter, gguf), "adapter_base", "adapter_shapes", "adapter_scaling", "adapter_effect",
            "merged_model", "gguf_config", "gguf_tokens", "gguf_template", "gguf_weights", "gguf_model")
    for kind in ("f32", "bf16", "q8_0", "q4_0"):
        healthy(f"GGUF file, {kind}", Doctor(LAB, gguf=export(LAB, work / f"{kind}.gguf", kind)), "gguf_weights", "gguf_model")
    visit = Doctor(LAB, gguf=gguf)  # the file has the adapter, the model has not
    expect("a GGUF file of the adapted model is not the base model", visit, "fault", "gguf_weights", "values differ")
    shown = subprocess.run([PROGRAM, "doctor", "--model", str(LAB)], capture_output=True, text=True, cwd=ROOT).stdout
    rows = [line for line in shown.splitlines() if line.startswith("  ")]
    if not (rows and "<|im_end|>" in rows[-1] and "learnt, end of turn" in rows[-1] and "learnt" not in rows[0] and "stop_tokens" in shown):
        failures.append("the table")
        print("FAIL the table of the example:\n" + shown)


# ---- templates and tokens ----

def check_chat(work):
    number = iter(range(100))

    def planted(name, status, where, says, file="tokenizer_config.json", change=None):
        folder = copy_of_lab(work, f"chat-{next(number)}")
        change = change or (lambda _: None)
        edit(folder / file, change)
        expect(name, Doctor(folder), status, where, says)
        return folder

    plain_turn = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '\n' }}{% endfor %}"
    prompt_end = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    planted("a template without end of turn", "fault", "end_of_turn", "no end of turn",
            change=lambda c: c.update(chat_template=plain_turn + prompt_end))
    late = "{% for m in messages %}{% if not loop.first %}{{ '<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] }}{% endfor %}"
    planted("an end of turn outside of the turn", "fault", "end_of_turn", "outside", change=lambda c: c.update(chat_template=late + prompt_end))
    masked = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% generation %}{{ m['content'] }}{% endgeneration %}"
              "{{ '<|im_end|>\n' }}{% endfor %}")
    planted("an end of turn that is masked out", "fault", "end_of_turn", "mask it out", change=lambda c: c.update(chat_template=masked + prompt_end))
    llama3 = ("{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] + '<|eot_id|>' }}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
    planted("the template of another model", "fault", "control_tokens", "wrong template", change=lambda c: c.update(chat_template=llama3))
    planted("a pad token that ends turns", "warning", "pad_token", "mask the end of turn out", change=lambda c: c.update(pad_token="<|im_end|>"))
    planted("stop tokens of generation_config.json", "fault", "stop_tokens", "generation_config.json is [0]", "generation_config.json",
            lambda c: c.update(eos_token_id=0))
    planted("an id that has no embedding", "fault", "vocabulary", "pad_token_id 1024", "config.json", lambda c: c.update(pad_token_id=1024))

    def larger(tokenizer):
        tokenizer["model"]["vocab"]["abracadabra"] = len(tokenizer["model"]["vocab"])

    planted("a vocabulary larger than the embedding", "fault", "vocabulary", "larger than the embedding", "tokenizer.json", larger)
    folder = copy_of_lab(work, "two-templates")
    (folder / "chat_template.jinja").write_text(llama3)
    expect("two templates", Doctor(folder), "fault", "template_files", "differ")


def check_bos(work):
    """Both add BOS: a program that encodes the rendered text doubles it, so it is a warning, as Llama 3 itself does it; twice in one is a fault."""
    folder = copy_of_lab(work, "bos")
    own = json.loads((LAB / "tokenizer_config.json").read_text())["chat_template"]
    edit(folder / "tokenizer_config.json", lambda c: c.update(bos_token="<|endoftext|>", chat_template="{{ bos_token }}" + own))
    bos = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
           "pair": [], "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}}
    edit(folder / "tokenizer.json", lambda c: c.update(post_processor=bos))
    expect("BOS of template and tokenizer", Doctor(folder), "warning", "double_bos", "double BOS")
    edit(folder / "tokenizer_config.json", lambda c: c.update(chat_template="{{ bos_token + bos_token }}" + own))
    expect("BOS twice", Doctor(folder), "fault", "double_bos", "more than one BOS")


# ---- weights and adapters ----

def check_weights(work):
    def planted(name, where, says, change):
        folder = copy_of_lab(work, "weights-" + name.replace(" ", "-"))
        edit_weights(folder, change)
        expect(name, Doctor(folder), "fault", where, says)

    up = "model.layers.1.mlp.up_proj.weight"
    planted("NaN", "weights", "NaN or infinity in " + up, lambda w: w[up].view(-1)[5:6].fill_(float("nan")))
    planted("infinity", "weights", "NaN or infinity in " + up, lambda w: w[up].view(-1)[5:6].fill_(float("inf")))
    planted("zeros", "weights", "zeros in " + up, lambda w: w[up].zero_())
    planted("a tied head that differs", "tied_embeddings", "differs from the embedding",
            lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"] + 0.5}))


def check_adapters(work):
    def planted(name, where, says, status="fault", change=None, weights=None, **options):
        folder = write_adapter(work / ("adapter-" + name.replace(" ", "-")), **options)
        edit(folder / "adapter_config.json", change or (lambda _: None))
        if weights:
            tensors = load_file(folder / "adapter_model.safetensors")
            save_file({key: weights(key, value).contiguous() for key, value in tensors.items()}, folder / "adapter_model.safetensors")
        expect(name, Doctor(LAB, folder), status, where, says)

    narrow = lambda key, value: value[:, :64] if key.endswith("q_proj.lora_A.weight") else value
    planted("an adapter of another shape", "adapter_shapes", "shapes do not fit", weights=narrow)
    planted("an adapter for modules that are not there", "adapter_shapes", "target_modules", change=lambda c: c.update(target_modules=["c_attn"]))
    other = copy_of_lab(work, "other-base")
    edit_weights(other, lambda w: w["model.norm.weight"].add_(0.5))
    planted("an adapter of another base", "adapter_base", "another base", base=other)
    planted("an adapter of a base that is not here", "adapter_base", "names another base", status="warning",
            change=lambda c: c.update(base_model_name_or_path="somebody/another-model"))
    planted("an adapter without effect", "adapter_effect", "without effect", weights=lambda key, value: 0 * value if "lora_B" in key else value)
    planted("an adapter of another rank", "adapter_scaling", "r is 16", change=lambda c: c.update(r=16))
    planted("an adapter with rslora", "adapter_scaling", "sqrt(r)", status="warning", use_rslora=True)


# ---- GGUF files ----

def check_gguf(work):
    def planted(name, where, says, change=None, file=None, weights=None):
        folder = copy_of_lab(work, "gguf-" + name.replace(" ", "-"))
        if file:
            edit(folder / file, change)
        if weights:
            edit_weights(folder, weights)
        visit = Doctor(LAB, gguf=export(folder, work / (folder.name + ".gguf")))
        expect("a GGUF file with " + name, visit, "fault", where, says)
        return visit

    def unpermute(weights):
        """So that the exporter's own permutation undoes this one: the file has the rows in Hugging Face's order."""
        for name in weights:
            if "q_proj" in name or "k_proj" in name:
                weights[name] = weights[name].reshape(4, 16, 2, -1).swapaxes(1, 2).reshape(weights[name].shape).contiguous()

    original = load_file(LAB / "model.safetensors")
    twisted = dict(original)
    unpermute(twisted)
    name = "model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(permuted(twisted[name], 4), original[name]), "the test's own permutation"
    visit = planted("permuted heads", "gguf_weights", "permuted heads", weights=unpermute)
    expect("permuted heads are heard too", visit, "fault", "gguf_model", "does not say the same")

    def swap(tokenizer):
        vocabulary = tokenizer["model"]["vocab"]
        vocabulary["!"], vocabulary["%"] = vocabulary["%"], vocabulary["!"]

    planted("other tokens", "gguf_tokens", "other tokens", swap, "tokenizer.json")
    brief = "{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}"
    planted("another template", "gguf_template", "another chat template", lambda c: c.update(chat_template=brief + c["chat_template"]),
            "tokenizer_config.json")
    planted("another rope base", "gguf_config", "rope.freq_base", lambda c: c.update(rope_theta=50000.0), "config.json")
    planted("another eps", "gguf_config", "layer_norm_rms_epsilon", lambda c: c.update(rms_norm_eps=1e-5), "config.json")


with tempfile.TemporaryDirectory() as temporary:
    for check_all in (check_healthy, check_chat, check_bos, check_weights, check_adapters, check_gguf):
        check_all(Path(temporary))
print(f"{len(failures)} failures", *failures, sep="\n  ")
sys.exit(1 if failures else 0)
