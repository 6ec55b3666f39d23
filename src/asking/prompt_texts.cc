#include "asking/prompt_texts.h"

#include <algorithm>

#include "core/files.h"
#include "core/strings.h"
#include "embedded_prompt.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kPlaceOpens = "{{", kPlaceCloses = "}}";

// The names of the {{places}} of a text, in order.
std::vector<std::string> places_of(std::string_view text) {
  std::vector<std::string> places;
  for (auto open = text.find(kPlaceOpens); open != std::string::npos; open = text.find(kPlaceOpens, open)) {
    const auto close = text.find(kPlaceCloses, open);
    if (close == std::string::npos) break;
    places.emplace_back(text.substr(open + kPlaceOpens.size(), close - open - kPlaceOpens.size()));
    open = close + kPlaceCloses.size();
  }
  return places;
}

constexpr std::string_view kSmall = "small/";

}  // namespace

PromptSize prompt_size(const OracleConfig& oracle) {
  return oracle.prompts == "small" || (oracle.prompts == "auto" && oracle.base_url == "local") ? PromptSize::small : PromptSize::full;
}

int cases_shown(const OracleConfig& oracle, int at_most) { return prompt_size(oracle) == PromptSize::small ? 1 : at_most; }
int list_max_tokens(const OracleConfig& oracle) { return prompt_size(oracle) == PromptSize::small ? 128 : 2048; }

PromptTexts::PromptTexts(std::string override_folder, PromptSize size) : override_folder_(std::move(override_folder)), size_(size) {
  if (override_folder_.empty()) return;
  if (!is_directory(override_folder_)) throw Error(ErrorKind::usage, "no such folder: " + override_folder_, "prompts_dir");
  for (const std::string_view file : embedded_prompt_list()) {
    const std::string path = join_path(override_folder_, std::string(file));
    if (file.starts_with("scaffolds/") || file.starts_with("guards/") || !exists(path)) continue;  // which have no places
    const std::string_view stands_for = file.starts_with(kSmall) ? file.substr(kSmall.size()) : file;
    const std::vector<std::string> known = places_of(embedded_prompt(stands_for));
    for (const std::string& place : places_of(read_file(path)))
      if (std::ranges::find(known, place) == known.end())
        throw Error(ErrorKind::usage, "has the unknown place {{" + place + "}}", path,
                    known.empty() ? "this text has no places" : "known places: " + join(known, ", "));
  }
}

std::vector<std::string> PromptTexts::names() {
  std::vector<std::string> names;
  for (const std::string_view path : embedded_prompt_list())
    if (!path.starts_with(kSmall)) names.emplace_back(path.substr(0, path.rfind('.')));
  return names;
}

std::string PromptTexts::replacement(const std::string& name) const {
  if (override_folder_.empty()) return "";
  for (const std::string& file : {size_ == PromptSize::small ? std::string(kSmall) + name : name, name})
    if (std::string path = join_path(override_folder_, file + ".txt"); exists(path)) return path;
  return "";
}

bool PromptTexts::has(const std::string& name) const { return !replacement(name).empty() || std::ranges::count(names(), name) > 0; }

std::string PromptTexts::get(const std::string& name) const {
  if (const std::string path = replacement(name); !path.empty()) return read_file(path);
  if (!has(name)) throw Error(ErrorKind::usage, "there is no prompt text '" + name + "'", {}, "known texts: " + join(names(), ", "));
  const std::string_view small = size_ == PromptSize::small ? embedded_prompt(std::string(kSmall) + name + ".txt") : "";
  return std::string(small.empty() ? embedded_prompt(name + ".txt") : small);
}

std::string PromptTexts::fill(const std::string& name, const std::vector<std::pair<std::string, std::string>>& values) const {
  const std::string text = get(name);
  std::string filled;
  std::size_t at = 0;
  for (const std::string& place : places_of(text)) {
    const std::string marked = std::string(kPlaceOpens) + place + std::string(kPlaceCloses);
    const auto value = std::ranges::find(values, place, &std::pair<std::string, std::string>::first);
    if (value == values.end()) throw Error(ErrorKind::usage, "has the unknown place " + marked, "prompt text '" + name + "'");
    const auto begin = text.find(marked, at);
    filled += text.substr(at, begin - at) + value->second;
    at = begin + marked.size();
  }
  return filled + text.substr(at);
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
