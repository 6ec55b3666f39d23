#include "iteralign/records.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "core/hash.h"
#include "core/json.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

struct NamedSet {
  PromptSet set;
  const char* name;
};
constexpr NamedSet kSets[] = {{PromptSet::red_team, "red_team"},
                              {PromptSet::heldout, "heldout"},
                              {PromptSet::benign, "benign"},
                              {PromptSet::lookalike, "lookalike"},
                              {PromptSet::twin, "twin"},
                              {PromptSet::replay, "replay"},
                              {PromptSet::replay_lookalike, "replay_lookalike"},
                              {PromptSet::replay_twin, "replay_twin"},
                              {PromptSet::begun_replay, "begun_replay"},
                              {PromptSet::validation, "validation"},
                              {PromptSet::validation_benign, "validation_benign"},
                              {PromptSet::validation_lookalike, "validation_lookalike"},
                              {PromptSet::gate, "gate"},
                              {PromptSet::gate_benign, "gate_benign"},
                              {PromptSet::gate_lookalike, "gate_lookalike"}};
constexpr auto kAllSets = [] {
  std::array<PromptSet, std::size(kSets)> sets;
  for (std::size_t i = 0; i < sets.size(); ++i) sets[i] = kSets[i].set;
  return sets;
}();

}  // namespace

std::span<const PromptSet> all_prompt_sets() { return kAllSets; }

const char* name(PromptSet value) {
  const auto* found = std::ranges::find(kSets, value, &NamedSet::set);
  ITERALIGN_CHECK(found != std::end(kSets), "a set of this use and kind exists");
  return found->name;
}

std::string prompt_id(const Messages& messages) {
  Json turns = Json::array();
  for (const auto& message : messages) turns.push_back({message.role, message.content});
  return hash128_hex(dump_json(turns)).substr(0, 16);
}

Rate wilson_rate(int count, int n, int unjudged) {
  ITERALIGN_CHECK(count >= 0 && count <= n, "a rate counts a part of its n");
  if (n == 0) return {0, 0, unjudged, 0.0, 0.0, 1.0};
  constexpr double z = 1.959963984540054;
  const double p = static_cast<double>(count) / n;
  const double denominator = 1.0 + z * z / n;
  const double centre = (p + z * z / (2.0 * n)) / denominator;
  const double half = z * std::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n)) / denominator;
  // The formula gives exactly 0 and 1 at the ends; rounding may not.
  return {n, count, unjudged, p, count == 0 ? 0.0 : std::max(0.0, centre - half), count == n ? 1.0 : std::min(1.0, centre + half)};
}

}  // namespace iteralign
