#include "core/thought.h"

#include <algorithm>

#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::pair<std::string_view, std::string_view> kMarks[] = {{"<think>", "</think>"},
                                                                    {"<thinking>", "</thinking>"},
                                                                    {"<thought>", "</thought>"},
                                                                    {"<reasoning>", "</reasoning>"},
                                                                    {"<reflection>", "</reflection>"},
                                                                    {"<analysis>", "</analysis>"},
                                                                    {"<scratchpad>", "</scratchpad>"},
                                                                    {"<seed:think>", "</seed:think>"},
                                                                    {"[THINK]", "[/THINK]"},
                                                                    {"<|START_THINKING|>", "<|END_THINKING|>"},
                                                                    {"◁think▷", "◁/think▷"}};

std::size_t white_space(std::string_view text) { return std::min(text.find_first_not_of(" \t\r\n"), text.size()); }

}  // namespace

std::span<const std::pair<std::string_view, std::string_view>> thought_marks() { return kMarks; }

AnswerParts split_thought(std::string_view text) {
  std::size_t end = 0;
  for (;;) {
    const std::size_t begin = end + white_space(text.substr(end));
    const auto marks = std::ranges::find_if(kMarks, [&](const auto& pair) { return text.substr(begin).starts_with(pair.first); });
    if (marks == std::end(kMarks)) break;
    const std::size_t close = text.find(marks->second, begin);
    if (close == std::string_view::npos) return {text, {}, true};
    end = close + marks->second.size();
  }
  if (end > 0) end += white_space(text.substr(end));
  return {text.substr(0, end), text.substr(end), false};
}

std::string_view begun_thought(std::string_view prompt) {
  const std::string_view end = trim(prompt);
  for (const auto& [open, close] : kMarks)
    if (end.ends_with(open)) return prompt.substr(static_cast<std::size_t>(end.data() - prompt.data()) + end.size() - open.size());
  return {};
}

}  // namespace iteralign
