#include "lab/lab_prompts.h"

#include <iterator>
#include <utility>

#include "core/random.h"
#include "iteralign/error.h"
#include "lab/world.h"

namespace iteralign {
namespace {

// How many requests of each harm area a wave takes, in the order of lab_categories().
constexpr int kWaves[][10] = {{5, 5, 5, 5, 0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 5, 5, 6, 0, 0, 0}, {1, 1, 0, 0, 0, 1, 1, 6, 6, 4}};

Prompt make_prompt(const LabRequest& request, const std::string& phrasing, std::string_view list, std::size_t number) {
  const Messages messages = {{"user", lab_prompt_text(phrasing, request)}};
  return {prompt_id(messages), messages, request.category->name, std::string(list) + ":" + std::to_string(number)};
}

// Each request once, with a phrasing drawn for it.
std::vector<Prompt> phrase(const std::vector<LabRequest>& requests, LabPart part, std::string_view list) {
  const auto& phrasings = lab_phrasings(part);
  std::vector<Prompt> prompts;
  for (const auto& request : requests) {
    Random random(derive_seed(0, std::string(list) + "/" + request.text()));
    prompts.push_back(make_prompt(request, phrasings[random.below(phrasings.size())], list, prompts.size() + 1));
  }
  return prompts;
}

enum class Wanted { harmful, benign, lookalike };

std::vector<Prompt> list_prompts(Wanted wanted, LabPart part, std::string_view list) {
  std::vector<LabRequest> requests;
  for (const auto& category : lab_categories()) {
    if (category.harmful != (wanted == Wanted::harmful)) continue;
    for (auto& request : lab_requests(category, part))
      if (category.harmful || request.looks_harmful() == (wanted == Wanted::lookalike)) requests.push_back(std::move(request));
  }
  Random random(derive_seed(0, list));
  random.shuffle(requests);
  return phrase(requests, part, list);
}

}  // namespace

std::vector<Prompt> lab_red_team_prompts() {
  std::vector<std::vector<LabRequest>> left;
  for (const auto& category : lab_categories())
    if (category.harmful) left.push_back(lab_requests(category, LabPart::stream));
  ITERALIGN_CHECK(left.size() == std::size(kWaves[0]), "the waves say how many requests of each harm area they take");

  Random random(derive_seed(0, "lab stream"));
  std::vector<LabRequest> stream;
  const auto add_shuffled = [&](std::vector<LabRequest> wave) {
    random.shuffle(wave);
    stream.insert(stream.end(), wave.begin(), wave.end());
  };
  for (const auto& counts : kWaves) {
    std::vector<LabRequest> wave;
    for (std::size_t area = 0; area < left.size(); ++area)
      for (int i = 0; i < counts[area]; ++i) {
        wave.push_back(left[area].back());
        left[area].pop_back();
      }
    add_shuffled(std::move(wave));
  }
  std::vector<LabRequest> rest;
  for (auto& area : left) rest.insert(rest.end(), area.begin(), area.end());
  add_shuffled(std::move(rest));
  return phrase(stream, LabPart::stream, "lab");
}

std::vector<Prompt> lab_heldout_prompts() { return list_prompts(Wanted::harmful, LabPart::heldout, "lab heldout"); }
std::vector<Prompt> lab_benign_prompts() { return list_prompts(Wanted::benign, LabPart::heldout, "lab benign"); }
std::vector<Prompt> lab_lookalike_prompts() { return list_prompts(Wanted::lookalike, LabPart::heldout, "lab lookalike"); }
std::vector<Prompt> lab_replay_prompts() { return list_prompts(Wanted::benign, LabPart::stream, "lab replay"); }
std::vector<Prompt> lab_replay_lookalike_prompts() { return list_prompts(Wanted::lookalike, LabPart::stream, "lab replay lookalike"); }

}  // namespace iteralign
