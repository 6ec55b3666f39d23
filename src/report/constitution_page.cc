#include "report/constitution_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/json.h"
#include "core/strings.h"
#include "core/terminal_text.h"

namespace iteralign {
namespace {

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!space)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  return std::string(trim(line));
}

std::map<std::string, std::string> lines_by_id(const std::vector<Prompt>& prompts) {
  std::map<std::string, std::string> lines;
  for (const auto& prompt : prompts) lines[prompt.id] = prompt_line(prompt);
  return lines;
}

bool is_rejected(const PrincipleEffect& effect) { return !effect.rejected.empty(); }

const PrincipleEffect* find_effect(const std::vector<PrincipleEffect>& effects, const Principle& principle) {
  const auto found = std::ranges::find_if(effects, [&](const PrincipleEffect& e) { return e.text == principle.text && !is_rejected(e); });
  return found == effects.end() ? nullptr : &*found;
}

std::string effect_line(const PrincipleEffect& e) {
  return fmt::format("it prevents {} of {} other negative cases and {} of {} of its own, and makes {} of {} benign prompts refused",
                     e.others_removed, e.others, e.own_removed, e.own, e.refusals_added, e.benign);
}

Json effect_json(const PrincipleEffect& e) {
  return {{"others", e.others}, {"others_removed", e.others_removed}, {"own", e.own}, {"own_removed", e.own_removed},
          {"benign", e.benign}, {"refusals_added", e.refusals_added}};
}

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char c : one_line(terminal_text(text))) {  // the page is read with cat, too
    if (std::string_view("\\`*_{}[]<>()#+!|~&").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string prompt_line(const Prompt& prompt, std::size_t bytes) {
  return prompt.messages.empty() ? "" : shorten(one_line(prompt.messages.back().content), bytes);
}

std::string constitution_markdown(const Constitution& constitution, const std::vector<Prompt>& prompts,
                                  const std::vector<PrincipleEffect>& effects) {
  auto lines = lines_by_id(prompts);
  std::string page = "# Constitution\n\n";
  page += fmt::format("Version {}, {} {}. Each was proposed by the oracle from the failures listed under it.\n", constitution.version,
                      constitution.principles.size(), constitution.principles.size() == 1 ? "principle" : "principles");
  for (const auto& principle : constitution.principles) {
    page += fmt::format("\n## {}\n\n{}\n\nFrom iteration {}", principle.id, markdown_text(principle.text), principle.iteration);
    page += principle.area.empty() ? "." : fmt::format(", area: {}.", markdown_text(principle.area));
    if (const auto* effect = find_effect(effects, principle)) page += fmt::format(" In context {}.", effect_line(*effect));
    page += " Evidence:\n\n";
    for (const auto& id : principle.evidence) page += fmt::format("- `{}` {}\n", id, markdown_text(lines[id]));
  }
  if (std::ranges::any_of(effects, is_rejected)) page += "\n## Rejected\n\nThese were proposed too, and did not work in context.\n\n";
  for (const PrincipleEffect& effect : effects)
    if (is_rejected(effect)) page += fmt::format("- {} ({}): {}.\n", markdown_text(effect.text), effect.rejected, effect_line(effect));
  return page;
}

std::string constitution_json(const Constitution& constitution, const std::vector<Prompt>& prompts,
                              const std::vector<PrincipleEffect>& effects) {
  auto lines = lines_by_id(prompts);
  Json principles = Json::array(), rejected = Json::array();
  for (const auto& principle : constitution.principles) {
    Json evidence = Json::array();
    for (const auto& id : principle.evidence) evidence.push_back({{"id", id}, {"prompt", lines[id]}});
    const auto* effect = find_effect(effects, principle);
    principles.push_back({{"id", principle.id},
                          {"text", principle.text},
                          {"area", principle.area},
                          {"iteration", principle.iteration},
                          {"evidence", std::move(evidence)},
                          {"effect", effect == nullptr ? Json() : effect_json(*effect)}});
  }
  for (const PrincipleEffect& effect : effects)
    if (is_rejected(effect)) rejected.push_back({{"text", effect.text}, {"reason", effect.rejected}, {"effect", effect_json(effect)}});
  return dump_json_pretty({{"version", constitution.version}, {"principles", std::move(principles)}, {"rejected", std::move(rejected)}}) +
         "\n";
}

}  // namespace iteralign
