// iteralign compare: evaluations against each other, item by item.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "actions/oracle_client.h"
#include "cli/output.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "core/log.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "report/comparison.h"
#include "report/lm_eval_reader.h"
#include "report/run_summary.h"

namespace iteralign {
namespace {

struct CompareFlags {
  std::vector<std::string> evaluations;
  std::size_t flips = 5;
  bool json = false;
};

// The evaluation of an iteration, judged by the oracle of the run's configuration.
EvaluatedSet of_run(RunStore& store, int iteration, const std::string& name) {
  return run_evaluation(store, iteration, name, oracle_line(store));
}

EvaluatedSet open_evaluation(const std::string& argument) {
  const auto folder = find_run_if_any(argument);
  if (!folder) return read_evaluation(argument);
  RunStore store(join_path(*folder, "run.db"));
  const int accepted = accepted_iteration(store);
  EvaluatedSet set = of_run(store, accepted, argument);
  if (accepted == 0) set.warnings.push_back("no iteration was accepted: this is its base model");
  return set;
}

// A run alone: its base model against what it made of it.
std::vector<EvaluatedSet> open_run(const std::string& argument) {
  const auto folder = find_run_if_any(argument);
  if (!folder) throw Error(ErrorKind::usage, "needs a run, or two evaluations", "compare");
  RunStore store(join_path(*folder, "run.db"));
  const int accepted = accepted_iteration(store);
  if (accepted == 0)
    throw Error(ErrorKind::data, "has no accepted iteration, so there is nothing to compare its base model with", argument);
  return {of_run(store, 0, argument + ", base model"), of_run(store, accepted, fmt::format("{}, iteration {}", argument, accepted))};
}

std::vector<EvaluatedSet> open_evaluations(const std::vector<std::string>& arguments) {
  if (arguments.size() == 1) return open_run(arguments[0]);
  std::vector<EvaluatedSet> sets;
  for (const std::string& argument : arguments) sets.push_back(open_evaluation(argument));
  std::vector<std::string> names;
  for (const EvaluatedSet& set : sets) names.push_back(set.name);
  // Two of one name are told apart by where they lie.
  for (std::size_t i = 0; i < sets.size(); ++i)
    if (std::ranges::count(names, names[i]) > 1) sets[i].name += " (" + arguments[i] + ")";
  return sets;
}

Comparison compare_or_fail(const EvaluatedSet& before, const EvaluatedSet& after, const std::string& argument) {
  Comparison comparison = compare(before, after);
  if (comparison.tasks.empty())
    throw Error(ErrorKind::data, "nothing can be compared with " + before.name + ": " + join(comparison.notes, "; "), argument,
                "evaluate both with the same --tasks and --data");
  for (const std::string& note : comparison.notes) log_warning("{}", note);
  return comparison;
}

void run_compare(const CompareFlags& flags) {
  const std::vector<EvaluatedSet> sets = open_evaluations(flags.evaluations);
  Json all = Json::array();
  for (std::size_t i = 1; i < sets.size(); ++i) {
    const Comparison comparison = compare_or_fail(sets[0], sets[i], flags.evaluations[i]);
    if (flags.json)
      all.push_back(comparison_json(sets[0], sets[i], comparison));
    else
      print((i > 1 ? "\n" : "") + comparison_table(sets[0], sets[i], comparison, flags.flips));
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
