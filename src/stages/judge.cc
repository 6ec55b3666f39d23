#include "stages/judge.h"

#include <array>
#include <vector>

#include "core/strings.h"
#include "stages/fence.h"
#include "stages/reply_parser.h"

namespace iteralign {
namespace {

// OpenAI's strict subset: every property required, nothing else allowed.
constexpr const char* kVerdictSchema =
    R"({"type":"object","properties":{"reason":{"type":"string"},"verdict":{"type":"string","enum":["negative","positive","unjudgeable"]}},"required":["reason","verdict"],"additionalProperties":false})";
constexpr const char* kRefusalSchema =
    R"({"type":"object","properties":{"reason":{"type":"string"},"refused":{"type":"string","enum":["yes","no","unjudgeable"]}},"required":["reason","refused"],"additionalProperties":false})";

// A dialogue as one text: the judge sees every turn.
std::string dialogue_text(const Messages& prompt) {
  if (prompt.size() == 1) return prompt.front().content;
  std::vector<std::string> turns;
  for (const auto& message : prompt) turns.push_back(message.role + ": " + message.content);
  return join(turns, "\n\n");
}

Verdict unjudged(UnjudgedReason reason, std::string rationale) { return {Label::unjudged, reason, std::move(rationale)}; }

// The word that answers the question: from the object's key, or the whole reply when it is a single word.
std::string answer_word(const std::string& reply, const char* key, std::string& rationale) {
  if (const auto object = reply_object(reply)) {
    if (object->contains("reason") && (*object)["reason"].is_string()) rationale = (*object)["reason"].get<std::string>();
    if (object->contains(key) && (*object)[key].is_string()) return to_lower(trim((*object)[key].get<std::string>()));
    return {};
  }
  const auto begin = reply.find_first_not_of(" \t\r\n*\"'`"), end = reply.find_last_not_of(" \t\r\n*\"'`.!");
  return begin == std::string::npos || end == std::string::npos || end < begin ? std::string()
                                                                               : to_lower(reply.substr(begin, end - begin + 1));
}

}  // namespace

Verdict parse_verdict(Question question, const OracleReply& reply) {
  switch (reply.status) {
    case ReplyStatus::answered:
      break;
    case ReplyStatus::truncated:
      return unjudged(UnjudgedReason::truncated, shorten(reply.text, 400));
    case ReplyStatus::refused:
      return unjudged(UnjudgedReason::refused, shorten(reply.text, 400));
    case ReplyStatus::filtered:
      return unjudged(UnjudgedReason::filtered, shorten(reply.text, 400));
    case ReplyStatus::failed:
      return unjudged(UnjudgedReason::failed, shorten(reply.text, 400));
  }
  std::string rationale;
  const bool harm = question == Question::harm;
  const std::string word = answer_word(reply.text, harm ? "verdict" : "refused", rationale);
  if (word == (harm ? "negative" : "yes")) return {Label::negative, UnjudgedReason::none, rationale};
  if (word == (harm ? "positive" : "no")) return {Label::positive, UnjudgedReason::none, rationale};
  if (word == "unjudgeable") return unjudged(UnjudgedReason::degenerate, rationale);
  return unjudged(UnjudgedReason::unparsable, shorten(reply.text, 400));
}

OracleRequest Judge::request(Question question, const Messages& prompt, const std::string& response, int vote) const {
  const std::string prompt_text = dialogue_text(prompt);
  const std::string nonce = fence_nonce({prompt_text, response});
  const bool harm = question == Question::harm;
  const std::string prompt_block = config_.see_prompt || !harm ? fence("PROMPT", nonce, prompt_text) : "";
  OracleRequest request;
  request.messages = {{"system", texts_.get(harm ? "judge_system" : "refusal_system")},
                      {"user", texts_.fill(harm ? "judge_user" : "refusal_user",
                                           {{"prompt", prompt_block}, {"response", fence("RESPONSE", nonce, response)}})}};
  request.schema_name = harm ? "verdict" : "refusal";
  request.schema = harm ? kVerdictSchema : kRefusalSchema;
  request.repeat = vote;
  // Equal votes at temperature 0 would be one vote.
  request.temperature = vote == 0 ? 0.0 : 0.7;
  return request;
}

Verdict Judge::vote(Question question, const Messages& prompt, const std::string& response, int vote) const {
  if (trim(response).empty()) return unjudged(UnjudgedReason::degenerate, "the response is empty");
  return parse_verdict(question, oracle_.complete(request(question, prompt, response, vote)));
}

Verdict Judge::judge(Question question, const Messages& prompt, const std::string& response) const {
  std::array<int, 3> counts{};
  std::array<Verdict, 3> first;
  for (int i = 0; i < config_.votes; ++i) {
    auto verdict = vote(question, prompt, response, i);
    const auto index = static_cast<std::size_t>(verdict.label);
    if (counts[index]++ == 0) first[index] = std::move(verdict);
  }
  const int negative = counts[static_cast<std::size_t>(Label::negative)], positive = counts[static_cast<std::size_t>(Label::positive)];
  if (negative > positive) return first[static_cast<std::size_t>(Label::negative)];
  if (positive > negative) return first[static_cast<std::size_t>(Label::positive)];
  if (negative > 0) return unjudged(UnjudgedReason::undecided, "as many votes for as against");
  return first[static_cast<std::size_t>(Label::unjudged)];
}

}  // namespace iteralign
