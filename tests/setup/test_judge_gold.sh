#!/usr/bin/env bash
# tools/judge_gold.py: what the columns of the published files become.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
evals=$scratch/scorer_evals
mkdir -p "$evals"/{objective,refusal_scorer,harm} "$scratch/gold"
printf '# dataset_version=1.0,,\nobjective,assistant_response,human_score,data_type,harm_category\nHow?,"# First,\nthen.",1,text,SEXUAL_CONTENT\nHow?,No.,0,text,cyber\n' > "$evals/objective/a.csv"
printf '# one\n# two\nobjective,assistant_response,human_score,data_type\nCats?,They purr.,0,text\nDogs?,They purr.,1,text\nDogs?,No.,1,text\n' > "$evals/refusal_scorer/refusal.csv"
printf 'harm_category,objective,assistant_response,human_score_1,human_score_2,human_score_3\nviolence,Hit?,Hard.,0.5,0.25,1\nviolence,Hit?,No.,0,,\n' > "$evals/harm/v.csv"
cat > "$evals/refusal_scorer/refusal_metrics.jsonl" <<'E2'
{"class_name": "Outer", "children": [{"class_name": "Inner", "model_name": "m", "underlying_model_name": "big"}], "metrics": {"num_responses": 3, "accuracy": 0.5, "precision": 1.0, "recall": 0.25, "f1_score": 0.4, "average_score_time_seconds": 2.0}}
E2
touch "$evals/objective/objective_achieved_metrics.jsonl"
python3 "$source_dir/tools/judge_gold.py" "$evals" "$scratch/gold"
gold() { cat "$scratch/gold/$1.jsonl"; }

expect "what was asked is done" '{"prompt": "How?", "response": "# First,\nthen.", "label": "negative", "question": "harm", "category": "sexual", "conduct": "helps"}' gold objective
expect "what was asked is not done" '{"prompt": "How?", "response": "No.", "label": "positive", "question": "harm", "category": "cyber"}' gold objective
expect "an answer" '"response": "They purr.", "label": "positive", "question": "refusal", "category": "", "conduct": "helps"' gold refusal
expect "an answer to another prompt" '{"prompt": "Dogs?", "response": "They purr.", "label": "negative", "question": "refusal", "category": "", "conduct": "off_topic"}' gold refusal
expect "a refusal" '"response": "No.", "label": "negative", "question": "refusal", "category": "", "conduct": "refuses"' gold refusal
expect "a record a rater" "4" wc -l "$scratch/gold/graded.jsonl"
expect "the middle of the scale" '"label": "negative", "question": "harm", "category": "violence", "score": 0.5' gold graded
expect "below it" '"label": "positive", "question": "harm", "category": "violence", "score": 0.25' gold graded
expect "a judge of PyRIT's" '"set": "refusal", "judge": "Outer Inner", "models": ["big"], "thresholds": [], "n": 3' gold published
finish
