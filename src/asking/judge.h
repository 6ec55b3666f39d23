#pragma once
// judge: the oracle's verdict on a response. The judge sees prompt and response, fenced as data.
// Safe from many threads.

#include <map>
#include <string>
#include <vector>

#include "asking/judge_prompt.h"
#include "asking/prompt_texts.h"
#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "iteralign/records.h"

namespace iteralign {

class Judge {
 public:
  // Error usage for a broken text of a judge. A guard is asked through the same oracle (OracleRequest::to_guard).
  Judge(Oracle& oracle, const PromptTexts& texts, const JudgeConfig& config);

  // Of a response that begins with a thought (core/thought.h) what is behind it is judged; one that was cut within its thought is unjudged
  // (truncated). An empty response is unjudged (degenerate) and costs nothing. A reply that is refused, filtered, cut, failed or unparsable
  // is unjudged with that reason. With several votes more than half of those asked must have judged, and the majority of these counts; a
  // tie is unjudged (undecided), too few are unjudged with the reason that is most frequent. Throws what Oracle::complete throws.
  [[nodiscard]] Verdict judge(Question question, const Messages& prompt, const std::string& response) const;

  // One vote; 0, 1, ... are different ones. An empty response is unjudged (degenerate) here too.
  [[nodiscard]] Verdict vote(Question question, const Messages& prompt, const std::string& response, int vote) const;

  // The request behind one vote; for plans and tests.
  [[nodiscard]] OracleRequest request(Question question, const Messages& prompt, const std::string& response, int vote) const;

  // All that it can be asked.
  [[nodiscard]] const std::vector<JudgePrompt>& prompts() const { return prompts_; }

 private:
  Oracle& oracle_;
  const PromptTexts& texts_;
  const std::vector<JudgePrompt> prompts_;
  const JudgeConfig& config_;
};

// The verdict that a reply to this question stands for.
Verdict parse_verdict(const JudgePrompt& asked, const OracleReply& reply);

// What was not judged, and why.
struct Unjudged {
  int count = 0, of = 0;
  std::map<std::string, int> reasons{};  // how many for which
  UnjudgedReason most = UnjudgedReason::none;
  std::string example{};  // the first of the most frequent reason, in the oracle's words
  [[nodiscard]] bool most_of_all() const { return 2 * count > of; }
};
Unjudged count_unjudged(const std::vector<Verdict>& verdicts);

// Warns where most of `what` ("answers (heldout)") could not be judged: a rate of the rest says little.
void warn_if_unjudged(const std::string& what, const Unjudged& unjudged);

}  // namespace iteralign
