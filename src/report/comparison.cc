#include "report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "report/terminal_table.h"
#include "stages/stage.h"

namespace iteralign {
namespace {

// The first text of a document that is more than a label.
std::string text_of(const Json& doc) {
  for (const char* key : {"question", "input", "prompt", "text"})
    if (doc.contains(key) && doc[key].is_string()) return doc[key];
  return dump_json(doc);
}

EvaluatedTask read_samples(const std::string& path, const std::string& task, const Json& results) {
  EvaluatedTask found{.task = task, .metric = {}, .items = {}};
  const std::string text = read_file(path);
  for (const std::string_view line : split_lines(text)) {
    const Json sample = parse_json(line, path);
    if (!sample.contains("metrics") || !sample["metrics"].is_array() || sample["metrics"].empty() || !sample.contains("doc_hash"))
      throw Error(ErrorKind::data, "is not a samples file of lm-evaluation-harness", path, "evaluate again with --out");
    if (found.metric.empty()) found.metric = sample["metrics"][0];
    const auto value = sample.find(found.metric);
    if (value == sample.end() || !value->is_number()) continue;  // unjudged
    found.items[sample["doc_hash"]] = {text_of(sample.value("doc", Json::object())), value->get<double>()};
  }
  if (results.contains("higher_is_better") && results["higher_is_better"].contains(task))
    found.higher_is_better = results["higher_is_better"][task].value(found.metric, true);
  return found;
}

EvaluatedTask task_of(RunStore& store, int iteration, Purpose purpose, const char* task, const char* metric) {
  EvaluatedTask found{.task = task, .metric = metric, .higher_is_better = false, .items = {}};
  for (const Case& item : cases(store, iteration, purpose))
    if (item.verdict.label != Label::unjudged)
      found.items[item.prompt.id] = {item.prompt.messages.back().content, item.verdict.label == Label::negative ? 1.0 : 0.0};
  return found;
}

bool is_count(double value) { return value == 0 || value == 1; }

TaskComparison compare_tasks(const EvaluatedTask& before, const EvaluatedTask& after) {
  TaskComparison result{.task = before.task, .metric = before.metric, .higher_is_better = before.higher_is_better, .counts = true};
  std::vector<double> differences;
  for (const auto& [key, item] : before.items) {
    const auto other = after.items.find(key);
    if (other == after.items.end()) continue;
    const double a = item.value, b = other->second.value;
    differences.push_back(b - a);
    result.before += a;
    result.after += b;
    result.counts = result.counts && is_count(a) && is_count(b);
    if (a != b) result.flips.push_back({item.text, a, b});
    if (a > b) ++result.changes.lost;
    if (a < b) ++result.changes.won;
  }
  result.n = static_cast<int>(differences.size());
  if (result.n == 0) return result;
  result.before /= result.n;
  result.after /= result.n;
  result.difference = bootstrap_mean(differences, kBootstrapSeed);
  double squares = 0;
  for (const double d : differences) squares += (d - result.difference.mean) * (d - result.difference.mean) / result.n;
  result.smallest_effect = smallest_effect(std::sqrt(squares), result.n);
  result.p_value = result.counts ? mcnemar_exact(result.changes) : result.difference.p_value;
  std::ranges::stable_sort(result.flips, std::greater(), [](const Flip& flip) { return std::abs(flip.after - flip.before); });
  return result;
}

std::string one_line(const std::string& text) {
  std::string line = shorten(text, 100);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

EvaluatedSet read_evaluation(const std::string& folder) {
  std::string results_path;
  for (const std::string& path : list_files(folder)) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name.starts_with("results_") && name.ends_with(".json") &&
        (results_path.empty() || name > results_path.substr(results_path.rfind('/') + 1)))
      results_path = path;
  }
  if (results_path.empty()) throw Error(ErrorKind::data, "has no results_<time>.json", folder, "iteralign eval --out DIR writes one");
  const Json results = read_json(results_path);
  const std::size_t begin = results_path.rfind('/') + 1 + std::string_view("results_").size();
  const std::string time = results_path.substr(begin, results_path.size() - begin - std::string_view(".json").size());
  EvaluatedSet set{.name = results.value("model_name", folder), .tasks = {}};
  const Json versions = results.value("versions", Json::object());
  for (const auto& [task, version] : versions.items()) {
    const std::string samples = join_path(results_path.substr(0, results_path.rfind('/')), fmt::format("samples_{}_{}.jsonl", task, time));
    if (exists(samples)) set.tasks.push_back(read_samples(samples, task, results));
  }
  if (set.tasks.empty())
    throw Error(ErrorKind::data, "has no samples beside it", results_path, "evaluate with --out, or with --log_samples");
  return set;
}

EvaluatedSet run_evaluation(RunStore& store, int iteration, const std::string& name) {
  EvaluatedSet set{.name = name,
                   .tasks = {task_of(store, iteration, Purpose::heldout, "held-out red team", "negative"),
                             task_of(store, iteration, Purpose::benign, "benign", "refused"),
                             task_of(store, iteration, Purpose::lookalike, "look-alikes", "refused"),
                             task_of(store, iteration, Purpose::twin, "twins", "refused")}};
  // What was not measured is no comparison, and has no part in the correction for several.
  std::erase_if(set.tasks, [](const EvaluatedTask& task) { return task.items.empty(); });
  return set;
}

std::vector<TaskComparison> compare(const EvaluatedSet& before, const EvaluatedSet& after) {
  std::vector<TaskComparison> all;
  for (const EvaluatedTask& task : before.tasks) {
    const auto other =
        std::ranges::find_if(after.tasks, [&](const EvaluatedTask& t) { return t.task == task.task && t.metric == task.metric; });
    if (other != after.tasks.end()) all.push_back(compare_tasks(task, *other));
  }
  std::vector<double> p_values;
  for (const TaskComparison& comparison : all) p_values.push_back(comparison.p_value);
  const std::vector<double> adjusted = holm(p_values);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].p_holm = adjusted[i];
  return all;
}

