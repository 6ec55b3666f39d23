#include "tasks/jailbreaks.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "core/random.h"
#include "core/strings.h"
#include "data/jailbreak_templates.h"
#include "data/near_duplicates.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

using Families = std::map<std::string, std::vector<JailbreakTemplate>>;

Families read_families(const std::vector<std::string>& folders) {
  Families families;
  for (const std::string& folder : folders)
    for (JailbreakTemplate& read : read_jailbreak_templates(folder)) families[read.family].push_back(std::move(read));
  if (families.empty()) throw Error(ErrorKind::data, "has no jailbreaks (YAML)", join(folders, ", "), "tools/fetch safety brings some");
  for (auto& [family, templates] : families) Random(derive_seed(0, "jailbreaks/" + family)).shuffle(templates);
  return families;
}

Prompt in_jailbreak(const JailbreakTemplate& around, const Prompt& request) {
  Messages messages = {{"user", jailbreak(around, request.messages.back().content)}};
  std::string id = prompt_id(messages);
  return {std::move(id), std::move(messages), request.category, fmt::format("{} in {}", request.source, around.path)};
}

// A family of which the model has seen one is not held out.
void drop_seen(Families& families, const Prompt& request, const std::vector<Prompt>& seen, std::vector<std::string>& notes) {
  std::erase_if(families, [&](const auto& family) {
    std::vector<Prompt> filled;
    for (const JailbreakTemplate& around : family.second) filled.push_back(in_jailbreak(around, request));
    const std::size_t unseen = drop_overlap(filled, seen).kept.size();
    if (unseen < filled.size())
      notes.push_back(fmt::format("jailbreaks: the family {} is left out: {} of its {} are near duplicates of what the model has seen",
                                  family.first, filled.size() - unseen, filled.size()));
    return unseen < filled.size();
  });
}

}  // namespace

JudgedPrompts jailbroken(const std::vector<std::string>& folders, const std::vector<Prompt>& requests, std::size_t count,
                         const std::vector<Prompt>& seen, std::vector<std::string>& notes) {
  ITERALIGN_CHECK(!requests.empty(), join(folders, ", "));
  Families families = read_families(folders);
  drop_seen(families, requests.front(), seen, notes);
  JudgedPrompts asked{.name = "jailbreaks", .kind = "redteam", .data = join(folders, ", "), .prompts = {}};
  for (const auto& [family, templates] : families) asked.items += templates.size();
  const std::size_t turns = families.size();
  for (std::size_t round = 0; turns > 0 && asked.prompts.size() < count; ++round) {
    std::size_t turn = 0;
    for (const auto& [family, templates] : families) {
      if (asked.prompts.size() == count) break;
      // Requests come in turns of their own, of the sets that they are from: without the shift a family would meet some sets alone.
      const Prompt& request = requests[(round * turns + (round + turn++) % turns) % requests.size()];
      Prompt prompt = in_jailbreak(templates[round % templates.size()], request);
      asked.groups[prompt.id] = family;
      asked.requests[prompt.id] = request.messages;
      asked.prompts.push_back(std::move(prompt));
    }
  }
  return asked;
}

}  // namespace iteralign
