"""Special tokens wherever a folder declares them: `iteralign tokenize` and `chat-template` against AutoTokenizer on the same folder."""

import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from transformers import AutoTokenizer

ALPHABET = [chr(b) for b in [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]] + [chr(0x100 + i) for i in range(68)]
TEXTS = ["a<|x|>b<|y|>c", "a <|x|>  b\n<|y|> \n c", "</s>a<s>", "<s> a </s>\n\n<|x|>", "<|u|>\n hi<|e|> x", "a[PAD]b <sep> [CLS]", "<img>a<img> <|z|>",
         "<|X|>a", "x<|new|>y", "<|x|><|x|> <|y|>", ""]


def token(content, special=True, id=None, **flags):
    fields = {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special, **flags}
    return {"id": id, **fields} if id is not None else fields


def typed(content, **flags):
    return {"__type": "AddedToken", **token(content, **flags)}


def folder(path, added, config, special_map=None, added_tokens=None, vocab=(), normalizer=None):
    os.makedirs(path)
    tokens = {c: i for i, c in enumerate(ALPHABET)}
    for content in vocab:
        tokens[content] = len(tokens)
    for entry in added:
        entry["id"] = tokens.get(entry["content"], entry["id"])
    document = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}, "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": tokens, "merges": []},
    }
    files = {"tokenizer.json": document, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **config},
             "special_tokens_map.json": special_map, "added_tokens.json": added_tokens}
    for name, value in files.items():
        if value is not None:
            with open(os.path.join(path, name), "w", encoding="utf-8") as file:
                json.dump(value, file)


def base():
    return [token("<s>", id=256), token("</s>", id=257)]


ROLES = {"bos_token": "<s>", "eos_token": "</s>"}
VARIANTS = {
    "decoder alone": dict(added=base(), config={**ROLES, "added_tokens_decoder": {"258": token("<|x|>"), "259": token("<|y|>")}}),
    "decoder out of order": dict(added=base(), config={**ROLES, "added_tokens_decoder": {"300": token("<|y|>"), "258": token("<|x|>")}}),
    "other flags": dict(added=[*base(), token("<|u|>", id=258, rstrip=True), token("<|e|>", id=259, special=False)],
                        config={**ROLES, "added_tokens_decoder": {"258": token("<|u|>"), "259": token("<|e|>")}}),
    "strips now": dict(added=[*base(), token("<|x|>", id=258), token("<|y|>", id=259)],
                       config={**ROLES, "added_tokens_decoder": {"258": token("<|x|>", lstrip=True), "259": token("<|y|>", rstrip=True)}}),
    "not special now": dict(added=[*base(), token("<|x|>", id=258)],
                            config={**ROLES, "added_tokens_decoder": {"258": token("<|x|>", special=False)}}),
    "single word now": dict(added=[*base(), token("<|x|>", id=258)],
                            config={**ROLES, "added_tokens_decoder": {"258": token("<|x|>", single_word=True)}}),
    "normalized now": dict(added=[*base(), token("<|x|>", id=258, special=False)], normalizer={"type": "Lowercase"},
                           config={**ROLES, "added_tokens_decoder": {"258": token("<|x|>", special=False, normalized=True)}}),
    "roles in the vocabulary": dict(added=[], config=ROLES, vocab=["<s>", "</s>"]),
    "roles nowhere": dict(added=[], config={**ROLES, "pad_token": "[PAD]"}),
    "all roles": dict(added=base(), config={**ROLES, "pad_token": "[PAD]", "sep_token": "<sep>", "cls_token": "[CLS]", "mask_token": "<|x|>",
                                            "unk_token": "<|y|>"}),
    "roles as objects": dict(added=[], config={"eos_token": typed("</s>", rstrip=True), "bos_token": typed("<s>", special=False)}),
    "additional": dict(added=base(), config={**ROLES, "additional_special_tokens": ["<|x|>", "<|y|>", "</s>"]}),
    "additional objects": dict(added=base(), config={**ROLES, "additional_special_tokens": [typed("<|x|>", lstrip=True), "<|y|>"]}),
    "extra list": dict(added=base(), config={**ROLES, "extra_special_tokens": ["<|x|>", "<|y|>"]}),
    "extra before additional": dict(added=base(), config={**ROLES, "extra_special_tokens": ["<|x|>"], "additional_special_tokens": ["<|y|>"]}),
    "extra empty": dict(added=base(), config={**ROLES, "extra_special_tokens": {}, "additional_special_tokens": ["<|y|>"]}),
    "extra dict": dict(added=base(), config={**ROLES, "extra_special_tokens": {"image_token": "<img>", "x_token": "<|x|>"}}),
    "the model's own": dict(added=base(), config={**ROLES, "image_token": "<img>", "add_bos_token": True, "x_token": typed("<|x|>", rstrip=True)}),
    "map wins": dict(added=base(), config=ROLES, special_map={"eos_token": "<|x|>", "pad_token": "[PAD]"}),
    "map loses": dict(added=base(), config={**ROLES, "added_tokens_decoder": {"256": token("<s>"), "257": token("</s>")}},
                      special_map={"eos_token": "<|x|>", "pad_token": "[PAD]"}),
    "map objects": dict(added=base(), config={}, special_map={"bos_token": token("<s>", rstrip=True), "eos_token": "</s>",
                                                               "additional_special_tokens": ["<|y|>", "<|x|>"]}),
    "map's own": dict(added=base(), config={}, special_map={**ROLES, "image_token": "<img>", "extra_special_tokens": ["<|x|>"]}),
    "map beside extra": dict(added=base(), config={**ROLES, "extra_special_tokens": ["<|x|>"]},
                             special_map={**ROLES, "additional_special_tokens": ["<|y|>"]}),
    "added_tokens.json": dict(added=base(), config=ROLES, added_tokens={"<|y|>": 258, "<|x|>": 259, "<s>": 256}),
    "added_tokens.json special": dict(added=base(), config={**ROLES, "pad_token": "<|x|>", "additional_special_tokens": ["<|y|>"]},
                                      added_tokens={"<|x|>": 260, "<|z|>": 258, "<|y|>": 259}),
    "added_tokens.json lower": dict(added=base(), config=ROLES, normalizer={"type": "Lowercase"}, added_tokens={"<|X|>": 258}),
}


