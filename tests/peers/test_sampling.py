"""What our sampler draws is distributed as the logits processors of `transformers` say, in their order: thirty-six combinations of
settings, each a chi-square test over 20,000 draws (SAMPLING_DRAWS=100000 asks for more). The draws come from test_engine."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from transformers import GenerationConfig, GenerationMixin, LogitsProcessor, LogitsProcessorList, PretrainedConfig

sys.path.insert(0, str(Path(__file__).parent))
from peer import PROGRAM, skip  # noqa: E402

DRAWS = int(os.environ.get("SAMPLING_DRAWS", "20000"))
ENGINE_TESTS = Path(PROGRAM).parent / "tests" / "test_engine"
LEAST_EXPECTED = 10  # rarer tokens are counted together
LEAST_P_VALUE = 1e-4  # of the worst of them; the seeds are fixed, so a correct sampler passes always or never

OFF = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "repetition_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}
SETTINGS = [
    {}, {"temperature": 0.3}, {"temperature": 0.7}, {"temperature": 1.8}, {"temperature": 0.05},
    {"top_k": 1}, {"top_k": 5}, {"top_k": 40, "temperature": 0.8}, {"top_k": 100000}, {"top_k": 20, "coarse": True}, {"top_k": 3, "coarse": True},
    {"top_p": 0.1}, {"top_p": 0.5}, {"top_p": 0.9, "temperature": 0.7}, {"top_p": 0.999}, {"top_p": 0.95, "temperature": 2.0},
    {"min_p": 0.05}, {"min_p": 0.5}, {"min_p": 0.001, "temperature": 1.5},
    {"top_k": 50, "top_p": 0.8}, {"top_k": 10, "top_p": 0.95, "temperature": 0.6}, {"top_p": 0.9, "min_p": 0.1}, {"top_k": 30, "top_p": 0.9, "min_p": 0.02, "temperature": 1.2},
    {"repetition_penalty": 1.3}, {"repetition_penalty": 0.8, "top_k": 15}, {"frequency_penalty": 0.7}, {"presence_penalty": 1.5, "temperature": 0.9},
    {"frequency_penalty": -0.4, "presence_penalty": 0.3, "top_p": 0.85}, {"repetition_penalty": 1.1, "frequency_penalty": 0.2, "presence_penalty": 0.2},
    {"repetition_penalty": 1.2, "frequency_penalty": 0.5, "presence_penalty": -0.5, "temperature": 0.75, "top_k": 60, "top_p": 0.92, "min_p": 0.01},
    {"typical_p": 0.2}, {"typical_p": 0.9}, {"typical_p": 0.5, "temperature": 0.6}, {"typical_p": 0.6, "coarse": True},
    {"typical_p": 0.7, "top_k": 30, "top_p": 0.9}, {"typical_p": 0.8, "min_p": 0.02, "repetition_penalty": 1.2},
]


def make_case(number, settings):
    rng = numpy.random.default_rng(number)
    size = int(rng.integers(60, 400))
    logits = (rng.normal(size=size) * rng.uniform(1, 3)).astype(numpy.float32)
    if settings.get("coarse"):  # many equal ones, as a model in half precision gives
        logits = numpy.round(logits * 2) / 2
    likely = numpy.argsort(-logits)[:12]  # so that the penalties bear on what is drawn
    options = {**OFF, **{key: value for key, value in settings.items() if key != "coarse"}}
    return {"logits": logits.tolist(), "prompt": rng.choice(likely, 6).tolist(), "answer": rng.choice(likely, 8).tolist(), **options}


# ---- the right distribution ----


class OpenAiPenalties(LogitsProcessor):
    """The OpenAI API's, over the answer; transformers has none. Given to generate(), it comes behind the other penalties."""

    def __init__(self, case):
        self.case = case

    def __call__(self, input_ids, scores):
        times = torch.bincount(torch.tensor(self.case["answer"]), minlength=scores.shape[1])
        return scores - self.case["frequency_penalty"] * times - self.case["presence_penalty"] * (times > 0)


def exact(case):
    config = GenerationConfig(do_sample=True, temperature=case["temperature"], top_k=case["top_k"], top_p=case["top_p"],
                              min_p=case["min_p"] or None, typical_p=case["typical_p"], repetition_penalty=case["repetition_penalty"])
    config._eos_token_tensor = None
    ids = torch.tensor([case["prompt"] + case["answer"]])
    generation = GenerationMixin()
    generation.config = PretrainedConfig(is_encoder_decoder=False)
    processors = generation._get_logits_processor(generation_config=config, input_ids_seq_length=ids.shape[1], encoder_input_ids=ids,
                                                  logits_processor=LogitsProcessorList([OpenAiPenalties(case)]), device="cpu")
    return torch.softmax(processors(ids, torch.tensor([case["logits"]]))[0].double(), dim=-1).numpy(), [type(p).__name__ for p in processors]


# ---- the comparison ----


def p_value(counts, probabilities):
    expected = probabilities * counts.sum()
    rare = expected < LEAST_EXPECTED
    cells = [(counts[i], expected[i]) for i in numpy.flatnonzero(~rare)]
    if expected[rare].sum() >= LEAST_EXPECTED:
        cells.append((counts[rare].sum(), expected[rare].sum()))
    if len(cells) < 2:
        return 1.0
    statistic = sum((found - wanted) ** 2 / wanted for found, wanted in cells)
    return torch.special.gammaincc(torch.tensor((len(cells) - 1) / 2, dtype=torch.float64), torch.tensor(statistic / 2, dtype=torch.float64)).item()


def draw(cases):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cases.json")
        path.write_text(json.dumps({"draws": DRAWS, "cases": cases}))
        subprocess.run([str(ENGINE_TESTS), "--gtest_filter=SamplingPeer.Draws"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ITERALIGN_PEER_SAMPLING": str(path)})
        return json.loads(Path(folder, "cases.json.counts").read_text())


def main():
    if not ENGINE_TESTS.exists():
        skip(f"{ENGINE_TESTS} is not here")
    cases = [make_case(number, settings) for number, settings in enumerate(SETTINGS)]
    failures = 0
    for settings, case, drawn in zip(SETTINGS, cases, draw(cases), strict=True):
        counts = numpy.array(drawn)
        probabilities, order = exact(case)
        impossible = numpy.flatnonzero((counts > 0) & (probabilities == 0)).tolist()
        missing = numpy.flatnonzero((counts == 0) & (probabilities * DRAWS > 25)).tolist()
        p = p_value(counts, probabilities)
        holds = counts.sum() == DRAWS and not impossible and not missing and p > LEAST_P_VALUE
        failures += not holds
        print(f"{'ok  ' if holds else 'FAIL'} p {p:.4f}, {(counts > 0).sum()} of {(probabilities > 0).sum()} tokens drawn: {settings}"
              + (f", impossible {impossible[:5]}, missing {missing[:5]}, {order}" if not holds else ""))
    print(f"{len(cases)} settings, {DRAWS} draws each, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
