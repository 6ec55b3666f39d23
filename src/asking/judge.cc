#include "asking/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "asking/fence.h"
#include "core/log.h"
#include "core/strings.h"
#include "core/thought.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// A dialogue as one text: the judge sees every turn.
std::string dialogue_text(const Messages& prompt) {
  if (prompt.size() == 1) return prompt.front().content;
  std::vector<std::string> turns;
  for (const auto& message : prompt) turns.push_back(message.role + ": " + message.content);
  return join(turns, "\n\n");
}

Verdict unjudged(UnjudgedReason reason, std::string rationale) { return {Label::unjudged, reason, std::move(rationale)}; }

// By the probabilities of the words, where the oracle knows them.
Verdict weighed_verdict(const JudgePrompt& asked, const OracleReply& reply) {
  std::map<Label, double> likely, likeliest;
  std::map<Label, Conduct> conduct;  // of the likeliest word with the label
  for (std::size_t i = 0; i < asked.choices.size(); ++i) {
    const Meaning meaning = asked.words.words.at(to_lower(asked.choices[i]));
    const double probability = reply.choice_probabilities[i];
    likely[meaning.label] += probability;
    if (probability <= likeliest[meaning.label]) continue;
    likeliest[meaning.label] = probability;
    conduct[meaning.label] = meaning.conduct;
  }
  const double judged = likely[Label::negative] + likely[Label::positive];
  if (likely[Label::unjudged] > judged)
    return unjudged(UnjudgedReason::degenerate, fmt::format("unjudgeable with probability {:.3f}", likely[Label::unjudged]));
  const double negative = likely[Label::negative] / judged;
  const Label label = negative >= asked.threshold ? Label::negative : Label::positive;
  return {label, UnjudgedReason::none, fmt::format("negative with probability {:.3f}", negative), conduct[label], negative};
}

// The same for every vote: what is weighed has no chance in it.
OracleRequest guard_request(const JudgePrompt& asked, const Messages& prompt, const std::string& response) {
  OracleRequest request;
  request.messages = prompt;
  request.messages.push_back({"assistant", response});
  request.choices = asked.choices;
  request.to_guard = true;
  return request;
}

// All judges; a guard stands for that of harm.
std::vector<JudgePrompt> judges_of(const PromptTexts& texts, const JudgeConfig& config) {
  std::vector<JudgePrompt> prompts = read_judge_prompts(texts);
  if (config.guard.empty()) return prompts;
  if (!config.see_prompt) throw Error(ErrorKind::usage, "cannot be false: a guard is shown prompt and answer", "judge.see_prompt");
  *std::ranges::find(prompts, Question::harm.name, &JudgePrompt::name) = read_guard_prompt(texts, config.guard);
  return prompts;
}

}  // namespace

Judge::Judge(Oracle& oracle, const PromptTexts& texts, const JudgeConfig& config)
    : oracle_(oracle), texts_(texts), prompts_(judges_of(texts, config)), config_(config) {}

Verdict parse_verdict(const JudgePrompt& asked, const OracleReply& reply) {
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
  if (!reply.choice_probabilities.empty() && reply.choice_probabilities.size() == asked.choices.size())
    return weighed_verdict(asked, reply);
  const SaidWord said = read_word(asked.words, reply.text);
  if (const auto known = asked.words.words.find(said.word); known != asked.words.words.end()) {
    const auto [label, conduct] = known->second;
    return {label, label == Label::unjudged ? UnjudgedReason::degenerate : UnjudgedReason::none, said.explanation, conduct,
            said.negative_probability};
  }
  const std::string text(trim(reply.text));
  return unjudged(UnjudgedReason::unparsable, "the reply " + said.fault + (text.empty() ? "" : ": " + shorten(text, 400)));
}

OracleRequest Judge::request(Question question, const Messages& prompt, const std::string& response, int vote) const {
  const JudgePrompt& asked = judge_prompt(question, prompts_);
  if (!asked.guard_template.empty()) return guard_request(asked, prompt, response);
  const std::string prompt_text = dialogue_text(prompt);
  const std::string nonce = fence_nonce({prompt_text, response});
  const std::string prompt_block = config_.see_prompt || !asked.prompt_optional ? fence("PROMPT", nonce, prompt_text) : "";
  OracleRequest request;
  request.messages = {{"system", asked.system},
                      {"user", texts_.fill(asked.user, {{"prompt", prompt_block}, {"response", fence("RESPONSE", nonce, response)}})}};
  request.schema_name = asked.schema_name;
  request.schema = asked.schema;
  request.opening = asked.opening.value_or("");
  request.choices = asked.choices;
  request.repeat = vote;
  // Equal votes at temperature 0 would be one vote.
  request.temperature = vote == 0 ? 0.0 : 0.7;
  return request;
}

Verdict Judge::vote(Question question, const Messages& prompt, const std::string& response, int vote) const {
  const AnswerParts parts = split_thought(response);
  if (parts.cut) return unjudged(UnjudgedReason::truncated, "the response was cut within its thought");
  if (trim(parts.answer).empty()) return unjudged(UnjudgedReason::degenerate, "the response is empty");
  const JudgePrompt& asked = judge_prompt(question, prompts_);
  OracleRequest made = request(question, prompt, std::string(parts.answer), vote);
  Verdict verdict = parse_verdict(asked, oracle_.complete(made));
  if (verdict.reason != UnjudgedReason::unparsable) return verdict;
  made.again = true;
  return parse_verdict(asked, oracle_.complete(made));
}

Verdict Judge::judge(Question question, const Messages& prompt, const std::string& response) const {
  std::vector<Verdict> votes;
  for (int i = 0; i < config_.votes; ++i) votes.push_back(vote(question, prompt, response, i));
  const auto first = [&](Label label) { return *std::ranges::find(votes, label, &Verdict::label); };
  const auto count = [&](Label label) { return std::ranges::count(votes, label, &Verdict::label); };
  const auto negative = count(Label::negative), positive = count(Label::positive), judged = negative + positive;
  if (2 * judged <= config_.votes) {
    const Unjudged unread = count_unjudged(votes);
    if (judged == 0) return unjudged(unread.most, unread.example);
    return unjudged(unread.most,
                    fmt::format("{} of {} votes judged, which is no majority; of the others: {}", judged, config_.votes, unread.example));
  }
  if (negative == positive) return unjudged(UnjudgedReason::undecided, "as many votes for as against");
  return first(negative > positive ? Label::negative : Label::positive);
}

Unjudged count_unjudged(const std::vector<Verdict>& verdicts) {
  Unjudged found{.of = static_cast<int>(verdicts.size())};
  for (const Verdict& verdict : verdicts)
    if (verdict.label == Label::unjudged) {
      ++found.count;
      ++found.reasons[name(verdict.reason)];
    }
  int most = 0;
  for (const Verdict& verdict : verdicts)
    if (verdict.label == Label::unjudged && found.reasons[name(verdict.reason)] > most) {
      most = found.reasons[name(verdict.reason)];
      found.most = verdict.reason;
      found.example = verdict.rationale;
    }
  return found;
}

void warn_if_unjudged(const std::string& what, const Unjudged& unjudged) {
  if (!unjudged.most_of_all()) return;
  log_warning("{} of {} {} could not be judged, {} of them {}: {}", unjudged.count, unjudged.of, what,
              unjudged.reasons.at(name(unjudged.most)), name(unjudged.most),
              shorten(unjudged.example.empty() ? "the oracle gave no reason" : unjudged.example, 200));
}

}  // namespace iteralign
