#include "pipeline/preview.h"

#include <fmt/format.h>

#include "core/json.h"
#include "core/strings.h"

namespace iteralign {

std::vector<std::pair<std::string, std::vector<Prompt>>> preview(const RunInputs& inputs) {
  constexpr std::size_t kShown = 3;
  std::vector<std::pair<std::string, std::vector<Prompt>>> kinds;
  const auto add = [&](const char* kind, std::initializer_list<const std::vector<Prompt>*> lists) {
    std::vector<Prompt> shown;
    for (const auto* list : lists)
      for (const Prompt& prompt : *list)
        if (shown.size() < kShown) shown.push_back(prompt);
    if (!shown.empty()) kinds.emplace_back(kind, std::move(shown));
  };
  add("red-team", {&inputs.red_team, &inputs.heldout});
  add("benign", {&inputs.benign, &inputs.replay});
  add("look-alike", {&inputs.lookalike, &inputs.replay_lookalike});
  return kinds;
}

std::string preview_line(const Prompt& prompt) {
  constexpr std::size_t kBytes = 110;
  std::string text;
  for (const Message& message : prompt.messages)
    text +=
        prompt.messages.size() == 1 ? message.content : fmt::format("{}{}: {}", text.empty() ? "" : " | ", message.role, message.content);
  const std::string category = prompt.category.empty() ? "" : " [" + shorten(prompt.category, 40) + "]";
  const std::string about = dump_json(Json(shorten(prompt.source, 60) + category));
  return about.substr(1, about.size() - 2) + " " + dump_json(Json(shorten(text, kBytes)));
}

std::string long_prompts_text(const RunInputs& inputs) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> named;
  for (const LongPrompt& prompt : inputs.too_long)
    if (named.size() < kNamed) named.push_back(fmt::format("{} has {} tokens", prompt.source, prompt.tokens));
  if (inputs.too_long.size() > kNamed) named.push_back(fmt::format("{} more", inputs.too_long.size() - kNamed));
  return join(named, ", ");
}

}  // namespace iteralign
