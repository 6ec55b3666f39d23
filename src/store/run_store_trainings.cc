// What was trained on, how it went, and what the weights were measured at.
#include <string>
#include <vector>

#include "store/columns.h"
#include "store/run_store.h"
#include "store/sqlite.h"

namespace iteralign {
namespace {

constexpr const char* kPerplexity = "perplexity";  // among the gate's scores, where no task has this name

// A rate by the name of its measure.
template <class Record>
struct Measure {
  const char* name;
  Rate Record::*rate;
};
constexpr Measure<GateFigures> kGateRates[] = {{"negative", &GateFigures::negative},
                                               {"benign", &GateFigures::benign},
                                               {"lookalike", &GateFigures::lookalike},
                                               {"unhelpful", &GateFigures::unhelpful}};
constexpr Measure<Evaluation> kMeasuredRates[] = {{"heldout", &Evaluation::heldout},
                                                  {"benign", &Evaluation::benign},
                                                  {"lookalike", &Evaluation::lookalike},
                                                  {"twin", &Evaluation::twin},
                                                  {"benign_unhelpful", &Evaluation::benign_unhelpful},
                                                  {"lookalike_unhelpful", &Evaluation::lookalike_unhelpful},
                                                  {"twin_unhelpful", &Evaluation::twin_unhelpful}};

template <class Record, std::size_t n>
Rate Record::*measure_at(const Statement& row, int column, const Measure<Record> (&known)[n]) {
  const std::string word = row.text(column);
  std::vector<const char*> names;
  for (const Measure<Record>& measure : known) {
    if (word == measure.name) return measure.rate;
    names.push_back(measure.name);
  }
  fail_at_word(row, word, names);
}

}  // namespace

void RunStore::put_pairs(int iteration, const std::vector<SftPair>& pairs, int attempt) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  database_->run("DELETE FROM sft_sets WHERE iteration = ?", iteration);  // and its pairs
  database_->run("INSERT INTO sft_sets VALUES (?, ?)", iteration, attempt);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const SftPair& pair = pairs[i];
    database_->run("INSERT INTO sft_pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", iteration, static_cast<std::int64_t>(i), name(pair.kind),
                   pair.prompt_id, to_text(pair.messages), pair.completion, pair.complete, pair.rejected);
  }
  transaction.commit();
}

std::vector<SftPair> RunStore::pairs(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT kind, prompt_id, messages, completion, complete, rejected FROM sft_pairs WHERE iteration = ? ORDER BY position",
                iteration);
  std::vector<SftPair> pairs;
  while (row.step())
    pairs.push_back({.iteration = iteration,
                     .kind = named_at<PairKind>(row, 0),
                     .prompt_id = row.text(1),
                     .messages = messages_at(row, 2),
                     .completion = row.text(3),
                     .complete = row.small(4) != 0,
                     .rejected = row.text(5)});
  return pairs;
}

bool RunStore::has_pairs(int iteration, int attempt) {
  const std::lock_guard lock(mutex_);
  return Statement(*database_, "SELECT 1 FROM sft_sets WHERE iteration = ? AND attempt = ?", iteration, attempt).step();
}

void RunStore::put_train_step(int iteration, const TrainStep& step) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO train_steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", iteration, step.step, step.max_steps, step.epoch,
                 step.loss, step.grad_norm, step.learning_rate, step.num_tokens, unix_seconds());
}

std::vector<TrainStep> RunStore::train_steps(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(
      *database_,
      "SELECT step, max_steps, epoch, loss, grad_norm, learning_rate, num_tokens FROM train_steps WHERE iteration = ? ORDER BY step",
      iteration);
  std::vector<TrainStep> steps;
  while (row.step())
    steps.push_back({.step = row.small(0),
                     .max_steps = row.small(1),
                     .epoch = row.real(2),
                     .loss = row.real(3),
                     .grad_norm = row.real(4),
                     .learning_rate = row.real(5),
                     .num_tokens = row.integer(6)});
  return steps;
}

std::vector<double> RunStore::train_step_times(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT time FROM train_steps WHERE iteration = ? ORDER BY step", iteration);
  std::vector<double> times;
  while (row.step()) times.push_back(row.real(0));
  return times;
}

void RunStore::clear_train_steps(int iteration) {
  const std::lock_guard lock(mutex_);
  database_->run("DELETE FROM train_steps WHERE iteration = ?", iteration);
}

void RunStore::put_training(int iteration, int attempt, const TrainSummary& train) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?)", iteration, attempt, train.steps, train.loss_first,
                 train.loss_last, train.tokens, train.seconds);
}

std::optional<TrainSummary> RunStore::training(int iteration, int attempt) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT steps, loss_first, loss_last, tokens, seconds FROM trainings WHERE iteration = ? AND attempt = ?",
                iteration, attempt);
  if (!row.step()) return std::nullopt;
  return TrainSummary{row.small(0), row.real(1), row.real(2), row.integer(3), row.real(4)};
}

