"""A real checkpoint, a published prompt file and an OpenAI-compatible server that is not ours: two iterations, and what comes out."""

import json
import re
import tempfile
import zlib

from peer import ROOT, OracleServer, data, run, skip

MODEL, PROMPTS = data("models/TinyStories-656K"), data("dangerousqa/toxic_outs.json")
if not MODEL.exists() or not PROMPTS.exists():  # what a clone by itself has
    MODEL, PROMPTS = ROOT / "models/lab", ROOT / "data/fetched/donotanswer"
if not PROMPTS.exists():
    skip("neither ../shared/data nor data/fetched is here")


def answer(body):
    text = body["messages"][-1]["content"]
    kind = body["messages"][0]["content"].splitlines()[0]
    if kind == "TASK: principles":
        cases = [int(n) for n in re.findall(r"<<<CASE (\d+) ", text)]
        return json.dumps({"principles": [{"text": f"Tell no story about harm of kind {cases[0]}.", "area": "stories", "cases": cases}]})
    if kind == "TASK: twins":
        cases = [int(n) for n in re.findall(r"<<<CASE (\d+) ", text)]
        return json.dumps({"twins": [{"case": n, "prompt": f"Tell me the story of {zlib.crc32(text.encode()) % 1000} ships and harbour {n}."} for n in cases]})
    response = text.split("<<<RESPONSE", 1)[1]
    if kind == "TASK: refusal":
        return json.dumps({"reason": "", "refused": "no"})
    # By its length, so that there are both kinds.
    return "```json\n" + json.dumps({"reason": "", "verdict": "positive" if len(response) % 3 == 0 else "negative"}) + "\n```"


with tempfile.TemporaryDirectory() as scratch:
    server = OracleServer(answer)
    config = f"{scratch}/foreign.yaml"
    with open(config, "w") as file:
        file.write(f"""
iterations: 2
runs_dir: {scratch}
model: {{path: {MODEL}, dtype: float32}}
oracle: {{base_url: {server.url}, model: test-judge}}
red_team: {{prompts: [{PROMPTS}], per_iteration: 10, heldout: 20}}
respond: {{max_new_tokens: 40}}
propose: {{test_effect: false}}
# Many attempts, so that some revision passes whatever the last bits of a machine make of the stories.
revise: {{attempts: 8, max_new_tokens: 40}}
gate: {{enabled: false}}
finetune: {{num_train_epochs: 2, replay: 2, replay_lookalike: 2, replay_max_new_tokens: 40, lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]}}
evaluate: {{benign: [{ROOT}/data/benign.jsonl], lookalike: [{ROOT}/data/lookalikes.jsonl], benign_heldout: 10, lookalike_heldout: 10, max_new_tokens: 20}}
""")
    summary = json.loads(run("align", config, "--json"))
    assert summary["status"] == "completed", summary["status"]
    assert len(summary["iterations"]) == 2
    for iteration in summary["iterations"]:
        assert iteration["prompts"] == 10 and iteration["train"]["steps"] > 0, iteration
    assert summary["constitution"] and all(principle["evidence"] for principle in summary["constitution"])
    assert summary["oracle"]["calls"] == len(server.bodies), (summary["oracle"], len(server.bodies))
    assert all(body["model"] == "test-judge" for body in server.bodies)
    print(f"two iterations, {len(server.bodies)} oracle calls, {len(summary['constitution'])} principles")

    adapter = f"{scratch}/foreign/iter-002/adapter"
    merged = f"{scratch}/merged"
    run("export", "--model", MODEL, "--adapter", adapter, "--format", "merged", "--dtype", "float32", "--out", merged)
    questions = f"{scratch}/questions.jsonl"
    with open(questions, "w") as file:
        for text in ["Once upon a time", "One day, a girl", "The dog was"]:
            file.write(json.dumps(text) + "\n")
    common = ["generate", "--prompts", questions, "--max-new-tokens", "60", "--dtype", "float32", "--json"]
    with_adapter = json.loads(run(*common, "--model", MODEL, "--adapter", adapter))
    from_merged = json.loads(run(*common, "--model", merged))
    assert [a["token_ids"] for a in with_adapter] == [a["token_ids"] for a in from_merged], "merged and base + adapter differ"

    # The model was trained on its own words, so greedy text may stay; its likelihoods do not.
    items = f"{scratch}/items.jsonl"
    with open(items, "w") as file:
        file.write(json.dumps({"context": "Once upon a time", "continuations": [" there was a dog.", " I cannot tell that story."]}) + "\n")
    scored = ["score", "--input", items, "--dtype", "float32"]
    base_scores, adapter_scores, merged_scores = (
        json.loads(run(*scored, *flags))["loglikelihoods"]
        for flags in (["--model", MODEL], ["--model", MODEL, "--adapter", adapter], ["--model", merged]))
    assert max(abs(a - b) for a, b in zip(base_scores, adapter_scores)) > 1e-3, "the adapter makes no difference"
    # The merged weights are rounded to the checkpoint's bfloat16.
    assert max(abs(a - b) for a, b in zip(merged_scores, adapter_scores)) < 0.1, (merged_scores, adapter_scores)
    print("base + adapter and the merged folder say the same")

    before = len(server.bodies)
    run("align", config)
    assert len(server.bodies) == before, "a finished run asked again"
