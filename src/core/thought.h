#pragma once
// What a reasoning model says to itself before it answers: "<think>...</think>" and its kin.

#include <span>
#include <string_view>
#include <utility>

namespace iteralign {

// What begins and what ends a thought, as the templates of published models write them.
std::span<const std::pair<std::string_view, std::string_view>> thought_marks();

struct AnswerParts {
  std::string_view thought;  // with its marks and the white space around it; empty: the text has none
  std::string_view answer;   // the rest; both together are the text
  bool cut = false;          // the thought does not end: there is no answer
};
// A text that begins with a thought, or with several.
AnswerParts split_thought(std::string_view text);

// The mark that `prompt` ends with, and what stands behind it: a thought that the prompt has begun already. Empty: none.
std::string_view begun_thought(std::string_view prompt);

}  // namespace iteralign
