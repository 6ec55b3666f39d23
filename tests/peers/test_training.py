"""Training against transformers and peft on the same weights and data: gradients, ten losses in a row, adapters and merged folders."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

try:
    import torch
    import transformers
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from peer import PROGRAM, ROOT, SplitMix64

TESTS = pathlib.Path(PROGRAM).parent / "tests" / "test_engine"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TEMPLATE = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
transformers.utils.logging.disable_progress_bar()
torch.manual_seed(0)
failures = 0


def check(condition, what):
    global failures
    failures += not condition
    print("ok  " if condition else "FAIL", what, flush=True)


def ours(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def difference(actual, expected):
    return max(abs(a - e) / max(1e-6, abs(e)) for a, e in zip(actual, expected, strict=True))


# ---- models and data ----

def write_tokenizer(folder):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False)
    tokenizer.train_from_iterator(["the number that follows another number is larger by one"] * 4, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>",
                                         chat_template=TEMPLATE).save_pretrained(folder)


def write_model(folder, tied, family="Llama"):
    config = getattr(transformers, family + "Config")(
        vocab_size=320, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
        tie_word_embeddings=tied, rope_theta=10000.0, max_position_embeddings=512, initializer_range=0.1, bos_token_id=None, eos_token_id=1,
        pad_token_id=1)
    model = getattr(transformers, family + "ForCausalLM")(config)
    for name, parameter in model.named_parameters():
        if family != "Llama" and (name.endswith("bias") or "_norm" in name):  # they begin as zeros and ones
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    write_tokenizer(folder)


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def conversations(count):
    rng = random.Random(1)
    return [[{"role": "user", "content": f"Which number follows {i}?"},
             {"role": "assistant", "content": f"The number {i + 1} follows." + " It is larger." * rng.randint(0, 4)}] for i in range(count)]


def encode(tokenizer, messages):
    """Ids, and for each whether it is learnt: the answer and its end of turn."""
    prompt = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=False)
    answer = messages[-1]["content"] + "<|im_end|>"
    prompt_ids, answer_ids = (tokenizer(text, add_special_tokens=False).input_ids for text in (prompt, answer))
    return prompt_ids + answer_ids, [-100] * len(prompt_ids) + answer_ids


def padded(examples):
    longest = max(len(ids) for ids, _ in examples)
    pad = lambda values, filler: torch.tensor([v + [filler] * (longest - len(v)) for v in values])
    return dict(input_ids=pad([e[0] for e in examples], 0), attention_mask=pad([[1] * len(e[0]) for e in examples], 0),
                labels=pad([e[1] for e in examples], -100))


# ---- gradients ----

def write_gradients(here, model_folder, targets, **whole):
    """Weights, adapter, batch and every gradient, for check_gradients()."""
    here.mkdir(parents=True)
    (here / "model").symlink_to(model_folder)
    model = load(model_folder)
    if targets:
        model = get_peft_model(model, LoraConfig(r=4, lora_alpha=16, target_modules=targets, init_lora_weights=False, **whole))
        model.save_pretrained(here / "adapter")
    examples = [encode(transformers.AutoTokenizer.from_pretrained(model_folder), c) for c in conversations(5)]
    loss = model(**padded(examples)).loss
    loss.backward()
    gradients = {n.replace(".modules_to_save", "").replace(".default", ""): p.grad.contiguous() for n, p in model.named_parameters() if p.requires_grad}
    save_file(gradients | {"loss": loss.detach()}, here / "gradients.safetensors")
    tokens, lengths, rows, labels = [], [], [], []
    for ids, targets_of in examples:
        rows += [len(tokens) + i for i in range(len(ids) - 1) if targets_of[i + 1] != -100]
        labels += [t for t in targets_of[1:] if t != -100]
        tokens += ids[:-1]
        lengths.append(len(ids) - 1)
    save_file({k: torch.tensor(v) for k, v in dict(tokens=tokens, lengths=lengths, rows=rows, targets=labels).items()},
              here / "batch.safetensors")


def check_gradients(folders):
    """Our test program reads all of them and compares (tests/engine/peer_gradients_test.cc)."""
    done = subprocess.run([TESTS, "--gtest_filter=PeerGradients.*"], env=os.environ | {"ITERALIGN_GRADIENTS": str(folders)}, capture_output=True, text=True)
    check(done.returncode == 0 and "[  PASSED  ] 1 test" in done.stdout and "SKIPPED" not in done.stdout,
          f"gradients within 1e-4: {', '.join(sorted(folder.name for folder in folders.iterdir()))}")
    if done.returncode != 0:
        print(done.stdout)


# ---- losses ----

def supervised(model, micro):
    """The losses of the micro-batches of a step."""
    targets = sum(t != -100 for batch in micro for _, labels in batch for t in labels)
    for batch in micro:
        yield model(**padded(batch), num_items_in_batch=torch.tensor(targets)).loss


def answer_likelihoods(model, examples):
    batch = padded(examples)
    log_probabilities = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1].float().log_softmax(-1)
    labels = batch["labels"][:, 1:]
    return (log_probabilities.gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1) * (labels != -100)).sum(-1)


def preferring(model, pairs, beta, with_sft):
    """DPO on (chosen, rejected) from the model as it is now."""
    with torch.no_grad():
        reference = {id(pair): torch.stack([answer_likelihoods(model, [one])[0] for one in pair]) for pair in pairs}

    def losses(model, micro):
        count = sum(map(len, micro))
        targets = sum(t != -100 for batch in micro for (_, labels), _ in batch for t in labels)
        for batch in micro:
            chosen, rejected = (answer_likelihoods(model, [pair[i] for pair in batch]) for i in (0, 1))
            start = torch.stack([reference[id(pair)] for pair in batch])
            margin = beta * ((chosen - start[:, 0]) - (rejected - start[:, 1]))
            loss = -torch.nn.functional.logsigmoid(margin).sum() / count
            yield loss - chosen.sum() / targets if with_sft else loss

    return losses


def their_steps(model, examples, steps, batch_size, accumulation, learning_rate, weight_decay, seed=42, losses=supervised):
    """The loop of transformers' Trainer: AdamW without decay on norms, cosine with warm-up, clipping at 1."""
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [dict(params=[p for n, p in trained if "norm" not in n], weight_decay=weight_decay),
              dict(params=[p for n, p in trained if "norm" in n], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate)
    schedule = transformers.get_cosine_schedule_with_warmup(optimizer, math.ceil(0.03 * steps), steps)
    rng, lines = SplitMix64(seed), []
    while len(lines) < steps:
        order = list(range(len(examples)))
        rng.shuffle(order)
        batches = [[examples[i] for i in order[b:b + batch_size]] for b in range(0, len(order), batch_size)]
        for b in range(0, len(batches), accumulation):
            if len(lines) == steps:
                break
            micro = batches[b:b + accumulation]
            loss = 0.0
            for part in losses(model, micro):
                part.backward()
                loss += part.item()
            norm = torch.nn.utils.clip_grad_norm_([p for _, p in trained], 1.0)
            rate = schedule.get_last_lr()[0]
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            lines.append(dict(loss=loss, grad_norm=norm.item(), learning_rate=rate))
    return lines


def check_losses(name, model_folder, data, count, steps, batch_size, accumulation, adapter=None, tolerance=1e-4, learning_rate=2e-3):
    out = pathlib.Path(tempfile.mkdtemp(dir=data.parent)) / "out"
    options = [f"learning_rate={learning_rate}", f"max_steps={steps}", f"per_device_train_batch_size={batch_size}", "weight_decay=0.1",
               f"gradient_accumulation_steps={accumulation}", f"method={'lora' if adapter else 'full'}"]
    model = load(model_folder)
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
        config = model.peft_config["default"]
        targets = json.dumps(sorted(config.target_modules)).replace('"', "")
        options += [f"lora_r={config.r}", f"lora_alpha={config.lora_alpha}", f"lora_target_modules={targets}",
                    f"modules_to_save=[{','.join(config.modules_to_save or [])}]"]
    lines = ours("finetune", "--model", model_folder, "--data", data, "--out", out, "--json", "--dtype", "float32",
                 *(["--adapter", adapter] if adapter else []), *options)
    actual = [json.loads(line) for line in lines.splitlines()]
    state = transformers.TrainerState.load_from_json(out / "trainer_state.json")
    check(state.global_step == steps and [line["loss"] for line in state.log_history] == [a["loss"] for a in actual], f"{name}: trainer_state.json")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    expected = their_steps(model, [encode(tokenizer, c) for c in conversations(count)], steps, batch_size, accumulation, learning_rate, 0.1)
    for key, limit in (("loss", tolerance), ("grad_norm", 10 * tolerance), ("learning_rate", 1e-6)):
        found = difference([a[key] for a in actual], [e[key] for e in expected])
        check(len(actual) == steps and found < limit, f"{steps} steps, {name}: {key} within {limit:g} ({found:.1e})")
    return model, out


def check_preferences(name, model_folder, work, objective, adapter):
    """Ten steps of DPO; 11 pairs in batches of 2, two batches a step."""
    data = work / f"preferences-{objective}-{bool(adapter)}.jsonl"
    dialogues = conversations(11)
    worse = ["I do not know.", "Nothing follows.", "Ask again."]
    data.write_text("".join(json.dumps({"prompt": c[:1], "chosen": c[1:], "rejected": [{"role": "assistant", "content": worse[i % 3]}]}) + "\n"
                            for i, c in enumerate(dialogues)))
    model = load(model_folder)
    options = [f"objective={objective}", "dpo_beta=0.3", "learning_rate=2e-3", "max_steps=10", "per_device_train_batch_size=2",
               "gradient_accumulation_steps=2", f"method={'lora' if adapter else 'full'}"]
    if adapter:
        model = PeftModel.from_pretrained(model, adapter, is_trainable=True)
        options += ["lora_r=8", "lora_alpha=16", f"lora_target_modules=[{','.join(ALL)}]"]
    out = work / f"out-{data.stem}"
    lines = ours("finetune", "--model", model_folder, "--data", data, "--out", out, "--json", "--dtype", "float32",
                 *(["--adapter", adapter] if adapter else []), *options)
    actual = [json.loads(line) for line in lines.splitlines()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    pairs = [(encode(tokenizer, c), encode(tokenizer, c[:1] + [{"role": "assistant", "content": worse[i % 3]}])) for i, c in enumerate(dialogues)]
    expected = their_steps(model, pairs, 10, 2, 2, 2e-3, 0.0, losses=preferring(model, pairs, 0.3, objective == "sft+dpo"))
    for key, limit in (("loss", 1e-4), ("grad_norm", 1e-3)):
        found = difference([a[key] for a in actual], [e[key] for e in expected])
        check(len(actual) == 10 and found < limit, f"10 steps of {objective}, {name}: {key} within {limit:g} ({found:.1e})")


# ---- the same model in both programs ----

def our_likelihoods(model_folder, texts, *arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for context, continuation in texts:
            file.write(json.dumps({"context": context, "continuations": [continuation]}) + "\n")
        file.flush()
        lines = ours("score", "--model", model_folder, "--input", file.name, "--dtype", "float32", *arguments).splitlines()
    return [value for line in lines for value in json.loads(line)["token_loglikelihoods"][0]]


def their_likelihoods(model, tokenizer, texts):
    values = []
    for context, continuation in texts:
        ids = tokenizer(context + continuation, add_special_tokens=False).input_ids
        start = len(tokenizer(context, add_special_tokens=False).input_ids)
        with torch.no_grad():
            log_probabilities = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
        values += [log_probabilities[i - 1, ids[i]].item() for i in range(start, len(ids))]
    return values


TEXTS = [("Which number follows", " 3? The number 4 follows."), ("The", " number 17 is larger by one."), ("Say", " nothing at all, please.")]


def check_likelihoods(what, model, model_folder, *arguments):
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    found = difference(our_likelihoods(model_folder, TEXTS, *arguments), their_likelihoods(model.eval(), tokenizer, TEXTS))
    check(found < 1e-3, f"{what}: token log-likelihoods within 1e-3 ({found:.1e})")


def new_adapter(model_folder, folder, targets, **options):
    config = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM", **options)
    get_peft_model(load(model_folder), config).save_pretrained(folder)
    return folder


def tiny_models(work):
    data, gradients = work / "sft.jsonl", work / "gradients"
    data.write_text("".join(json.dumps({"messages": c}) + "\n" for c in conversations(11)))
    for tied in (True, False):
        folder = work / f"model-{'tied' if tied else 'untied'}"
        write_model(folder, tied)
        write_gradients(gradients / f"full-{folder.name}", folder, None)
        model, out = check_losses(f"full, {folder.name}", folder, data, 11, 10, 4, 1)
        check_likelihoods(f"full, our folder in transformers, {folder.name}", load(out), out)
        check_likelihoods(f"full, their training and ours, {folder.name}", model, out)
    for family in ("Qwen2", "Qwen3"):
        other = work / f"model-{family}"
        write_model(other, True, family)
        write_gradients(gradients / f"full-{family}", other, None)
        write_gradients(gradients / f"lora-{family}", other, ALL)
        check_losses(f"full, {family}", other, data, 11, 10, 4, 1)
    for index, targets in enumerate([["q_proj", "v_proj"], ["down_proj", "gate_proj", "k_proj"], ALL]):
        write_gradients(gradients / f"lora-{'+'.join(targets)}", folder, targets)
        adapter = new_adapter(folder, work / f"adapter-{index}", targets)
        model, out = check_losses(f"LoRA on {'+'.join(targets)}", folder, data, 11, 10, 2, 2, adapter)
        check_likelihoods("their trained adapter and ours", model, folder, "--adapter", out)
        check_likelihoods("our adapter in peft", PeftModel.from_pretrained(load(folder), out), folder, "--adapter", out)
        model.save_pretrained(work / f"theirs-{index}")
        check_likelihoods("peft's adapter in ours", model, folder, "--adapter", work / f"theirs-{index}")
    for name, base, whole in (("untied", folder, {"modules_to_save": ["embed_tokens", "lm_head", "model.norm"]}),
                              ("tied", work / "model-tied", {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True})):
        write_gradients(gradients / f"lora-and-modules_to_save-{name}", base, ["q_proj", "up_proj"], **whole)
        adapter = new_adapter(base, work / f"adapter-{name}", ["q_proj", "up_proj"], **whole)
        model, whole_out = check_losses(f"LoRA and modules_to_save, {name}", base, data, 11, 10, 4, 1, adapter)
        check_likelihoods(f"modules_to_save, {name}: their trained adapter and ours", model, base, "--adapter", whole_out)
        check_likelihoods(f"modules_to_save, {name}: our adapter in peft", PeftModel.from_pretrained(load(base), whole_out), base, "--adapter", whole_out)
        ours("export", "--model", base, "--adapter", whole_out, "--format", "merged", "--out", work / f"merged-{name}")
        check_likelihoods(f"modules_to_save, {name}: merged", load(work / f"merged-{name}"), base, "--adapter", whole_out)
    check_gradients(gradients)
    for objective in ("dpo", "sft+dpo"):
        check_preferences("full", folder, work, objective, None)
        check_preferences("LoRA", folder, work, objective, new_adapter(folder, work / f"adapter-{objective}", ALL))
    ours("export", "--model", folder, "--adapter", out, "--format", "merged", "--out", work / "merged")
    check_likelihoods("base and adapter in peft, merged folder in ours", PeftModel.from_pretrained(load(folder), out), work / "merged")
    check_likelihoods("merged folder in both", load(work / "merged"), work / "merged")
    patterned = new_adapter(folder, work / "patterned", ALL, use_rslora=True, init_lora_weights=False, rank_pattern={"q_proj": 4},
                            alpha_pattern={"layers.1.mlp.up_proj": 3})
    check_likelihoods("rsLoRA with patterns", PeftModel.from_pretrained(load(folder), patterned), folder, "--adapter", patterned)


def smollm2(work):
    folder = ROOT / "models" / "SmolLM2-135M-Instruct"
    if not (folder / "model.safetensors").exists():
        print("skipped: models/SmolLM2-135M-Instruct is not here")
        return
    data = work / "few.jsonl"
    chats = [[{"role": "system", "content": "You answer in one sentence."}] + c for c in conversations(4)]
    data.write_text("".join(json.dumps({"messages": c}) + "\n" for c in chats))
    globals()["conversations"] = lambda count: chats
    adapter = new_adapter(folder, work / "adapter-smollm2", ALL)
    model, out = check_losses("LoRA, SmolLM2", folder, data, 4, 3, 4, 1, adapter, tolerance=1e-3)
    check_likelihoods("SmolLM2, their trained adapter and ours", model, folder, "--adapter", out)


with tempfile.TemporaryDirectory() as temporary:
    tiny_models(pathlib.Path(temporary))
    smollm2(pathlib.Path(temporary))
print(f"{failures} failures")
sys.exit(failures > 0)
