#include "report/before_after.h"

#include <fmt/format.h>

#include <algorithm>

#include "iteralign/error.h"
#include "report/judge_words.h"
#include "report/terminal_table.h"

namespace iteralign {
namespace {

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }
Json interval(const std::optional<Interval>& found) { return found ? Json{found->low, found->high} : Json(); }

Json side_json(const Measure& measure) {
  return {{"value", number(measure.value)}, {"ci95", interval(measure.interval)}, {"n", measure.n}, {"unjudged", measure.unjudged}};
}

// A group is compared where it counts the other way than its task.
const TaskComparison* find(const Comparison& comparison, const TaskResult& task, const Measure& measure) {
  const std::string name = task.task + (measure.group.empty() ? "" : "_" + measure.group);
  const auto found =
      std::ranges::find_if(comparison.tasks, [&](const TaskComparison& c) { return c.task == name && c.metric == measure.metric; });
  return found == comparison.tasks.end() ? nullptr : &*found;
}

Json row_json(const TaskResult& task, const Measure& before, const Measure& after, const TaskComparison* compared) {
  return {{"task", task.task},
          {"group", before.group},
          {"metric", before.metric},
          {"description", task.description},
          {"higher_is_better", before.higher_is_better},
          {"before", side_json(before)},
          {"after", side_json(after)},
          {"n", compared ? Json(compared->n) : Json()},
          {"difference", compared ? Json(compared->difference) : Json()},
          {"ci95", compared ? interval(compared->interval) : Json()},
          {"p", compared ? Json(compared->p_value) : Json()},
          {"p_holm", compared ? Json(compared->p_holm) : Json()}};
}

std::string interval_text(const Json& ci95, const char* form) {
  return ci95.is_null() ? "[-]" : fmt::format(fmt::runtime(form), ci95[0].get<double>(), ci95[1].get<double>());
}

std::string side_cell(const Json& side) {
  if (side["value"].is_null()) return "-";
  const int unjudged = side["unjudged"];
  return fmt::format("{:.3f} {}{}", side["value"].get<double>(), interval_text(side["ci95"], "[{:.3f}, {:.3f}]"),
                     unjudged == 0 ? "" : fmt::format(", {} unjudged", unjudged));
}

std::string number_cell(const Json& value) { return value.is_null() ? "" : fmt::format("{:.3g}", value.get<double>()); }

std::vector<std::string> row_cells(const Json& row) {
  const std::string group = row["group"];
  const bool compared = !row["difference"].is_null();
  return {group.empty() ? row["task"].get<std::string>() : "  " + group,
          row["metric"].get<std::string>() + (row["higher_is_better"].get<bool>() ? " ↑" : " ↓"),
          side_cell(row["before"]),
          side_cell(row["after"]),
          !compared ? "" : fmt::format("{:+.3f} {}", row["difference"].get<double>(), interval_text(row["ci95"], "[{:+.3f}, {:+.3f}]")),
          number_cell(row["p"]),
          number_cell(row["p_holm"]),
          compared ? row["n"].dump() : fmt::format("{}", row["after"]["n"].get<int>())};
}

}  // namespace

Json before_after_json(const BeforeAfter& both) {
  ITERALIGN_CHECK(both.before.size() == both.after.size(), both.suite);
  Json rows = Json::array();
  std::string judge;
  for (std::size_t i = 0; i < both.before.size(); ++i) {
    const TaskResult &before = both.before[i], &after = both.after[i];
    if (!before.judge.empty()) judge = judge_words(before.judge);
    for (const Measure& measure : before.measures) {
      const auto other = std::ranges::find(after.measures, measure.group, &Measure::group);
      if (other != after.measures.end()) rows.push_back(row_json(before, measure, *other, find(both.comparison, before, measure)));
    }
  }
  Json notes = both.notes;
  for (const std::string& note : both.comparison.notes) notes.push_back(note);
  return {{"suite", both.suite}, {"iteration", both.iteration}, {"judge", judge}, {"rows", std::move(rows)}, {"notes", std::move(notes)}};
}

std::string before_after_table(const Json& both) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& row : both["rows"]) rows.push_back(row_cells(row));
  std::string text = fmt::format("{}: base model  ->  iteration {}\n", both["suite"].get<std::string>(), both["iteration"].get<int>());
  text +=
      format_table({"task", "metric", "before", "after", "difference", "p", "p (Holm)", "n"},
                   {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right}, rows);
  text +=
      "Paired, n items of both: 95 % intervals and p-values as `iteralign compare` has them; Holm corrects for the rows that have one. "
      "Before and after: Wilson's intervals of rates, the bootstrap's of others.\n";
  text += "Judged by " + both["judge"].get<std::string>() + ".\n";
  for (const Json& note : both["notes"]) text += "note: " + note.get<std::string>() + "\n";
  return text;
}

}  // namespace iteralign
