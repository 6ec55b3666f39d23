"""Prompt files as Python's own writers make them (csv, json, yaml, pandas): three prompts with everything in them that is quoted, escaped or
folded come out as they went in, and nothing else does. Read through `iteralign plan`, which shows what it read."""

import csv
import gzip
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import pandas
    import yaml
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

from peer import PROGRAM, ROOT

PROMPTS = ['Say "hello, world"; then | stop', "Zwei Zeilen:\nmit Ümlaut, 漢字\tund Tab", "it's 50% of {all} 'quotes' # no comment"]
CATEGORIES = ["a", "b, c", "d"]
ROWS = [{"prompt": p, "category": c} for p, c in zip(PROMPTS, CATEGORIES)]
frame = pandas.DataFrame(ROWS)


def table(**options):
    text = io.StringIO()
    writer = csv.writer(text, **options)
    writer.writerow(["id", "prompt", "category"])
    writer.writerows([[i, p, c] for i, (p, c) in enumerate(zip(PROMPTS, CATEGORIES))])
    return text.getvalue()


def chat(prompt):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}, {"role": "assistant", "content": "Sure"}]}


FILES = {
    "excel.csv": table(),
    "all_quoted.csv": table(quoting=csv.QUOTE_ALL),
    "unix.csv": table(dialect="unix"),
    "semicolon.csv": table(delimiter=";"),
    "excel_sep.csv": "sep=;\r\n" + table(delimiter=";"),
    "tab.tsv": table(dialect="excel-tab"),
    "pipe.csv": table(delimiter="|"),
    "bom.csv": "\ufeff" + table(),
    "pandas.csv": frame.to_csv(),
    "pandas_one_column.csv": frame[["prompt"]].to_csv(index=False),
    "records.json": frame.to_json(orient="records"),
    "lines.jsonl": frame.to_json(orient="records", lines=True),
    "columns.json": frame.to_json(orient="columns"),
    "index.json": frame.to_json(orient="index"),
    "split.json": frame.to_json(orient="split"),
    "table.json": frame.to_json(orient="table"),
    "lists.json": json.dumps({"prompt": PROMPTS, "target": ["Sure"] * 3}, indent=1),
    "texts.json": json.dumps(PROMPTS, ensure_ascii=False),
    "texts.jsonl": "\n".join(map(json.dumps, PROMPTS)),
    "data.json": json.dumps({"version": 1, "data": ROWS}),
    "chat.jsonl": "\n".join(json.dumps(chat(p)) for p in PROMPTS),
    "safe_dump.yaml": yaml.safe_dump(ROWS),
    "unicode.yaml": yaml.safe_dump(PROMPTS, allow_unicode=True, width=20),
    "flow.yaml": yaml.safe_dump({"prompts": PROMPTS}, default_flow_style=True),
    "quoted.yaml": yaml.safe_dump(PROMPTS, default_style='"'),
    "pyrit.yaml": yaml.safe_dump({"dataset_name": "mine", "harm_categories": ["x"], "seeds": [{"value": p, "data_type": "text"} for p in PROMPTS]}),
    "promptfoo.yaml": yaml.safe_dump({"prompts": ["{{prompt}}"], "providers": ["echo"],
                                      "tests": [{"vars": {"prompt": p}, "assert": [{"type": "contains", "value": "no"}]} for p in PROMPTS]}),
}


def as_read(path):
    done = subprocess.run([PROGRAM, "plan", ROOT / "configs/lab.yaml", f"red_team.prompts=[{path}]", "red_team.heldout=0", "red_team.order=file",
                           "gate.enabled=false", "--json"], capture_output=True, text=True, cwd=ROOT)
    if done.returncode != 0:
        return done.stderr.strip()
    return [prompt["messages"][-1]["content"] for prompt in json.loads(done.stdout)["as_read"]["red-team"]]


failures = []
with tempfile.TemporaryDirectory() as folder:
    for name, text in FILES.items():
        path = Path(folder, name)
        path.write_bytes(text.encode())
        found = as_read(path)
        if found != PROMPTS:
            failures.append(f"{name}: {found}")
    packed = Path(folder, "packed.csv.gz")
    packed.write_bytes(gzip.compress(FILES["excel.csv"].encode()))
    if as_read(packed) != PROMPTS:
        failures.append("packed.csv.gz")
    for name, data, word in (("cp1252.csv", "prompt\ncafé\n".encode("cp1252"), "UTF-8"), ("utf16.csv", table().encode("utf-16"), "UTF-16")):
        path = Path(folder, name)
        path.write_bytes(data)
        if word not in str(as_read(path)):
            failures.append(f"{name} is not refused for what it is")

for failure in failures:
    print(failure)
print(f"{len(FILES) + 3 - len(failures)} of {len(FILES) + 3} files")
sys.exit(1 if failures else 0)
