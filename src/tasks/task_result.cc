#include "tasks/task_result.h"

#include <algorithm>

#include "iteralign/records.h"
#include "statistics/bootstrap.h"

namespace iteralign {
namespace {

Measure measure(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better, const std::string& group) {
  Measure found{.metric = metric, .group = group, .higher_is_better = higher_is_better};
  std::vector<double> values;
  for (const TaskSample& sample : samples) {
    if (!group.empty() && sample.group != group) continue;
    if (sample.counts)
      values.push_back(sample.value);
    else
      ++found.unjudged;
  }
  found.n = static_cast<int>(values.size());
  if (std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; })) {
    const Rate rate = wilson_rate(static_cast<int>(std::ranges::count(values, 1.0)), found.n);
    found.value = rate.rate;
    found.low = rate.low;
    found.high = rate.high;
    return found;
  }
  const MeanEstimate mean = bootstrap_mean(values, kBootstrapSeed);
  found.value = mean.mean;
  found.low = mean.low;
  found.high = mean.high;
  return found;
}

}  // namespace

std::vector<Measure> summarise(const std::vector<TaskSample>& samples, const std::string& metric, bool higher_is_better) {
  std::vector<Measure> measures = {measure(samples, metric, higher_is_better, "")};
  std::vector<std::string> groups;
  for (const TaskSample& sample : samples)
    if (!sample.group.empty() && std::ranges::find(groups, sample.group) == groups.end()) groups.push_back(sample.group);
  for (const std::string& group : groups) measures.push_back(measure(samples, metric, higher_is_better, group));
  return measures;
}

}  // namespace iteralign
