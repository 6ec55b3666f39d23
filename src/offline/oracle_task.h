#pragma once
// Our own prompts to the oracle, read back: what is asked, about which texts; and the answers in the form that is asked for.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "asking/judge_prompt.h"
#include "iteralign/records.h"

namespace iteralign {

enum class TaskKind { verdict, refusal, principles, twins, other };

// A prompt and its response, as the fences hold them.
struct OracleCase {
  int number = 0;  // of a task about several, from 1
  std::string prompt, response;
};

struct OracleTask {
  TaskKind kind = TaskKind::other;
  std::vector<OracleCase> cases;  // one, but for principles and twins; those of twins have no response
};

// By the name of the schema; without one by the first line of the system message ("TASK: verdict"). The texts are those fenced in
// the last user message. A task without cases is `other`.
OracleTask read_oracle_task(const Messages& messages, const std::string& schema_name);

inline constexpr Meaning kSaysNothing = {Label::unjudged};  // of an answer that nobody could judge

// The verdict in the words that this question asks for: {"reason": ..., "verdict": "negative"}, and how likely the label `negative` is
// where the oracle knows that.
std::string verdict_answer(Question question, Meaning verdict, std::string_view reason, std::optional<double> negative_probability = {});

struct ProposedPrinciple {
  std::string text, area;
  std::vector<int> cases;
};
// The principles with the most cases first.
std::string principles_answer(std::vector<ProposedPrinciple> principles);

struct HarmlessTwin {
  int of = 0;  // the case's number
  std::string prompt;
};
std::string twins_answer(const std::vector<HarmlessTwin>& twins);

// What an embedded oracle says to anything that is no task.
std::string no_task_answer();

}  // namespace iteralign
