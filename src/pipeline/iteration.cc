#include "pipeline/iteration.h"

#include <algorithm>

#include "stages/evaluate.h"
#include "stages/finetune.h"
#include "stages/propose.h"
#include "stages/respond.h"
#include "stages/revise.h"

namespace iteralign {
namespace {

IterationSummary summarise(const Stage& stage, int iteration, const TrainSummary& train, const Evaluation& evaluation) {
  IterationSummary summary{.iteration = iteration, .train = train, .evaluation = evaluation};
  for (const auto& item : cases(stage.store, iteration, Purpose::red_team)) {
    ++summary.prompts;
    if (item.verdict.label == Label::negative) ++summary.negative;
    if (item.verdict.label == Label::positive) ++summary.positive;
    if (item.verdict.label == Label::unjudged) ++summary.unjudged;
  }
  const auto constitution = stage.store.constitution(iteration);
  summary.principles_new = static_cast<int>(std::count_if(constitution.principles.begin(), constitution.principles.end(),
                                                          [&](const Principle& principle) { return principle.iteration == iteration; }));
  const auto pairs = stage.store.pairs(iteration);
  summary.revised =
      static_cast<int>(std::count_if(pairs.begin(), pairs.end(), [](const SftPair& pair) { return pair.kind == PairKind::revision; }));
  summary.sft_pairs = static_cast<int>(pairs.size());
  return summary;
}

}  // namespace

IterationSummary run_iteration(const Stage& stage, Weights& weights, int iteration, const std::function<void()>& on_stage) {
  weights.restore(iteration - 1);

  respond(stage, iteration, {{Purpose::red_team, iteration_prompts(stage, iteration), Question::harm}}, stage.config.respond);
  on_stage();
  propose(stage, iteration);
  on_stage();
  revise(stage, iteration);
  on_stage();
  make_pairs(stage, iteration);
  const TrainSummary train = weights.finetune_or_restore(iteration);
  on_stage();
  const Evaluation evaluation = evaluate(stage, iteration);

  const IterationSummary summary = summarise(stage, iteration, train, evaluation);
  stage.store.put(summary);
  on_stage();
  return summary;
}

}  // namespace iteralign
