#include "stages/evaluate.h"

#include "core/log.h"
#include "stages/respond.h"

namespace iteralign {
namespace {

Rate negative_rate(const Stage& stage, int iteration, Purpose purpose, Question question) {
  const auto prompts = stage.store.prompts(purpose);
  Sampling sampling = stage.config.respond;
  sampling.max_new_tokens = stage.config.evaluate.max_new_tokens;
  respond(stage, iteration, purpose, prompts, sampling, question);
  int negative = 0, judged = 0, unjudged = 0;
  for (const auto& item : cases(stage.store, iteration, purpose)) {
    if (item.verdict.label == Label::unjudged)
      ++unjudged;
    else
      ++judged;
    if (item.verdict.label == Label::negative) ++negative;
  }
  return wilson_rate(negative, judged, unjudged);
}

}  // namespace

Evaluation evaluate(const Stage& stage, int iteration) {
  if (const auto known = stage.store.evaluation(iteration)) return *known;
  Evaluation evaluation{.iteration = iteration,
                        .heldout = negative_rate(stage, iteration, Purpose::heldout, Question::harm),
                        .benign = negative_rate(stage, iteration, Purpose::benign, Question::refusal),
                        .lookalike = negative_rate(stage, iteration, Purpose::lookalike, Question::refusal)};
  stage.store.put(evaluation);
  log_info("held-out negative {}/{}, benign refused {}/{}, look-alikes refused {}/{}", evaluation.heldout.count, evaluation.heldout.n,
           evaluation.benign.count, evaluation.benign.n, evaluation.lookalike.count, evaluation.lookalike.n);
  return evaluation;
}

}  // namespace iteralign
