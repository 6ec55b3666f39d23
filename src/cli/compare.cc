// iteralign compare: evaluations against each other, item by item.

#include <fmt/format.h>

#include <memory>

#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "iteralign/error.h"
#include "report/comparison.h"
#include "report/run_summary.h"

namespace iteralign {
namespace {

struct CompareFlags {
  std::vector<std::string> evaluations;
  std::size_t flips = 5;
  bool json = false;
};

EvaluatedSet open_evaluation(const std::string& argument) {
  const auto folder = find_run_if_any(argument);
  if (!folder) return read_evaluation(argument);
  RunStore store(join_path(*folder, "run.db"));
  return run_evaluation(store, accepted_iteration(store), argument);
}

// A run alone: its base model against what it made of it.
std::vector<EvaluatedSet> open_evaluations(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1) {
    const auto folder = find_run_if_any(arguments[0]);
    if (!folder) throw Error(ErrorKind::usage, "needs a run, or two evaluations", "compare");
    RunStore store(join_path(*folder, "run.db"));
    const int accepted = accepted_iteration(store);
    return {run_evaluation(store, 0, arguments[0] + ", base model"),
            run_evaluation(store, accepted, fmt::format("{}, iteration {}", arguments[0], accepted))};
  }
  std::vector<EvaluatedSet> sets;
  for (const std::string& argument : arguments) sets.push_back(open_evaluation(argument));
  return sets;
}

void run_compare(const CompareFlags& flags) {
  const std::vector<EvaluatedSet> sets = open_evaluations(flags.evaluations);
  Json all = Json::array();
  for (std::size_t i = 1; i < sets.size(); ++i) {
    const auto comparisons = compare(sets[0], sets[i]);
    if (comparisons.empty())
      throw Error(ErrorKind::data, "has no task in common with " + sets[0].name, sets[i].name, "evaluate both with the same --tasks");
    if (flags.json)
      all.push_back(comparison_json(sets[0], sets[i], comparisons));
    else
      print((i > 1 ? "\n" : "") + comparison_table(sets[0], sets[i], comparisons, flags.flips));
  }
  if (flags.json) print_json(all);
}

}  // namespace

void add_compare(CLI::App& app) {
  auto flags = std::make_shared<CompareFlags>();
  auto* verb = app.add_subcommand("compare", "evaluations against the first of them, item by item, with paired tests and what flipped");
  verb->add_option("evaluations", flags->evaluations,
                   "runs (one alone: base model against result), or folders that `eval --out` wrote (lm-evaluation-harness's will do)")
      ->required();
  verb->add_option("--flips", flags->flips, "lines of what flipped, a task")->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON array, with all that flipped");
  verb->callback([flags] { run_compare(*flags); });
}

}  // namespace iteralign
