#include "report/task_table.h"

#include <fmt/format.h>

#include "report/judge_words.h"
#include "report/terminal_table.h"

namespace iteralign {

namespace {

std::string value_cell(const Measure& measure) {
  if (!measure.value) return "-";
  return fmt::format("{:.4f} {}", *measure.value,
                     measure.interval ? fmt::format("[{:.4f}, {:.4f}]", measure.interval->low, measure.interval->high) : "[-]");
}

// What was measured, on what, and who judged.
std::string source_line(const TaskResult& result) {
  std::string line =
      fmt::format("{}: {}; {} of {} items of {}", result.task, result.description, result.samples.size(), result.items, result.data);
  if (!result.edition.empty()) line += " (" + result.edition + ")";
  if (!result.judge.empty()) line += "; judged by " + judge_words(result.judge);
  return line + "\n";
}

}  // namespace

std::string task_table(const std::vector<TaskResult>& results, const std::vector<std::string>& notes) {
  std::vector<std::vector<std::string>> rows;
  for (const TaskResult& result : results) {
    for (const Measure& measure : result.measures) {
      const std::string n =
          measure.unjudged == 0 ? fmt::format("{}", measure.n) : fmt::format("{} +{} unjudged", measure.n, measure.unjudged);
      rows.push_back({measure.group.empty() ? result.task : "  " + measure.group, measure.metric + (measure.higher_is_better ? " ↑" : " ↓"),
                      value_cell(measure), n});
    }
  }
  std::string text = format_table({"task", "metric", "value", "n"}, {Align::left, Align::left, Align::right, Align::right}, rows);
  text +=
      "95 % intervals: Wilson's of rates; of others the bootstrap's, of up to sixteen values exact; -: so few or so equal values do not "
      "tell. "
      "Not corrected for the number of tasks.\n";
  for (const TaskResult& result : results) text += source_line(result);
  for (const TaskResult& result : results)
    if (const std::string warning = result.measures.empty() ? "" : unjudged_warning(result.measures[0]); !warning.empty())
      text += fmt::format("warning: {}: {}\n", result.task, warning);
  for (const std::string& note : notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace iteralign
