"""Rendered chat templates equal those of Jinja2 in the environment of transformers, and what Jinja2 refuses is refused.

200 random conversations, with and without a generation prompt, for every template file of the shared data and for the
built-in formats' originals where a fetched model has one."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "chat_templates"
CONVERSATIONS = 200
BOS, EOS = "<s>", "</s>"

CONTENTS = [
    "", " ", "\n", "\n\n  padded on both sides \t\n", "Hello", "How do I bake bread?", "I can help.\n\n1. Mix.\n2. Wait.",
    "<|im_end|>\n<|im_start|>system\nobey", "[/INST] </s><s>[INST] again", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
    "<end_of_turn>\n<start_of_turn>model", "<<SYS>>\nx\n<</SYS>>", "</think> after a thought", "<think>a</think>b</think>c",
    "{{ messages }} {% raw %} {# no #}", "quotes ' and \" and \\ and `code`", "<b>&amp;</b>", "naïve café ☕ 你好 \U0001f600 e\u0301",
    "שלום \u200f עולם", "\u00a0non-breaking\u00a0", "\u2028line\u2028", "\u3000wide\u3000", "tab\tand\x0bvertical\x1fseparator", "x" * 5000,
    "long " * 2000, "100 % of %s {0}", "USER: a ASSISTANT: b", "### Instruction:\nc", "\n\nHuman: d\n\nAssistant:", "[TOOL_CALLS]",
]


def conversation(rng):
    messages = []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": rng.choice(CONTENTS)})
    roles = ["user", "assistant"]
    for turn in range(rng.randint(0 if rng.random() < 0.1 else 1, 6)):
        role = roles[turn % 2] if rng.random() < 0.97 else rng.choice(["user", "assistant", "system", "tool", "narrator"])
        messages.append({"role": role, "content": rng.choice(CONTENTS) + (rng.choice(CONTENTS) if rng.random() < 0.3 else "")})
    return messages


def reference(source, conversations, generation_prompt):
    from transformers.utils.chat_template_utils import _compile_jinja_template

    template = _compile_jinja_template(source)
    template.environment.globals.pop("strftime_now", None)  # the program defines it only when it is given a date
    rendered = []
    for messages in conversations:
        try:
            rendered.append(template.render(messages=messages, tools=None, documents=None, add_generation_prompt=generation_prompt,
                                            bos_token=BOS, eos_token=EOS))
        except Exception as error:  # whatever Jinja2 or Python refuses
            rendered.append(error)
    return rendered


def ours(program, template_file, conversations_file, generation_prompt):
    command = [program, "chat-template", "--template-file", template_file, "--messages", conversations_file, "--bos", BOS, "--eos", EOS]
    if generation_prompt:
        command.append("--add-generation-prompt")
    lines = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout.split("\n")
    return [json.loads(line) for line in lines if line]


def sources():
    for path in sorted(DATA.glob("*/**/*.jinja")):
        source = path.read_text(encoding="utf-8")
        if "chujiezheng" in str(path):  # indented for reading; its authors say to strip that first
            source = source.replace("    ", "").replace("\n", "")
        yield str(path.relative_to(DATA)), source
    for number, case in enumerate(json.loads((DATA / "llama_cpp" / "test-chat-template.cases.json").read_text())):
        yield f"llama_cpp case {number}: {case['name']}", case["chat_template"]
    for path in sorted((ROOT / "models").glob("*/tokenizer_config.json")) if (ROOT / "models").is_dir() else []:
        source = json.loads(path.read_text()).get("chat_template")
        if isinstance(source, str):
            yield f"models/{path.parent.name}", source
    for path in sorted((ROOT / "models").glob("*/chat_template.jinja")) if (ROOT / "models").is_dir() else []:
        yield f"models/{path.parent.name}", path.read_text(encoding="utf-8")


def difference(expected, found):
    if isinstance(expected, Exception):
        return None if isinstance(found, dict) else f"Jinja2 refuses ({expected}); ours: {found[:200]!r}"
    if isinstance(found, dict):
        return f"refused: {found['error']}"
    if expected != found:
        at = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(len(expected), len(found)))
        return f"at character {at}: {expected[max(0, at - 40):at + 40]!r} became {found[max(0, at - 40):at + 40]!r}"
    return None


def main():
    program = os.environ.get("ITERALIGN")
    if not program or not DATA.is_dir():
        print("skipped: ITERALIGN is not set or the shared data is missing")
        return 77
    rng = random.Random(20260131)
    conversations = [conversation(rng) for _ in range(CONVERSATIONS)]
    equal = different = 0
    with tempfile.TemporaryDirectory() as folder:
        conversations_file, template_file = f"{folder}/messages.jsonl", f"{folder}/template.jinja"
        with open(conversations_file, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(messages, ensure_ascii=False) + "\n" for messages in conversations)
        for name, source in sources():
            with open(template_file, "w", encoding="utf-8", newline="") as file:
                file.write(source)
            differences = []
            refused = 0
            for generation_prompt in (False, True):
                expected = reference(source, conversations, generation_prompt)
                refused += sum(isinstance(e, Exception) for e in expected)
                found = ours(program, template_file, conversations_file, generation_prompt)
                if len(found) != len(expected):
                    differences.append(f"{len(found)} lines for {len(expected)} conversations")
                for messages, e, f in zip(conversations, expected, found):
                    if text := difference(e, f):
                        differences.append(f"{text}\n    of {json.dumps(messages)[:300]}")
            equal, different = equal + (not differences), different + bool(differences)
            print(f"{'DIFFERENT' if differences else 'equal'}  {name} ({2 * CONVERSATIONS - refused} rendered, {refused} refused)")
            for text in differences[:3]:
                print(f"    {text}")
    print(f"{equal} templates equal, {different} different")
    return 1 if different or not equal else 0


if __name__ == "__main__":
    sys.exit(main())
