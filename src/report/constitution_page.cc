#include "report/constitution_page.h"

#include <fmt/format.h>

#include <map>

#include "core/json.h"
#include "core/strings.h"

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

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    if (std::string_view("\\`*_{}[]<>()#+!|~&").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string prompt_line(const Prompt& prompt, std::size_t bytes) {
  return prompt.messages.empty() ? "" : shorten(one_line(prompt.messages.back().content), bytes);
}

std::string constitution_markdown(const Constitution& constitution, const std::vector<Prompt>& prompts) {
  auto lines = lines_by_id(prompts);
  std::string page = "# Constitution\n\n";
  page += fmt::format("Version {}, {} {}. Each was proposed by the oracle from the failures listed under it.\n", constitution.version,
                      constitution.principles.size(), constitution.principles.size() == 1 ? "principle" : "principles");
  for (const auto& principle : constitution.principles) {
    page += fmt::format("\n## {}\n\n{}\n\nFrom iteration {}", principle.id, markdown_text(principle.text), principle.iteration);
    page += principle.area.empty() ? ". Evidence:\n\n" : fmt::format(", area: {}. Evidence:\n\n", markdown_text(principle.area));
    for (const auto& id : principle.evidence) page += fmt::format("- `{}` {}\n", id, markdown_text(lines[id]));
  }
  return page;
}

std::string constitution_json(const Constitution& constitution, const std::vector<Prompt>& prompts) {
  auto lines = lines_by_id(prompts);
  Json principles = Json::array();
  for (const auto& principle : constitution.principles) {
    Json evidence = Json::array();
    for (const auto& id : principle.evidence) evidence.push_back({{"id", id}, {"prompt", lines[id]}});
    principles.push_back({{"id", principle.id},
                          {"text", principle.text},
                          {"area", principle.area},
                          {"iteration", principle.iteration},
                          {"evidence", std::move(evidence)}});
  }
  return dump_json_pretty({{"version", constitution.version}, {"principles", std::move(principles)}}) + "\n";
}

}  // namespace iteralign
