#include "stages/scoring.h"

#include "core/progress.h"

namespace iteralign {

std::vector<std::vector<Score>> score_answers(const Stage& stage, const std::string& what, const std::vector<ScoreRequest>& requests) {
  Progress progress(what, static_cast<std::int64_t>(requests.size()), "answers", /*quiet_s=*/2);
  return stage.scorer.score(
      requests, [&](std::size_t) { progress.add(); }, stage.should_stop);
}

}  // namespace iteralign
