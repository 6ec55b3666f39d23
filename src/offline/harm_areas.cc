#include "offline/harm_areas.h"

#include "core/strings.h"
#include "core/text_quality.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kPrinciple = "principle:";

std::size_t score(const HarmArea& area, const std::vector<std::string>& words) {
  std::size_t found = 0;
  for (const auto& phrase : area.phrases)
    if (phrase.find(words) != std::string::npos) found += phrase.size();
  return found;
}

}  // namespace

HarmAreas::HarmAreas(std::string_view lexicon) {
  for (const auto& line : lexicon_lines(lexicon)) {
    if (areas_.empty() || areas_.back().name != line.section) areas_.push_back({line.section, "", {}});
    HarmArea& area = areas_.back();
    if (line.text.starts_with(kPrinciple)) {
      area.principle = trim(std::string_view(line.text).substr(kPrinciple.size()));
    } else {
      for (const auto& phrase : split(line.text, ',')) area.phrases.emplace_back(phrase);
    }
  }
  ITERALIGN_CHECK(!areas_.empty() && areas_.back().phrases.empty(), "the last harm area is the one without phrases");
  for (const auto& area : areas_) ITERALIGN_CHECK(!area.principle.empty(), "no principle in harm area " + area.name);
}

const HarmArea& HarmAreas::of(std::string_view prompt) const {
  const auto words = plain_words(prompt);
  const HarmArea* best = &areas_.back();
  std::size_t best_score = 0;
  for (const auto& area : areas_) {
    const std::size_t found = score(area, words);
    if (found > best_score) {
      best_score = found;
      best = &area;
    }
  }
  return *best;
}

}  // namespace iteralign
