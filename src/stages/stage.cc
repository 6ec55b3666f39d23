#include "stages/stage.h"

#include <map>

namespace iteralign {

std::vector<Case> cases(RunStore& store, int iteration, Purpose purpose) {
  return cases(store, iteration, purpose, store.prompts(purpose));
}

std::vector<Case> cases(RunStore& store, int iteration, Purpose purpose, const std::vector<Prompt>& prompts) {
  std::map<std::string, Response> responses;
  for (auto& response : store.responses(iteration, purpose)) responses[response.prompt_id] = std::move(response);
  const auto verdicts = store.verdicts(iteration, purpose);
  std::vector<Case> found;
  for (const Prompt& prompt : prompts) {
    const auto response = responses.find(prompt.id);
    const auto verdict = verdicts.find(prompt.id);
    if (response != responses.end() && verdict != verdicts.end()) found.push_back({prompt, response->second, verdict->second});
  }
  return found;
}

std::vector<Prompt> iteration_prompts(const Stage& stage, int iteration) {
  const auto all = stage.store.prompts(Purpose::red_team);
  const auto share = std::min(all.size(), static_cast<std::size_t>(stage.config.red_team.per_iteration));
  std::vector<Prompt> batch;
  for (std::size_t i = 0; i < share; ++i) batch.push_back(all[(static_cast<std::size_t>(iteration - 1) * share + i) % all.size()]);
  return batch;
}

}  // namespace iteralign
