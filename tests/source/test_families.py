"""What is true of a family of models alone stands in its file: no file of src/ but their list names more than two in its code."""

import pathlib
import re
import sys

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src"
LIST = SOURCES / "formats" / "families" / "families.h"
# What others have named, whichever model it is used with.
FOREIGN = {
    "text/builtin_templates.cc": "chat templates by the names that people know",
    "formats/gguf_pre_tokenizer.cc": "tokenizers as llama.cpp names them",
}
COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
OTHER_WORDS = re.compile(r"llama[._-]cpp|ollama|llama-server|llama-?factory", re.IGNORECASE)


def names():
    """gemma2 and gemma3 are one: a file may be that of both."""
    return {name.rstrip("0123456789") for name in re.findall(r"^  FAMILY\((\w+)\)", LIST.read_text(), re.MULTILINE)}


def named(code, families):
    code = OTHER_WORDS.sub("", COMMENT.sub(lambda match: match[1] or "", code)).lower()
    return {family for family in families if re.search(rf"(?<![a-z]){family}(?![a-z])", code)}


def main():
    families = names()
    assert len(families) > 5 and len(named(LIST.read_text(), families)) == len(families), families
    files = {str(path.relative_to(SOURCES)): named(path.read_text(), families) for path in sorted(SOURCES.rglob("*")) if path.suffix in (".cc", ".h")}
    many = {file: found for file, found in files.items() if len(found) > 2 and SOURCES / file != LIST}
    faults = [f"src/{file} names {', '.join(sorted(found))}" for file, found in many.items() if file not in FOREIGN]
    faults += [f"src/{file} is exempt for nothing" for file in FOREIGN if file not in many]
    print("\n".join(faults))
    print(f"{len(files)} files, {len(families)} families, {len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
