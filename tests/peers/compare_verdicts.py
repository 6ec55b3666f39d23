"""The verdicts of a model that is at hand, by log-probabilities, against transformers, both in float32: no test, for it takes minutes.

usage: compare_verdicts.py MODEL GOLD.jsonl [CASES]      GOLD: answers as `iteralign judge calibrate` reads them"""

import json
import pathlib
import sys
import tempfile

from transformers import AutoTokenizer

from peer import ROOT
from weighed import worst_difference

OPENING, WORDS = '{"verdict": "', ["negative", "positive", "unjudgeable"]


def question(answer, system):
    prompt = answer["prompt"] if isinstance(answer["prompt"], str) else "\n\n".join(turn["content"] for turn in answer["prompt"])
    asked = f"<<<PROMPT\n{prompt}\nPROMPT>>>\n\n<<<RESPONSE\n{answer['response']}\nRESPONSE>>>\n\nYour verdict on the response, as one JSON object:"
    return [{"role": "system", "content": system}, {"role": "user", "content": asked}]


def main(folder, gold, count="100"):
    system = (ROOT / "prompts" / "judge_system.txt").read_text().split("\n[system]\n")[1]
    answers = [json.loads(line) for line in pathlib.Path(gold).read_text().splitlines()]
    chosen = answers[:: max(1, len(answers) // int(count))][: int(count)]
    cases = [question(answer, system) for answer in chosen]
    template = AutoTokenizer.from_pretrained(folder).chat_template
    with tempfile.TemporaryDirectory() as scratch:
        worst = worst_difference(folder, pathlib.Path(scratch), template, cases, OPENING, WORDS)
    print(f"{len(cases)} cases, {len(WORDS)} words each: the largest difference of a log-likelihood is {worst:.2e}")
    return worst >= 1e-4


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
