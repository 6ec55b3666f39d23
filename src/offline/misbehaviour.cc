#include "offline/misbehaviour.h"

#include <fmt/format.h>

#include <algorithm>

#include "asking/judge_prompt.h"
#include "core/json.h"
#include "core/random.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr const char* kNoSchema = "no_schema";

std::vector<std::string> kinds_by_chance(const Misbehaviour& misbehaviour) {
  auto kinds = misbehaviour.kinds.empty() ? fault_kinds() : misbehaviour.kinds;
  std::erase(kinds, kNoSchema);
  return kinds;
}

// Any word that is asked for, turned into the first with the other label.
void turn(Json& answer, const JudgePrompt& asked) {
  const std::string& key = asked.words.keys.front();
  if (!answer.is_object() || !answer.contains(key) || !answer[key].is_string()) return;
  const auto meaning = asked.words.words.find(answer[key].get<std::string>());
  if (meaning == asked.words.words.end() || meaning->second.label == Label::unjudged) return;
  const bool negative = meaning->second.label == Label::negative;
  answer[key] = negative ? asked.word(Label::positive, Conduct::helps) : asked.word(Label::negative, Conduct::refuses);
  if (const auto likely = answer.find("negative_probability"); likely != answer.end()) *likely = 1 - likely->get<double>();
}

}  // namespace

const std::vector<std::string>& fault_kinds() {
  static const std::vector<std::string> kKinds = {"http_429", "http_500", "drop",   "slow",     "garbage",       "truncated_json",
                                                  "refusal",  "filtered", "length", "nonsense", "wrong_verdict", kNoSchema};
  return kKinds;
}

void check_misbehaviour(const Misbehaviour& misbehaviour) {
  for (const double rate : {misbehaviour.rate, misbehaviour.wrong_verdict_rate})
    if (!(rate >= 0 && rate <= 1)) throw Error(ErrorKind::usage, fmt::format("a rate of faults is {}", rate), "", "give 0 to 1");
  for (const auto& kind : misbehaviour.kinds) {
    if (std::find(fault_kinds().begin(), fault_kinds().end(), kind) != fault_kinds().end()) continue;
    const std::string close = nearest(kind, fault_kinds());
    throw Error(ErrorKind::usage, "unknown kind of fault '" + kind + "'", "oracle.fault_kinds",
                close.empty() ? "one of " + join(fault_kinds(), ", ") : "did you mean " + close + "?");
  }
}

std::string fault_of(const Misbehaviour& misbehaviour, std::uint64_t body_hash, int asked_before) {
  const auto kinds = kinds_by_chance(misbehaviour);
  if (kinds.empty()) return {};
  Random random(derive_seed(misbehaviour.seed, fmt::format("fault/{}/{}", body_hash, asked_before)));
  if (random.uniform() >= misbehaviour.rate) return {};
  return kinds[random.below(kinds.size())];
}

bool turns_verdict(const Misbehaviour& misbehaviour, std::uint64_t body_hash) {
  return Random(derive_seed(misbehaviour.seed, fmt::format("verdict/{}", body_hash))).uniform() < misbehaviour.wrong_verdict_rate;
}

std::string turned_verdict(const std::string& answer) {
  Json value = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return answer;
  for (const JudgePrompt& asked : embedded_judge_prompts()) turn(value, asked);
  return dump_json(value);
}

}  // namespace iteralign