void RunStore::put_gate_figures(WeightsId weights, const GateFigures& figures) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  for (const auto& [measure, member] : kGateRates) {
    const Rate& rate = figures.*member;
    database_->run("INSERT OR REPLACE INTO gate_rates VALUES (?, ?, ?, ?, ?, ?, ?)", weights.iteration, weights.attempt, weights.epoch,
                   measure, rate.n, rate.count, rate.unjudged);
  }
  std::map<std::string, double> scores = figures.tasks;
  if (figures.perplexity) scores[kPerplexity] = *figures.perplexity;
  for (const auto& [score, value] : scores)
    database_->run("INSERT OR REPLACE INTO gate_scores VALUES (?, ?, ?, ?, ?)", weights.iteration, weights.attempt, weights.epoch, score,
                   value);
  transaction.commit();
}

std::optional<GateFigures> RunStore::gate_figures(WeightsId weights) {
  const std::lock_guard lock(mutex_);
  std::optional<GateFigures> figures;
  Statement rate(*database_, "SELECT measure, n, count, unjudged FROM gate_rates WHERE iteration = ? AND attempt = ? AND epoch = ?",
                 weights.iteration, weights.attempt, weights.epoch);
  while (rate.step()) {
    if (!figures) figures.emplace();
    (*figures).*measure_at(rate, 0, kGateRates) = rate_at(rate, 1);
  }
  if (!figures) return std::nullopt;
  Statement score(*database_, "SELECT score, value FROM gate_scores WHERE iteration = ? AND attempt = ? AND epoch = ?", weights.iteration,
                  weights.attempt, weights.epoch);
  while (score.step()) {
    if (score.text(0) == kPerplexity)
      figures->perplexity = score.real(1);
    else
      figures->tasks[score.text(0)] = score.real(1);
  }
  return figures;
}

void RunStore::put_outcome(int iteration, const TrainingOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?)", iteration, outcome.accepted, outcome.attempts, outcome.epoch,
                 outcome.reason);
}

std::optional<TrainingOutcome> RunStore::outcome(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT accepted, attempts, epoch, reason FROM outcomes WHERE iteration = ?", iteration);
  if (!row.step()) return std::nullopt;
  return TrainingOutcome{.accepted = row.small(0) != 0, .attempts = row.small(1), .epoch = row.small(2), .reason = row.text(3)};
}

void RunStore::put(const Evaluation& evaluation) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  put_locked(evaluation);
  transaction.commit();
}

void RunStore::put_locked(const Evaluation& evaluation) {
  for (const auto& [measure, member] : kMeasuredRates) {
    const Rate& rate = evaluation.*member;
    database_->run(
        "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n, count = excluded.count, "
        "unjudged = excluded.unjudged, time = excluded.time "
        "WHERE (n, count, unjudged) <> (excluded.n, excluded.count, excluded.unjudged)",
        evaluation.iteration, measure, rate.n, rate.count, rate.unjudged, unix_seconds());
  }
}

std::optional<Evaluation> RunStore::evaluation(int iteration) {
  const std::lock_guard lock(mutex_);
  return evaluation_locked(iteration);
}

std::optional<Evaluation> RunStore::evaluation_locked(int iteration) {
  Statement row(*database_, "SELECT measure, n, count, unjudged FROM evaluations WHERE iteration = ?", iteration);
  std::optional<Evaluation> evaluation;
  while (row.step()) {
    if (!evaluation) evaluation.emplace().iteration = iteration;
    (*evaluation).*measure_at(row, 0, kMeasuredRates) = rate_at(row, 1);
  }
  return evaluation;
}

std::optional<double> RunStore::evaluation_time(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT max(time) FROM evaluations WHERE iteration = ?", iteration);
  return row.step() && !row.null(0) ? std::optional(row.real(0)) : std::nullopt;
}

void RunStore::put(const IterationSummary& summary) {
  const std::lock_guard lock(mutex_);
  database_->execute("PRAGMA synchronous = FULL");  // this commit brings everything before it to the disk
  Transaction transaction(*database_);
  database_->run("INSERT OR REPLACE INTO iterations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", summary.iteration,
                 summary.prompts, summary.negative, summary.positive, summary.unjudged, summary.principles_new, summary.revised,
                 summary.sft_pairs, summary.train.steps, summary.train.loss_first, summary.train.loss_last, summary.train.tokens,
                 summary.train.seconds, summary.accepted, summary.attempts, summary.epoch, summary.reason);
  if (summary.evaluation.iteration == summary.iteration) put_locked(summary.evaluation);
  transaction.commit();
  database_->execute("PRAGMA synchronous = NORMAL");
}

std::vector<IterationSummary> RunStore::iterations() {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT * FROM iterations ORDER BY iteration");
  std::vector<IterationSummary> summaries;
  while (row.step()) {
    const int iteration = row.small(0);
    Evaluation none;
    none.iteration = iteration;
    summaries.push_back({.iteration = iteration,
                         .prompts = row.small(1),
                         .negative = row.small(2),
                         .positive = row.small(3),
                         .unjudged = row.small(4),
                         .principles_new = row.small(5),
                         .revised = row.small(6),
                         .sft_pairs = row.small(7),
                         .train = {.steps = row.small(8),
                                   .loss_first = row.real(9),
                                   .loss_last = row.real(10),
                                   .tokens = row.integer(11),
                                   .seconds = row.real(12)},
                         .accepted = row.small(13) != 0,
                         .attempts = row.small(14),
                         .epoch = row.small(15),
                         .reason = row.text(16),
                         .evaluation = evaluation_locked(iteration).value_or(none)});
  }
  return summaries;
}

}  // namespace iteralign
