"""Texts for the tokenizer tests, random and real, and the comparison of our program with the `tokenizers` library on them:
ids, tokens, decoded text, and the pieces in which a text that is being generated is shown."""

import csv
import functools
import gzip
import json
import os
import random
import subprocess
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

from peer import ROOT, data

DATA = data("")
STRINGS = int(os.environ.get("TOKENIZER_STRINGS", "2500"))

failures = []


# ---- random texts ----

WORDS = "the The hello WORLD don't I'LL we've it's 'S 'ſ naïve café Straße über İstanbul ﬁne x1y2 3rd éa ǅ ªº".split()
SPACES = [" ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", " \n ", "\u00a0", "\u3000", "\u2003", "\u0085", "\u180e", "\u200b", "\u2028", "\x0b"]
SCRIPTS = [(0x0400, 0x04FF), (0x0590, 0x05FF), (0x0600, 0x06FF), (0x0900, 0x097F), (0x0E00, 0x0E7F), (0x1100, 0x11FF), (0x3040, 0x30FF),
           (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0x0300, 0x036F), (0x2000, 0x2BFF), (0xFE00, 0xFFFD),
           (0x0000, 0x001F), (0x0080, 0x00FF), (0x1680, 0x180F), (0xE000, 0xE0FF), (0xF0000, 0xF00FF), (0x10000, 0x11FFF), (0x1E000, 0x1EFFF)]


def any_character(rng):
    while True:
        code = rng.randrange(0x110000)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def fragment(rng, specials):
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice(specials)
    if kind == 1:
        return rng.choice(SPACES) * rng.randrange(1, 4)
    if kind == 2:
        return "".join(rng.choice("0123456789²½Ⅷ٣") for _ in range(rng.randrange(1, 9)))
    if kind == 3:
        return "".join(rng.choice("!?.,;:-_'\"()[]{}<>|/\\@#$%^&*+=~`") for _ in range(rng.randrange(1, 6)))
    if kind == 4:
        return "".join(any_character(rng) for _ in range(rng.randrange(1, 6)))
    if kind == 5:
        low, high = rng.choice(SCRIPTS)
        return "".join(chr(rng.randint(low, high)) for _ in range(rng.randrange(1, 9)))
    if kind == 6:  # decomposed and reordered marks
        return rng.choice("aeoUn가が") + "".join(chr(rng.randint(0x300, 0x345)) for _ in range(rng.randrange(1, 4)))
    if kind == 7:  # part of a special token
        token = rng.choice(specials)
        return token[: rng.randrange(1, len(token) + 1)]
    return rng.choice(["", " "]) + rng.choice(WORDS)


def random_texts(specials, count, seed):
    rng = random.Random(seed)
    texts = ["", " ", "\n", "a", "▁", " ▁a"]
    while len(texts) < count:
        texts.append("".join(fragment(rng, specials) for _ in range(rng.randrange(1, 14))))
    return texts


# ---- real texts ----


def strings_of(value):
    """Every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return [text for item in value for text in strings_of(item)] if isinstance(value, list) else []


@functools.cache
def real_documents():
    """Prompts, questions and conversations of this project and of the published files, in a fixed order."""
    documents = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md"))]
    for path in sorted(ROOT.glob("data/*.jsonl")):
        documents += [text for line in path.read_text(encoding="utf-8").splitlines() for text in strings_of(json.loads(line))]
    for path in sorted(DATA.glob("*/*.jsonl")):
        documents += [text for line in path.read_text(encoding="utf-8").splitlines() for text in strings_of(json.loads(line))]
    for path in sorted(DATA.glob("hh_rlhf/*/*.jsonl.gz")):
        documents += [text for line in gzip.open(path, "rt", encoding="utf-8") for text in strings_of(json.loads(line))]
    for path in sorted(DATA.glob("*/*.csv")):
        documents += [cell for row in csv.reader(path.open(encoding="utf-8-sig", newline="")) for cell in row]
    for path in sorted(DATA.glob("harmfulqa/*.json")):
        documents += strings_of(json.loads(path.read_text(encoding="utf-8")))
    for path in sorted(DATA.glob("chat_templates/*/**/*.jinja")):
        documents.append(path.read_text(encoding="utf-8"))
    for path in sorted(DATA.glob("tokenizers/*/*.inp")):
        documents += path.read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")
    return list(dict.fromkeys(document for document in documents if len(document) > 1))


def real_texts(count, seed):
    """Excerpts: most are short, one in a hundred is a whole document."""
    documents = real_documents()
    rng = random.Random(seed)
    texts = []
    while documents and len(texts) < count:
        document = rng.choice(documents)
        if rng.randrange(100) == 0:
            texts.append(document)
            continue
        begin = rng.randrange(len(document)) if rng.random() < 0.7 else 0
        texts.append(document[begin : begin + rng.choice([5, 20, 60, 200])])
    return texts


# ---- our program ----


def program(folder, values, *flags):
    """`tokenize --file` on JSON Lines of these values; the parsed answers."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(value) + "\n" for value in values)
        file.flush()
        run = subprocess.run([os.environ["ITERALIGN"], "tokenize", "--model", str(folder), "--file", file.name, *flags], capture_output=True)
    if run.returncode != 0:
        raise RuntimeError(f"exit code {run.returncode}: {run.stderr.decode(errors='replace').strip()}")
    return [json.loads(line) for line in run.stdout.decode("utf-8").split("\n") if line]


