#include "stages/stage.h"

#include <map>

namespace iteralign {

std::vector<Case> cases(RunStore& store, WeightsId weights, PromptSet set) { return cases(store, weights, set, store.prompts(set)); }

std::vector<Case> cases(RunStore& store, WeightsId weights, PromptSet set, const std::vector<Prompt>& prompts) {
  std::map<std::string, Response> responses;
  for (auto& response : store.responses(weights, set)) responses[response.prompt_id] = std::move(response);
  const auto verdicts = store.verdicts(weights, set);
  std::vector<Case> found;
  for (const Prompt& prompt : prompts) {
    const auto response = responses.find(prompt.id);
    const auto verdict = verdicts.find(prompt.id);
    if (response != responses.end() && verdict != verdicts.end()) found.push_back({prompt, response->second, verdict->second});
  }
  return found;
}

std::vector<Case> negative_cases(RunStore& store, int iteration) {
  std::vector<Case> found = cases(store, iteration, PromptSet::red_team);
  std::erase_if(found, [](const Case& item) { return item.verdict.label != Label::negative; });
  return found;
}

std::size_t prompts_drawn(const RedTeamConfig& config, std::size_t prompts, int iterations) {
  if (iterations <= 0) return 0;
  const auto first = std::min(prompts, static_cast<std::size_t>(config.per_iteration));
  const auto later = config.per_later_iteration == 0 ? first : std::min(prompts, static_cast<std::size_t>(config.per_later_iteration));
  return first + static_cast<std::size_t>(iterations - 1) * later;
}

std::vector<Prompt> iteration_prompts(const Stage& stage, int iteration) {
  const auto all = stage.store.prompts(PromptSet::red_team);
  const std::size_t end = prompts_drawn(stage.config.red_team, all.size(), iteration);
  std::vector<Prompt> batch;
  for (std::size_t i = prompts_drawn(stage.config.red_team, all.size(), iteration - 1); i < end; ++i) batch.push_back(all[i % all.size()]);
  return batch;
}

}  // namespace iteralign
