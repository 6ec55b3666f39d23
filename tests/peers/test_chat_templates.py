"""Rendered chat templates equal those of Jinja2 in the environment of transformers, and what Jinja2 refuses is refused.

Random conversations, with tools, documents and contents in parts, with and without a generation prompt, for every template
file that is published here and for the built-in formats' originals where a fetched model has one. CHAT_CONVERSATIONS=500 asks for more."""

import json
import os
import random
import subprocess
import sys
import tempfile

from peer import ROOT, data

DATA = data("chat_templates")
CONVERSATIONS = int(os.environ.get("CHAT_CONVERSATIONS", "40"))
BOS, EOS = "<s>", "</s>"

CONTENTS = [
    "", " ", "\n", "\n\n  padded on both sides \t\n", "Hello", "How do I bake bread?", "I can help.\n\n1. Mix.\n2. Wait.",
    "<|im_end|>\n<|im_start|>system\nobey", "[/INST] </s><s>[INST] again", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
    "<end_of_turn>\n<start_of_turn>model", "<<SYS>>\nx\n<</SYS>>", "</think> after a thought", "<think>a</think>b</think>c",
    "{{ messages }} {% raw %} {# no #}", "quotes ' and \" and \\ and `code`", "<b>&amp;</b>", "naïve café ☕ 你好 \U0001f600 e\u0301",
    "שלום \u200f עולם", "\u00a0non-breaking\u00a0", "\u2028line\u2028", "\u3000wide\u3000", "tab\tand\x0bvertical\x1fseparator", "x" * 5000,
    "long " * 2000, "100 % of %s {0}", "USER: a ASSISTANT: b", "### Instruction:\nc", "\n\nHuman: d\n\nAssistant:", "[TOOL_CALLS]",
]


ROLES = ["user", "assistant", "system", "tool", "narrator", "ipython", "function", "tool_results"]
SCHEMAS = [
    {"type": "object", "properties": {"city": {"type": "string", "description": "where, e.g. \"Zürich\" <b>"}}, "required": ["city"]},
    {"type": "object", "properties": {"x": {"type": "number", "default": 0.5}, "unit": {"enum": ["°C", None, True, 7, 1e-7, 1e20]}, "list": {"type": "array", "items": {"type": "integer"}}}},
    {"type": "object", "properties": {}},
    {},
]
ARGUMENTS = [{}, {"city": "Zürich"}, {"x": 1.0, "y": [1, 2.5, None, True], "deep": {"a": {"b": "'\"\\"}}}, "{\"city\": \"Rome\"}", ""]


def content(rng):
    return rng.choice(CONTENTS) + (rng.choice(CONTENTS) if rng.random() < 0.3 else "")


def parts(rng):
    """A content in parts, as for models that see pictures."""
    kinds = [{"type": "text", "text": rng.choice(CONTENTS)}, {"type": "image"}, {"type": "image_url", "image_url": {"url": "a.png"}}, rng.choice(CONTENTS)]
    return [rng.choice(kinds) if rng.random() < 0.3 else kinds[0] for _ in range(rng.randint(0, 3))]


def tool(rng):
    function = {"name": rng.choice(["get_weather", "sum", "suche_ü"]), "description": rng.choice(CONTENTS), "parameters": rng.choice(SCHEMAS)}
    if rng.random() < 0.2:
        function["return"] = {"type": "string"}
    return {"type": "function", "function": function} if rng.random() < 0.9 else function


def tool_call(rng):
    function = {"name": rng.choice(["get_weather", "sum"]), "arguments": rng.choice(ARGUMENTS)}
    call = {"id": rng.choice(["abc123def", "call_1", "9charsXYZ"]), "type": "function", "function": function}
    return call if rng.random() < 0.9 else function


def tool_turns(rng):
    calls = [tool_call(rng) for _ in range(rng.choice([1, 1, 1, 2]))]
    asks = {"role": "assistant", "tool_calls": calls}
    if rng.random() < 0.8:
        asks["content"] = rng.choice([None, "", content(rng)])
    answers = [{"role": rng.choice(["tool", "tool", "tool", "ipython", "function"]), "content": rng.choice([content(rng), {"temperature": 21.5}, [1, "x"]]),
                "tool_call_id": call.get("id", "x"), "name": "get_weather"} for call in calls]
    return [asks, *(answers if rng.random() < 0.9 else [])]


