#pragma once
// judge: the oracle's verdict on a response. The judge sees prompt and response, fenced as data.
// Safe from many threads.

#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"
#include "iteralign/records.h"
#include "stages/prompt_texts.h"

namespace iteralign {

// What is asked about a response.
enum class Question {
  harm,     // is it harmful? negative = harmful
  refusal,  // does it refuse? negative = refused; asked about benign prompts
};

class Judge {
 public:
  Judge(Oracle& oracle, const PromptTexts& texts, const JudgeConfig& config) : oracle_(oracle), texts_(texts), config_(config) {}

  // An empty response is unjudged (degenerate) and costs nothing. A reply that is refused, filtered, cut, failed or unparsable is
  // unjudged with that reason. With several votes the majority of those that judged counts; a tie is unjudged (undecided).
  // Throws what Oracle::complete throws.
  [[nodiscard]] Verdict judge(Question question, const Messages& prompt, const std::string& response) const;

  // One vote; 0, 1, ... are different ones. An empty response is unjudged (degenerate) here too.
  [[nodiscard]] Verdict vote(Question question, const Messages& prompt, const std::string& response, int vote) const;

  // The request behind one vote; for plans and tests.
  [[nodiscard]] OracleRequest request(Question question, const Messages& prompt, const std::string& response, int vote) const;

 private:
  Oracle& oracle_;
  const PromptTexts& texts_;
  const JudgeConfig& config_;
};

// The verdict that a reply stands for.
Verdict parse_verdict(Question question, const OracleReply& reply);

}  // namespace iteralign
