// What a comparison looks like: for a terminal, and as JSON.

#include <fmt/format.h>

#include <algorithm>

#include "core/strings.h"
#include "report/comparison.h"
#include "report/judge_words.h"
#include "report/terminal_table.h"

namespace iteralign {
namespace {

std::string short_line(const std::string& text) {
  std::string line = shorten(text, 100);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string direction(const TaskComparison& c) { return !c.higher_is_better ? "" : *c.higher_is_better ? " ↑" : " ↓"; }

std::string difference_cell(const TaskComparison& c) {
  return fmt::format("{:+.4f} {}", c.difference, c.interval ? fmt::format("[{:+.4f}, {:+.4f}]", c.interval->low, c.interval->high) : "[-]");
}

// Of both sides; where they differ a note says so.
std::string judge_lines(const EvaluatedSet& before, const EvaluatedSet& after) {
  std::vector<std::string> judges;
  for (const EvaluatedSet* set : {&before, &after})
    for (const EvaluatedTask& task : set->tasks)
      if (!task.judge.empty() && std::ranges::find(judges, task.judge) == judges.end()) judges.push_back(task.judge);
  std::string lines;
  for (const std::string& judge : judges) lines += "Judged by " + judge_words(judge) + ".\n";
  return lines;
}

Json interval_json(const TaskComparison& c) { return c.interval ? Json{c.interval->low, c.interval->high} : Json(); }

}  // namespace

std::string comparison_table(const EvaluatedSet& before, const EvaluatedSet& after, const Comparison& comparison, std::size_t flips) {
  std::vector<std::vector<std::string>> rows;
  for (const TaskComparison& c : comparison.tasks)
    rows.push_back({fmt::format("{} ({}{})", c.task, c.metric, direction(c)), fmt::format("{}", c.n), fmt::format("{:.4f}", c.before),
                    fmt::format("{:.4f}", c.after), difference_cell(c), fmt::format("{} / {}", c.changes.won, c.changes.lost),
                    fmt::format("{:.3g}", c.p_value), fmt::format("{:.3g}", c.p_holm),
                    c.smallest_effect ? fmt::format("{:.4f}", *c.smallest_effect) : "-"});
  std::string text = fmt::format("{}  ->  {}\n", before.name, after.name);
  text += format_table(
      {"task", "n", "before", "after", "difference", "up / down", "p", "p (Holm)", "smallest"},
      {Align::left, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right}, rows);
  text +=
      "Paired: n items of both; 95 % intervals and p-values are exact where items are 0 or 1 (McNemar's test) or at most sixteen (signs\n"
      "turned), else the paired bootstrap's; Holm corrects for the rows of this table; smallest: the difference that so many items find "
      "in\n"
      "four of five cases; -: so few or so equal items do not tell.\n";
  text += judge_lines(before, after);
  for (const std::string& note : comparison.notes) text += "note: " + note + "\n";
  for (const TaskComparison& c : comparison.tasks) {
    if (flips == 0 || c.flips.empty()) continue;
    text += fmt::format("\n{}: {} items changed\n", c.task, c.flips.size());
    for (std::size_t i = 0; i < std::min(flips, c.flips.size()); ++i)
      text += fmt::format("  {:.3g} -> {:.3g}  {}\n", c.flips[i].before, c.flips[i].after, short_line(c.flips[i].text));
  }
  return text;
}

Json comparison_json(const EvaluatedSet& before, const EvaluatedSet& after, const Comparison& comparison) {
  Json tasks = Json::array();
  for (const TaskComparison& c : comparison.tasks) {
    Json flips = Json::array();
    for (const Flip& flip : c.flips) flips.push_back({{"text", flip.text}, {"before", flip.before}, {"after", flip.after}});
    tasks.push_back({{"task", c.task},
                     {"metric", c.metric},
                     {"higher_is_better", c.higher_is_better ? Json(*c.higher_is_better) : Json()},
                     {"n", c.n},
                     {"before", c.before},
                     {"after", c.after},
                     {"difference", c.difference},
                     {"ci95", interval_json(c)},
                     {"test", c.test},
                     {"up", c.changes.won},
                     {"down", c.changes.lost},
                     {"p", c.p_value},
                     {"p_holm", c.p_holm},
                     {"smallest_effect", c.smallest_effect ? Json(*c.smallest_effect) : Json()},
                     {"flips", std::move(flips)}});
  }
  return {{"before", before.name}, {"after", after.name}, {"tasks", std::move(tasks)}, {"notes", comparison.notes}};
}

}  // namespace iteralign