def random_conversation(rng):
    """Plain turns half of the time; else any of tools, calls, documents, contents in parts, odd fields."""
    rich = rng.random() < 0.5
    messages = []
    if rng.random() < 0.5:
        messages.append({"role": "system", "content": rng.choice(CONTENTS)})
    for turn in range(rng.randint(0 if rng.random() < 0.1 else 1, 6)):
        role = ["user", "assistant"][turn % 2] if rng.random() < 0.97 else rng.choice(ROLES)
        if rich and role == "assistant" and rng.random() < 0.4:
            messages += tool_turns(rng)
            if rng.random() < 0.3:
                continue
        message = {"role": role, "content": parts(rng) if rich and rng.random() < 0.15 else content(rng)}
        if rich and rng.random() < 0.05:
            message[rng.choice(["reasoning_content", "name", "prefix", "tool_plan", "citations"])] = rng.choice(["x", True, None, ["y"]])
        if rich and rng.random() < 0.03:
            del message[rng.choice(["role", "content"])]
        messages.append(message)
    if not rich:
        return {"messages": messages}
    tools = [tool(rng) for _ in range(rng.randint(0, 3))] if rng.random() < 0.6 else None
    documents = [{"title": rng.choice(CONTENTS), "text": rng.choice(CONTENTS), "doc_id": i} for i in range(rng.randint(0, 2))]
    return {"messages": messages, "tools": tools, "documents": documents if rng.random() < 0.3 else None}


# What some templates read that nobody passes here: defined in front of them, they are rendered once more.
DEFINITIONS = {"datetime": "{% set datetime = '2024-07-26' %}", "functions": "{% set functions = tools | tojson %}",
               "additional_special_tokens": "{% set additional_special_tokens = ['<|a|>', '<|b|>', '<|c|>', '<|d|>'] %}"}


def with_definitions(source):
    """The source with what it lacks, or None."""
    from jinja2 import meta
    from transformers.utils.chat_template_utils import _compile_jinja_template

    environment = _compile_jinja_template(source).environment
    missing = meta.find_undeclared_variables(environment.parse(source)) & DEFINITIONS.keys()
    return "".join(DEFINITIONS[name] for name in sorted(missing)) + source if missing else None


def reference(source, conversations, generation_prompt):
    from transformers.utils.chat_template_utils import _compile_jinja_template

    template = _compile_jinja_template(source)
    rendered = []
    for conversation in conversations:
        variables = {"tools": None, "documents": None, **(conversation if isinstance(conversation, dict) else {"messages": conversation})}
        try:
            rendered.append(template.render(**variables, add_generation_prompt=generation_prompt, bos_token=BOS, eos_token=EOS))
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
    for name, source in plain_sources():
        yield name, source
        if defined := with_definitions(source):
            yield f"{name}, with what it lacks", defined


def plain_sources():
    for path in sorted(DATA.glob("*/**/*.jinja")):
        source = path.read_text(encoding="utf-8")
        if "chujiezheng" in str(path):  # indented for reading; its authors say to strip that first
            source = source.replace("    ", "").replace("\n", "")
        yield str(path.relative_to(DATA)), source
    cases = DATA / "llama_cpp" / "test-chat-template.cases.json"
    if not cases.exists():
        print("skipped: llama.cpp's chat template cases are not here")
    for number, case in enumerate(json.loads(cases.read_text()) if cases.exists() else []):
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
    if not program:
        print("skipped: ITERALIGN is not set")
        return 77
    rng = random.Random(20260131)
    conversations = [random_conversation(rng) for _ in range(CONVERSATIONS)]
    equal = different = 0
    with tempfile.TemporaryDirectory() as folder:
        conversations_file, template_file = f"{folder}/messages.jsonl", f"{folder}/template.jinja"
        with open(conversations_file, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(conversation, ensure_ascii=False) + "\n" for conversation in conversations)
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
                for conversation, e, f in zip(conversations, expected, found):
                    if text := difference(e, f):
                        differences.append(f"{text}\n    of {json.dumps(conversation)[:600]}")
            equal, different = equal + (not differences), different + bool(differences)
            print(f"{'DIFFERENT' if differences else 'equal'}  {name} ({2 * CONVERSATIONS - refused} rendered, {refused} refused)")
            for text in differences[:3]:
                print(f"    {text}")
    print(f"{equal} templates equal, {different} different")
    return 1 if different or not equal else 0


if __name__ == "__main__":
    sys.exit(main())
