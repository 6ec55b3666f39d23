"""Ten small tokenizers made by the `tokenizers` library, which between them have every normalizer, pre-tokenizer,
post-processor, decoder and flag of added tokens that we read: equal on random and real texts. What we do not read is
refused by its name."""

import itertools
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tokenizer_peer import STRINGS, compare, fail, failures, ours, real_documents  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

COUNT = STRINGS if "TOKENIZER_STRINGS" in os.environ else 1500  # of each tokenizer
N, P, D = normalizers, pre_tokenizers, decoders
RARE = ["naïve café, Straße; ÉCOLE ﬁne ½ ²³ x1y22 333", "Здравствуй, мир! Ёлка", "你好,世界。 한국어 가나다", "e\u0301 o\u0308 ñ Å ﬀ Ⅷ", "שלום עולם مرحبا ١٢٣", "▁a ▁▁b"]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA2_DECODER = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])


def template(single, *tokens):
    return processors.TemplateProcessing(single=single, special_tokens=[(token, i) for i, token in enumerate(tokens)])


# ---- the ten ----

# normalizer, pre-tokenizer, decoder, post-processor; `model` are options of BPE, `initial` what single characters it knows.
KINDS = {
    "NFC, GPT-2 with a prefix space": dict(
        normalizer=N.NFC(), pre=P.ByteLevel(add_prefix_space=True, use_regex=True), decoder=D.ByteLevel(), post=processors.ByteLevel(trim_offsets=True)),
    "NFKC and lower case, Llama-3 split, whole words": dict(
        normalizer=N.Sequence([N.NFKC(), N.Lowercase()]), model=dict(ignore_merges=True),
        pre=P.Sequence([P.Split(Regex(LLAMA3), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)]), decoder=D.ByteLevel(),
        post=processors.Sequence([processors.ByteLevel(trim_offsets=False), template("<s> $A </s>", "<s>", "</s>")])),
    "NFD, white space removed": dict(
        normalizer=N.NFD(), pre=P.Sequence([P.Split(Regex(r"\s+"), "removed"), P.ByteLevel(add_prefix_space=False, use_regex=True)]),
        decoder=D.Sequence([D.ByteLevel(), D.Replace("e", "E")]), post=template("$A </s>", "<s>", "</s>")),
    "NFKD, replaced and stripped, merged with the previous": dict(
        normalizer=N.Sequence([N.Strip(left=True, right=True), N.NFKD(), N.Replace(Regex(r"[aA]{2,}"), "a"), N.Replace("o", "0")]),
        pre=P.Sequence([P.Split(" ", "merged_with_previous"), P.Split(Regex(r"\p{Lu}"), "merged_with_next"), P.ByteLevel(add_prefix_space=True, use_regex=False)]),
        decoder=D.ByteLevel(), post=None),
    "Metaspace always, unknown characters fused": dict(
        normalizer=None, pre=P.Metaspace(prepend_scheme="always", split=True), decoder=D.Metaspace(prepend_scheme="always", split=True),
        model=dict(unk_token="<unk>", fuse_unk=True), post=template("<s>:0 $A:0", "<s>")),
    "Metaspace first, bytes": dict(
        normalizer=N.Replace(Regex(r" {3,}"), "  "), pre=P.Metaspace(prepend_scheme="first", split=False), decoder=LLAMA2_DECODER,
        model=dict(unk_token="<unk>", fuse_unk=True, byte_fallback=True), post=template("<s> $A", "<s>")),
    "Llama-2, unknown characters one by one": dict(
        normalizer=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), pre=None, decoder=D.Sequence([D.Replace("▁", " "), D.Strip("s", 0, 1), D.Fuse(), D.Strip(" ", 1, 0)]),
        model=dict(unk_token="<unk>", fuse_unk=False), post=template("<s> $A", "<s>")),
    "Metaspace never, digits and punctuation": dict(
        normalizer=N.Strip(left=False, right=True), model=dict(unk_token="<unk>", byte_fallback=True, fuse_unk=False),
        pre=P.Sequence([P.Digits(individual_digits=False), P.Punctuation("merged_with_previous"), P.Metaspace(prepend_scheme="never", split=True)]),
        decoder=D.Sequence([D.ByteFallback(), D.Metaspace(prepend_scheme="never"), D.Strip("n", 0, 1), D.Strip("a", 1, 0)]), post=None),
    "Punctuation in runs, single digits, inverted": dict(
        normalizer=N.Lowercase(), decoder=D.ByteLevel(), post=processors.Sequence([template("<s> <s> $A </s>", "<s>", "</s>"), processors.ByteLevel()]),
        pre=P.Sequence([P.Punctuation("contiguous"), P.Digits(individual_digits=True), P.Split(Regex(r"[^\s]+"), "merged_with_next", invert=True),
                        P.ByteLevel(add_prefix_space=False, use_regex=True)])),
    "runs by kind, no decoder, unknown characters dropped": dict(
        normalizer=N.Sequence([N.NFC(), N.Strip(left=True, right=False)]), decoder=None, post=None,
        pre=P.Sequence([P.Split(Regex(r"\w"), "contiguous", invert=True), P.Punctuation("removed"), P.Punctuation("isolated"),
                        P.Split(Regex(r"\d"), "isolated", invert=True), P.Metaspace(replacement="_", prepend_scheme="first", split=True)])),
}

