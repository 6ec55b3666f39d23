#include "report/unjudged.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/run_summary.h"

namespace iteralign {
namespace {

std::string warning(RunStore& store, int iteration, Purpose purpose, const char* what) {
  std::map<std::string, int> reasons;
  int unjudged = 0, all = 0;
  for (const auto& [id, verdict] : store.verdicts(iteration, purpose)) {
    ++all;
    if (verdict.label != Label::unjudged) continue;
    ++unjudged;
    ++reasons[name(verdict.reason)];
  }
  if (2 * unjudged <= all) return {};
  const auto& most = *std::ranges::max_element(reasons, {}, [](const auto& reason) { return reason.second; });
  return fmt::format("{}, {}: {} of {} answers were not judged, most often because: {} ({})",
                     iteration == 0 ? "base model" : fmt::format("iteration {}", iteration), what, unjudged, all, most.first, most.second);
}

}  // namespace

std::vector<std::string> unjudged_warnings(RunStore& store) {
  std::vector<std::string> warnings;
  for (int iteration = 0; iteration <= last_iteration(store); ++iteration)
    for (const auto& [purpose, what] : {std::pair(Purpose::red_team, "red team"),
                                        {Purpose::heldout, "held-out red team"},
                                        {Purpose::benign, "benign"},
                                        {Purpose::lookalike, "look-alikes"},
                                        {Purpose::twin, "twins"}})
      if (std::string line = warning(store, iteration, purpose, what); !line.empty()) warnings.push_back(std::move(line));
  return warnings;
}

}  // namespace iteralign
