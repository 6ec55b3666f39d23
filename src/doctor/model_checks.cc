#include "doctor/model_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/answer_all.h"

namespace iteralign {
namespace {

constexpr int kMaxNewTokens = 64;

std::vector<GenerateRequest> prompts() {
  std::vector<GenerateRequest> requests;
  for (const char* text : {"What is the capital of France?", "Say hello in one short sentence.", "How many days does a week have?"}) {
    GenerateRequest request;
    request.messages = {{"user", text}};
    request.sampling.max_new_tokens = kMaxNewTokens;
    requests.push_back(request);
  }
  return requests;
}

std::vector<ScoreRequest> texts() {
  return {{"The capital of France is", {" Paris, a city on the river Seine."}},
          {"Question: How many days does a week have?\nAnswer:", {" A week has seven days, from Monday to Sunday."}},
          {"Water boils at", {" one hundred degrees, and freezes at zero."}}};
}

// Of log-likelihoods, a token; infinity when the texts have other tokens, and NaN counts as infinity.
double mean_difference(const Voice& a, const Voice& b) {
  constexpr double kApart = std::numeric_limits<double>::infinity();
  double sum = 0;
  std::size_t tokens = 0;
  if (a.token_loglikelihoods.size() != b.token_loglikelihoods.size()) return kApart;
  for (std::size_t text = 0; text < a.token_loglikelihoods.size(); ++text) {
    const auto &x = a.token_loglikelihoods[text], &y = b.token_loglikelihoods[text];
    if (x.size() != y.size()) return kApart;
    for (std::size_t i = 0; i < x.size(); ++i) sum += std::abs(x[i] - y[i]);
    tokens += x.size();
  }
  const double mean = tokens == 0 ? 0 : sum / static_cast<double>(tokens);
  return std::isnan(mean) ? kApart : mean;
}

std::size_t same_answers(const Voice& a, const Voice& b) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < std::min(a.answers.size(), b.answers.size()); ++i)
    if (a.answers[i].tokens == b.answers[i].tokens) ++same;
  return same;
}

}  // namespace

Voice listen(Answerer& answerer, Scorer& scorer, const std::function<bool()>& should_stop) {
  Voice voice;
  voice.answers = answer_all(answerer, prompts(), {}, should_stop);
  for (const auto& scores : scorer.score(texts(), {}, should_stop))
    for (const Score& score : scores) voice.token_loglikelihoods.push_back(score.token_loglikelihoods);
  return voice;
}

void check_generation(const Voice& voice, Findings& findings) {
  const auto ended = std::ranges::count(voice.answers, FinishReason::stop, &Generation::finish_reason);
  const auto empty = std::ranges::count_if(voice.answers, [](const Generation& answer) { return answer.text.empty(); });
  const std::string counts =
      fmt::format("{} of {} greedy answers ended with an end token within {} tokens", ended, voice.answers.size(), kMaxNewTokens);
  if (empty > 0) {
    findings.warn("generation", fmt::format("{}; {} are empty", counts, empty),
                  "look at the chat template: does a prompt end as the model learnt it?");
  } else if (ended == 0) {
    findings.warn("generation", counts + ": a base model never stops, a tuned one should",
                  "fine-tune it with the end of turn in the examples");
  } else {
    findings.ok("generation", counts);
  }
}

void compare_voices(const std::string& check, const Voice& model, const Voice& other, const std::string& what, double tolerance,
                    const std::string& mend, Findings& findings) {
  const double difference = mean_difference(model, other);
  const std::size_t same = same_answers(model, other);
  const std::string numbers =
      fmt::format("log-likelihoods differ by {:.2g} a token on average (allowed: {:.2g}), {} of {} greedy answers are the same", difference,
                  tolerance, same, model.answers.size());
  if (difference > tolerance)
    findings.fault(check, what + " does not say the same as the model: " + numbers, mend);
  else
    findings.ok(check, what + " says the same as the model: " + numbers);
}

}  // namespace iteralign
