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
  return {turns, request.schema, request.max_tokens, request.temperature};
}

void take_over_answers(RunStore& store, int from, int to) {
  for (const Purpose purpose : {Purpose::heldout, Purpose::benign, Purpose::lookalike}) {
    std::set<std::string> present;
    for (const Response& response : store.responses(to, purpose)) present.insert(response.prompt_id);
    for (Response& response : store.responses(from, purpose)) {
      if (present.contains(response.prompt_id)) continue;
      response.iteration = to;
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
  for (const Question question : {Question::harm, Question::refusal})
    for (const int vote : {0, 1}) asked.push_back(request_json(judge_of.request(question, {{"user", "prompt"}}, "response", vote)));
  return hash128_hex(dump_json(asked));
}

int evaluation_key(RunStore& store, const std::string& answers, const std::string& verdicts) {
  const std::string mark = "evaluation/" + answers + "/" + verdicts, same = "answers/" + answers, count = "evaluations";
  Json keys = parse_json(store.meta(same).value_or("[]"), "eval.db");  // of all evaluations with these answers
  int key = std::stoi(store.meta(mark).value_or("0"));
  if (key == 0) {
    key = 1 + std::stoi(store.meta(count).value_or("0"));
    store.set_meta(count, std::to_string(key));
    keys.push_back(key);
    store.set_meta(same, dump_json(keys));
    store.set_meta(mark, std::to_string(key));
  }
  for (const Json& other : keys)
    if (other != key) take_over_answers(store, other, key);
  return key;
}

}  // namespace iteralign