std::string comparison_table(const EvaluatedSet& before, const EvaluatedSet& after, const std::vector<TaskComparison>& comparisons,
                             std::size_t flips) {
  std::vector<std::vector<std::string>> rows;
  for (const TaskComparison& c : comparisons) {
    const auto& d = c.difference;
    rows.push_back({fmt::format("{} ({} {})", c.task, c.metric, c.higher_is_better ? "↑" : "↓"), fmt::format("{}", c.n),
                    fmt::format("{:.4f}", c.before), fmt::format("{:.4f}", c.after),
                    fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", d.mean, d.low, d.high), fmt::format("{} / {}", c.changes.won, c.changes.lost),
                    fmt::format("{:.3g}", c.p_value), fmt::format("{:.3g}", c.p_holm), fmt::format("{:.4f}", c.smallest_effect)});
  }
  std::string text = fmt::format("{}  ->  {}\n", before.name, after.name);
  text += format_table(
      {"task", "n", "before", "after", "difference", "up / down", "p", "p (Holm)", "smallest"},
      {Align::left, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right, Align::right}, rows);
  text +=
      "Paired: n items of both; difference with a bootstrap's 95 % interval; p by McNemar's exact test where items are 0 or 1, else by the "
      "paired\n"
      "bootstrap; Holm corrects for the tasks of this table; smallest: the difference that so many items find in four of five cases.\n";
  for (const TaskComparison& c : comparisons) {
    if (flips == 0 || c.flips.empty()) continue;
    text += fmt::format("\n{}: {} items changed\n", c.task, c.flips.size());
    for (std::size_t i = 0; i < std::min(flips, c.flips.size()); ++i)
      text += fmt::format("  {:.3g} -> {:.3g}  {}\n", c.flips[i].before, c.flips[i].after, one_line(c.flips[i].text));
  }
  return text;
}

Json comparison_json(const EvaluatedSet& before, const EvaluatedSet& after, const std::vector<TaskComparison>& comparisons) {
  Json tasks = Json::array();
  for (const TaskComparison& c : comparisons) {
    Json flips = Json::array();
    for (const Flip& flip : c.flips) flips.push_back({{"text", flip.text}, {"before", flip.before}, {"after", flip.after}});
    tasks.push_back({{"task", c.task},
                     {"metric", c.metric},
                     {"higher_is_better", c.higher_is_better},
                     {"n", c.n},
                     {"before", c.before},
                     {"after", c.after},
                     {"difference", c.difference.mean},
                     {"ci95", {c.difference.low, c.difference.high}},
                     {"test", c.counts ? "mcnemar exact" : "paired bootstrap"},
                     {"up", c.changes.won},
                     {"down", c.changes.lost},
                     {"p", c.p_value},
                     {"p_holm", c.p_holm},
                     {"smallest_effect", c.smallest_effect},
                     {"flips", std::move(flips)}});
  }
  return {{"before", before.name}, {"after", after.name}, {"tasks", std::move(tasks)}};
}

}  // namespace iteralign
