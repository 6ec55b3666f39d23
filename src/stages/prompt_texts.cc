#include "stages/prompt_texts.h"

#include <algorithm>

#include "core/files.h"
#include "core/strings.h"
#include "embedded_prompt.h"
#include "iteralign/error.h"

namespace iteralign {

PromptTexts::PromptTexts(std::string override_folder) : override_folder_(std::move(override_folder)) {
  if (!override_folder_.empty() && !is_directory(override_folder_))
    throw Error(ErrorKind::usage, "no such folder: " + override_folder_, "prompts_dir");
}

std::string PromptTexts::get(const std::string& name) const {
  const std::string file = name + ".txt";
  if (!override_folder_.empty() && exists(join_path(override_folder_, file))) return read_file(join_path(override_folder_, file));
  const auto paths = embedded_prompt_list();
  if (std::find(paths.begin(), paths.end(), file) == paths.end()) {
    std::vector<std::string> known;
    for (const auto path : paths) known.emplace_back(path.substr(0, path.size() - 4));
    throw Error(ErrorKind::usage, "there is no prompt text '" + name + "'", {}, "known texts: " + join(known, ", "));
  }
  return std::string(embedded_prompt(file));
}

std::string PromptTexts::fill(const std::string& name, const std::vector<std::pair<std::string, std::string>>& values) const {
  const std::string text = get(name);
  std::string filled;
  std::size_t at = 0;
  for (;;) {
    const auto open = text.find("{{", at);
    const auto close = open == std::string::npos ? open : text.find("}}", open);
    if (close == std::string::npos) return filled + text.substr(at);
    const std::string key = text.substr(open + 2, close - open - 2);
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& pair) { return pair.first == key; });
    if (value == values.end()) {
      std::vector<std::string> keys;
      for (const auto& pair : values) keys.push_back(pair.first);
      throw Error(ErrorKind::usage, "has the unknown place {{" + key + "}}", "prompt text '" + name + "'",
                  "known places: " + join(keys, ", "));
    }
    filled += text.substr(at, open - at) + value->second;
    at = close + 2;
  }
}

Scaffold PromptTexts::scaffold(const std::string& name) const {
  const std::string text = get("scaffolds/" + name);
  const std::string where = "scaffold '" + name + "'";
  Scaffold scaffold{name, {}, {}};
  for (const auto line : split_lines(text)) {
    if (line.starts_with("leaks:") && scaffold.turns.empty()) {
      for (const auto& word : split(line.substr(6), ',')) scaffold.leaks.push_back(to_lower(trim(word)));
    } else if (line == "[user]" || line == "[assistant]") {
      scaffold.turns.push_back({std::string(line.substr(1, line.size() - 2)), ""});
    } else if (!scaffold.turns.empty()) {
      auto& content = scaffold.turns.back().content;
      content += (content.empty() ? "" : "\n") + std::string(line);
    } else if (!trim(line).empty()) {
      throw Error(ErrorKind::usage, "text before the first [user]", where, "begin with 'leaks:' or [user]");
    }
  }
  for (auto& turn : scaffold.turns) turn.content = trim(turn.content);
  for (std::size_t i = 0; i < scaffold.turns.size(); ++i)
    if (scaffold.turns[i].role != (i % 2 == 0 ? "user" : "assistant"))
      throw Error(ErrorKind::usage, "[user] and [assistant] do not take turns", where);
  if (scaffold.turns.size() % 2 != 0 || scaffold.turns.empty()) throw Error(ErrorKind::usage, "must end with an [assistant] turn", where);
  return scaffold;
}

}  // namespace iteralign