CONTENTS = ["[A]", "tok", "Tok", "É!", "two words", " edge ", "ﬁ", "<|x|>", "<|x|>y", "中", "x▁y", "İx", "123", "<mask>", "\n\n", "..."]
FLAGS = ["single_word", "lstrip", "rstrip", "normalized", "special"]


def added_tokens(number, normalizer, vocabulary):
    """Sixteen contents; the 32 combinations of flags go round, so that a content meets other flags in every tokenizer."""
    combinations = list(itertools.product([False, True], repeat=len(FLAGS)))
    tokens = []
    for i, content in enumerate(CONTENTS):
        flags = dict(zip(FLAGS, combinations[(i * 2 + 7 * number + i // 5) % 32]))
        if normalizer is not None and not normalizer.normalize_str(content):
            flags["normalized"] = False  # the library fails in a text when a token's text becomes empty
        if content in vocabulary:
            flags["special"] = False  # no merge of ours makes a special token: there we differ on purpose
        tokens.append(AddedToken(content, **flags))
    return tokens


def build(number, kind):
    model = kind.get("model", {})
    byte_level = "ByteLevel" in str(kind["pre"])
    specials = ["<s>", "</s>", "<unk>"] + ([f"<0x{i:02X}>" for i in range(256)] if model.get("byte_fallback") else [])
    tokenizer = Tokenizer(models.BPE(**model))
    for name, part in (("normalizer", kind["normalizer"]), ("pre_tokenizer", kind["pre"])):
        if part is not None:
            setattr(tokenizer, name, part)
    trainer = trainers.BpeTrainer(vocab_size=900 + len(specials), special_tokens=specials, show_progress=False, limit_alphabet=300,
                                  initial_alphabet=P.ByteLevel.alphabet() if byte_level else [], max_token_length=24)
    tokenizer.train_from_iterator(RARE * 20 + real_documents()[:: 40], trainer)
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = []  # bytes and the unknown token are the model's alone
    tokenizer = Tokenizer.from_str(json.dumps(document))
    for name, part in (("decoder", kind["decoder"]), ("post_processor", kind["post"])):
        if part is not None:
            setattr(tokenizer, name, part)
    tokenizer.add_special_tokens(["<s>", "</s>"])
    for token in added_tokens(number, kind["normalizer"], document["model"]["vocab"]):
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


# ---- what is not read ----

REFUSED = {
    "BertNormalizer": ("normalizer", N.BertNormalizer()),
    "StripAccents": ("normalizer", N.Sequence([N.NFD(), N.StripAccents()])),
    "Nmt": ("normalizer", N.Nmt()),
    "ByteLevel": ("normalizer", N.ByteLevel()),
    "Whitespace": ("pre_tokenizer", P.Whitespace()),
    "WhitespaceSplit": ("pre_tokenizer", P.Sequence([P.WhitespaceSplit()])),
    "BertPreTokenizer": ("pre_tokenizer", P.BertPreTokenizer()),
    "CharDelimiterSplit": ("pre_tokenizer", P.CharDelimiterSplit("-")),
    "UnicodeScripts": ("pre_tokenizer", P.UnicodeScripts()),
    "FixedLength": ("pre_tokenizer", P.FixedLength(4)),
    "BertProcessing": ("post_processor", processors.BertProcessing(("</s>", 1), ("<s>", 0))),
    "RobertaProcessing": ("post_processor", processors.RobertaProcessing(("</s>", 1), ("<s>", 0))),
    "TemplateProcessing": ("post_processor", processors.Sequence([template("a $A", "a"), template("$A b", "a", "b")])),
    "WordPiece": ("decoder", D.WordPiece()),
    "CTC": ("decoder", D.CTC()),
    "BPEDecoder": ("decoder", D.BPEDecoder()),
    "dropout": ("model", {"dropout": 0.1}),
    "continuing_subword_prefix": ("model", {"continuing_subword_prefix": "##"}),
    "end_of_word_suffix": ("model", {"end_of_word_suffix": "</w>"}),
}


def refuse(name, part, value):
    vocabulary = {"a": 0, "b": 1, "ab": 2, "##b": 3, "a##b": 4, "b</w>": 5}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], **(value if part == "model" else {})))
    if part != "model":
        setattr(tokenizer, part, value)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(str(Path(folder, "tokenizer.json")))
        try:
            ours(folder, ["ab"])
            fail(name, "is not refused")
        except RuntimeError as error:
            if name not in str(error) or "exit code 3" not in str(error):
                fail(name, f"refused with: {error}")


def main():
    if "ITERALIGN" not in os.environ:
        print("skipped: ITERALIGN does not name the program")
        return 77
    for number, (name, kind) in enumerate(KINDS.items()):
        with tempfile.TemporaryDirectory() as folder:
            build(number, kind).save(str(Path(folder, "tokenizer.json")))
            compare(name, folder, COUNT, seed=number)
    for name, (part, value) in REFUSED.items():
        refuse(name, part, value)
    print(f"{len(REFUSED)} parts that we do not read tried, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
