#include "tasks/task_result.h"

#include <fmt/format.h>

#include <algorithm>

#include "iteralign/records.h"

namespace iteralign {
namespace {

Measure measure(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better, const std::string& group) {
  Measure found{.metric = metric, .group = group, .higher_is_better = higher_is_better};
  std::vector<double> values;
  for (const TaskSample& sample : samples) {
    if (!group.empty() && sample.group != group) continue;
    if (sample.unjudged.empty())
      values.push_back(sample.value);
    else
      ++found.reasons[sample.unjudged];
  }
  found.n = static_cast<int>(values.size());
  for (const auto& [reason, count] : found.reasons) found.unjudged += count;
  if (values.empty()) return found;
  if (std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; })) {
    const Rate rate = wilson_rate(static_cast<int>(std::ranges::count(values, 1.0)), found.n);
    found.value = rate.rate;
    found.interval = {rate.low, rate.high};
    return found;
  }
  const ValueEstimate mean = estimate_mean(values);
  found.value = mean.mean;
  found.interval = mean.interval;
  return found;
}

}  // namespace

std::string unjudged_warning(const Measure& measure) {
  if (measure.unjudged <= measure.n) return {};
  const auto& most = *std::ranges::max_element(measure.reasons, {}, [](const auto& reason) { return reason.second; });
  return fmt::format("{} of {} answers were not judged, most often because: {} ({})", measure.unjudged, measure.n + measure.unjudged,
                     most.first, most.second);
}

std::vector<Measure> summarise(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better) {
  std::vector<Measure> measures = {measure(samples, metric, higher_is_better, "")};
  std::vector<std::string> groups;
  for (const TaskSample& sample : samples)
    if (!sample.group.empty() && std::ranges::find(groups, sample.group) == groups.end()) groups.push_back(sample.group);
  for (const std::string& group : groups) measures.push_back(measure(samples, metric, higher_is_better, group));
  return measures;
}

}  // namespace iteralign