def ours(folder, texts, add_special=True):
    return program(folder, texts, *([] if add_special else ["--no-special"]))


def fail(name, message):
    failures.append(f"{name}: {message}")
    print(f"FAILED {failures[-1]}", flush=True)


class Differences:
    """Counts, and shows the first three."""

    def __init__(self, name):
        self.name, self.count = name, 0

    def compare(self, what, found, expected):
        if found == expected:
            return
        self.count += 1
        if self.count <= 3:
            print(f"  {self.name}: {what!r}\n    ours {found}\n    peer {expected}")


def load_peer(folder):
    peer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    peer.no_truncation()
    peer.no_padding()
    return peer


def encode_with(peer, text, add_special):
    """None where the library fails: white space that two added tokens claim can make it cut a text from behind to before."""
    try:
        return peer.encode(text, add_special_tokens=add_special)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def compare(name, folder, count=STRINGS, seed=1):
    """`count` texts, half of them random and half real; of each half again half with the post-processor's tokens. Then as many
    ids as a model might put behind each other."""
    peer = load_peer(folder)
    added = peer.get_added_tokens_decoder()  # id_to_token gives some of them normalised
    contents = {i: token.content for i, token in added.items()}
    specials = list(contents.values()) or ["<s>"]
    texts = real_texts(count // 2, seed)
    texts += random_texts(specials, count - len(texts), seed)
    differences = Differences(name)
    panics = 0
    for add_special in (True, False):
        part = texts[0 if add_special else 1 :: 2]
        answers = ours(folder, part, add_special)
        if len(answers) != len(part):
            return fail(name, f"{len(answers)} lines for {len(part)} texts")
        for text, answer in zip(part, answers):
            encoding = encode_with(peer, text, add_special)
            if encoding is None:
                panics += 1
                continue
            differences.compare(text, answer, {"ids": encoding.ids, "tokens": [contents.get(i) or peer.id_to_token(i) for i in encoding.ids],
                                               "decoded": peer.decode(encoding.ids, skip_special_tokens=False)})
    compare_decoding(peer, folder, max(1, count // 10), added, seed, differences)
    if panics > max(2, len(texts) // 1000):
        return fail(name, f"the library fails in {panics} of {len(texts)} texts")
    if differences.count:
        return fail(name, f"{differences.count} of {len(texts)} texts differ")
    print(f"{name}: {len(texts) - panics} texts equal" + (f", in {panics} the library fails" if panics else ""), flush=True)


def random_ids(peer, added, count, seed):
    """What no text is encoded to: cut characters, special tokens in a row, ids that do not exist."""
    rng = random.Random(seed)
    size = peer.get_vocab_size()
    any_id = lambda: rng.choice(added) if added and rng.random() < 0.15 else rng.randrange(size + 2)
    return [[any_id() for _ in range(rng.randrange(12))] for _ in range(count)]


def compare_decoding(peer, folder, count, added, seed, differences):
    """The library finds special tokens by their text, and so shows those whose text the normalizer changed; we show none."""
    shown_by_peer = {i for i, token in added.items() if token.special and peer.id_to_token(i) != token.content}
    lists = random_ids(peer, list(added), count, seed)
    answers = program(folder, lists, "--decode")
    if len(answers) != len(lists):
        return differences.compare("the number of lines", len(answers), len(lists))
    for ids, answer in zip(lists, answers):
        shown = {"decoded": answer["decoded"], "without_special": answer["without_special"], "joined": "".join(answer["pieces"])}
        whole = peer.decode(ids, skip_special_tokens=False)
        without = peer.decode([i for i in ids if i not in shown_by_peer], skip_special_tokens=True)
        differences.compare(ids, shown, {"decoded": whole, "without_special": without, "joined": whole})
