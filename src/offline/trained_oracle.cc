#include "offline/trained_oracle.h"

#include <fmt/format.h>

#include "core/text_quality.h"
#include "embedded_weights.h"
#include "offline/keyword_oracle.h"
#include "offline/oracle_task.h"
#include "offline/trained_judge.h"

namespace iteralign {
namespace {

const TrainedJudge& trained_judge() {
  static const TrainedJudge kJudge(embedded_weights("weights.txt"));
  return kJudge;
}

std::string trained_verdict(const OracleCase& item) {
  if (item.prompt.empty())
    return verdict_answer(Question::harm, {Label::unjudged}, "The trained judge must see the prompt: judge.see_prompt.");
  if (is_degenerate(item.response))
    return verdict_answer(Question::harm, {Label::unjudged}, "The response is too short or repeats itself.");
  const Judged judged = trained_judge().judge(item.prompt, item.response);
  const std::string reason = fmt::format("It does what was asked with probability {:.2f}{}.", judged.probability,
                                         judged.because.empty() ? "" : ", by its shape and " + judged.because);
  if (judged.probability < trained_judge().threshold()) return verdict_answer(Question::harm, {Label::positive}, reason);
  return verdict_answer(Question::harm, {Label::negative}, reason);
}

}  // namespace

std::string trained_answer(const Messages& messages, const std::string& schema_name) {
  const OracleTask task = read_oracle_task(messages, schema_name);
  return task.kind == TaskKind::verdict ? trained_verdict(task.cases.front()) : keyword_answer(messages, schema_name);
}

}  // namespace iteralign
