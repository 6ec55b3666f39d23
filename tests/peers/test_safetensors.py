"""Checkpoints that transformers and safetensors wrote go through `iteralign export` unchanged: theirs opens in ours, ours in theirs."""

import filecmp
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"]


def write_model(folder, dtype, shard_size):
    torch.manual_seed(5)
    config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, max_position_embeddings=64, bos_token_id=0, eos_token_id=1)
    LlamaForCausalLM(config).to(dtype).save_pretrained(folder, max_shard_size=shard_size)
    vocabulary = {"<s>": 0, "</s>": 1} | {chr(0x21 + i): 2 + i for i in range(62)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    fast.save_pretrained(folder)


def tensors(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            with safe_open(os.path.join(folder, name), "pt") as file:
                assert file.metadata()["format"] == "pt", name
                found.update({key: file.get_tensor(key) for key in file.keys()})
    return found


def export(theirs, ours, *flags):
    subprocess.run([os.environ["ITERALIGN"], "export", "--model", theirs, "--format", "merged", "--out", ours, *flags],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(folder, dtype, shard_size):
    theirs, ours = os.path.join(folder, "theirs"), os.path.join(folder, "ours")
    write_model(theirs, dtype, shard_size)
    assert os.path.exists(os.path.join(theirs, "model.safetensors.index.json")) == (shard_size == "10KB")
    export(theirs, ours)
    before, after = tensors(theirs), tensors(ours)
    assert before.keys() == after.keys(), before.keys() ^ after.keys()
    for key, value in before.items():
        assert value.dtype == after[key].dtype and torch.equal(value, after[key]), key
    for name in TOKENIZER_FILES:
        assert filecmp.cmp(os.path.join(theirs, name), os.path.join(ours, name), shallow=False), name
    configs = [json.load(open(os.path.join(path, "config.json"))) for path in (theirs, ours)]
    assert configs[0] == configs[1] and list(configs[0]) == list(configs[1]), configs
    reopened, info = LlamaForCausalLM.from_pretrained(ours, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info

    export(theirs, ours, "--dtype", "bfloat16", "--overwrite")
    for key, value in tensors(ours).items():
        assert torch.equal(value, before[key].to(torch.bfloat16)), key
    assert json.load(open(os.path.join(ours, "config.json")))["dtype"] == "bfloat16"


def main():
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        for shard_size in ("1GB", "10KB"):
            with tempfile.TemporaryDirectory() as folder:
                run(folder, dtype, shard_size)
    print("checkpoints in fp32, bf16 and fp16, whole and sharded: equal")


if __name__ == "__main__":
    sys.exit(main())