def iteralign(*arguments):
    output = subprocess.run([os.environ["ITERALIGN"], *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def compare(name, path, texts):
    theirs = AutoTokenizer.from_pretrained(path)
    for text, ours in zip(TEXTS, iteralign("tokenize", "--model", path, "--file", texts), strict=True):
        wanted = theirs(text)["input_ids"]
        assert ours["ids"] == wanted, f"{name}: {text!r}: {ours['tokens']}, not {theirs.convert_ids_to_tokens(wanted)} {wanted}"
    ids = [theirs(text)["input_ids"] for text in TEXTS]
    decoded = os.path.join(path, "ids.jsonl")
    with open(decoded, "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in ids)
    for line, ours in zip(ids, iteralign("tokenize", "--model", path, "--file", decoded, "--decode"), strict=True):
        assert ours["decoded"] == theirs.decode(line), f"{name}: {ours} is not {theirs.decode(line)!r}"
        assert ours["without_special"] == theirs.decode(line, skip_special_tokens=True), f"{name}: {ours}, without special ones: {line}"
    names = ["bos", "eos", "unk", "sep", "pad", "cls", "mask", "image", "x"]
    template = "|".join("{{ %s_token if %s_token is defined else 'none' }}" % (n, n) for n in names)
    with open(os.path.join(path, "chat_template.jinja"), "w") as file:
        file.write(template)
    messages = os.path.join(path, "m.jsonl")
    with open(messages, "w") as file:
        file.write('[{"role": "user", "content": "hi"}]\n')
    wanted = theirs.apply_chat_template([{"role": "user", "content": "hi"}], chat_template=template, tokenize=False)
    ours = iteralign("chat-template", "--model", path, "--messages", messages)[0]
    assert ours == wanted, f"{name}: a template sees {ours}, not {wanted}"


def main():
    with tempfile.TemporaryDirectory() as root:
        texts = os.path.join(root, "texts.jsonl")
        with open(texts, "w") as file:
            file.writelines(json.dumps(text) + "\n" for text in TEXTS)
        wrong = []
        for name, variant in VARIANTS.items():
            path = os.path.join(root, name)
            folder(path, **variant)
            try:
                compare(name, path, texts)
            except AssertionError as error:
                wrong.append(str(error))
        assert not wrong, "\n".join(wrong)
        print(f"{len(VARIANTS)} ways to declare special tokens: equal")


if __name__ == "__main__":
    sys.exit(main())
