#include "report/task_table.h"

#include <fmt/format.h>

#include "report/terminal_table.h"

namespace iteralign {

std::string task_table(const std::vector<TaskResult>& results) {
  std::vector<std::vector<std::string>> rows;
  for (const TaskResult& result : results) {
    for (const Measure& measure : result.measures) {
      const std::string n =
          measure.unjudged == 0 ? fmt::format("{}", measure.n) : fmt::format("{} +{} unjudged", measure.n, measure.unjudged);
      rows.push_back({measure.group.empty() ? result.task : "  " + measure.group, measure.metric + (measure.higher_is_better ? " ↑" : " ↓"),
                      measure.n == 0 ? "-" : fmt::format("{:.4f} [{:.4f}, {:.4f}]", measure.value, measure.low, measure.high), n});
    }
  }
  std::string text = format_table({"task", "metric", "value", "n"}, {Align::left, Align::left, Align::right, Align::right}, rows);
  text += "95 % intervals: Wilson's of rates, a bootstrap's of others; not corrected for the number of tasks.\n";
  for (const TaskResult& result : results) text += fmt::format("{}: {}\n", result.task, result.description);
  return text;
}

}  // namespace iteralign
