#include "tasks/evaluation_key.h"

#include <set>

#include "core/hash.h"
#include "core/json.h"

namespace iteralign {
namespace {

Json sampling_json(const Sampling& sampling) {
  const auto& [max_new_tokens, temperature, top_p, top_k, min_p, typical_p, repetition, frequency, presence, stop] = sampling;
  return {max_new_tokens, temperature, top_p, top_k, min_p, typical_p, repetition, frequency, presence, stop};
}

Json request_json(const OracleRequest& request) {
  Json turns = Json::array();
  for (const Message& message : request.messages) turns.push_back({message.role, message.content});
  Json asked = {turns, request.schema, request.max_tokens, request.temperature};
  if (!request.choices.empty()) asked.push_back({request.opening, request.choices});
  return asked;
}

void take_over_answers(RunStore& store, int from, int to) {
  for (const PromptSet set : all_prompt_sets()) {
    std::set<std::string> present;
    for (const Response& response : store.responses(to, set)) present.insert(response.prompt_id);
    for (Response& response : store.responses(from, set)) {
      if (present.contains(response.prompt_id)) continue;
      response.weights = to;
      store.put(response);
    }
  }
}

}  // namespace

std::string answers_fingerprint(const std::string& model, const Sampling& sampling, std::uint64_t seed) {
  return hash128_hex(dump_json({model, sampling_json(sampling), sampling.temperature > 0 ? Json(seed) : Json()}));
}

std::string verdicts_fingerprint(const std::string& judge, const Judge& judge_of, int votes) {
  Json asked = {judge, votes};
  for (const JudgePrompt& prompt : judge_of.prompts())
    for (const int vote : {0, 1}) asked.push_back(request_json(judge_of.request({prompt.name}, {{"user", "prompt"}}, "response", vote)));
  for (const JudgePrompt& prompt : judge_of.prompts())
    if (prompt.opening) asked.push_back(prompt.threshold);
  return hash128_hex(dump_json(asked));
}

int evaluation_key(RunStore& store, const std::string& answers, const std::string& verdicts) {
  const int key = store.evaluation_key(answers, verdicts);
  for (const int other : store.evaluations_with(answers))
    if (other != key) take_over_answers(store, other, key);
  return key;
}

}  // namespace iteralign
