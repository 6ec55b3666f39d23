#include "model/training_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "iteralign/error.h"

namespace iteralign {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

TrainingPlan::TrainingPlan(const std::vector<TrainExample>& examples, const std::vector<std::int64_t>& lengths,
                           const FinetuneOptions& options)
    : options_(options), schedule_(options.lr_scheduler_type, options.warmup_ratio, 1), random_(options.seed) {
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (lengths[i] == 0) continue;
    examples_.push_back({i, examples[i].epoch, lengths[i]});
    cycle_ = std::max(cycle_, examples[i].epoch + 1);
  }
  ITERALIGN_CHECK(!examples_.empty(), "a training without examples");
  steps_per_epoch_ = steps_of_longest_epoch();
  schedule_ = Schedule(options.lr_scheduler_type, options.warmup_ratio, count_steps());
}

// After the last epoch that an example is for, those that belong to one come round again.
bool TrainingPlan::belongs_to(const Trained& example, int epoch) const { return example.epoch < 0 || example.epoch == epoch % cycle_; }

std::vector<TrainingPlan::Indices> TrainingPlan::rows_of(int epoch) const {
  std::vector<Trained> now;
  std::ranges::copy_if(examples_, std::back_inserter(now), [&](const Trained& example) { return belongs_to(example, epoch); });
  if (options_.packing) return packed_rows(std::move(now));
  std::vector<Indices> rows;
  for (const Trained& example : now) rows.push_back({example.index});
  return rows;
}

// Best fit, the longest first.
std::vector<TrainingPlan::Indices> TrainingPlan::packed_rows(std::vector<Trained> examples) const {
  std::ranges::stable_sort(examples, std::greater<>(), &Trained::length);
  std::vector<Indices> rows;
  std::multimap<std::int64_t, std::size_t> room;  // free tokens of a row -> its place in `rows`
  for (const Trained& example : examples) {
    const auto fit = room.lower_bound(example.length);
    const std::size_t place = fit == room.end() ? rows.size() : fit->second;
    const std::int64_t left = (fit == room.end() ? options_.max_length : fit->first) - example.length;
    if (fit == room.end())
      rows.emplace_back();
    else
      room.erase(fit);
    rows[place].push_back(example.index);
    room.emplace(left, place);
  }
  return rows;
}

std::int64_t TrainingPlan::batches_of(int epoch) const {
  return divide_up(static_cast<std::int64_t>(rows_of(epoch).size()), options_.per_device_train_batch_size);
}

std::int64_t TrainingPlan::steps_of(int epoch) const { return divide_up(batches_of(epoch), options_.gradient_accumulation_steps); }

std::int64_t TrainingPlan::steps_of_longest_epoch() const {
  std::int64_t longest = 0;
  for (int epoch = 0; epoch < cycle_; ++epoch) longest = std::max(longest, steps_of(epoch));
  return longest;
}

// Epochs may differ in length, where examples belong to one of them.
std::int64_t TrainingPlan::count_steps() const {
  if (options_.max_steps > 0) return options_.max_steps;
  std::int64_t steps = 0;
  double left = options_.num_train_epochs;
  for (int epoch = 0; left > 0; ++epoch, left -= 1)
    steps += std::llround(std::ceil(std::min(1.0, left) * static_cast<double>(steps_of(epoch))));
  return std::max<std::int64_t>(1, steps);
}

std::vector<TrainingPlan::Indices> TrainingPlan::shuffled_batches() {
  std::vector<Indices> rows = rows_of(epochs_given_++), batches;
  random_.shuffle(rows);
  const auto batch_size = static_cast<std::size_t>(options_.per_device_train_batch_size);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_size) {
    Indices& batch = batches.emplace_back();
    for (std::size_t r = begin; r < std::min(rows.size(), begin + batch_size); ++r)
      batch.insert(batch.end(), rows[r].begin(), rows[r].end());
  }
  return batches;
}

std::vector<PlannedStep> TrainingPlan::next_epoch() {
  const std::vector<Indices> batches = shuffled_batches();
  const auto accumulated = static_cast<std::size_t>(options_.gradient_accumulation_steps);
  std::vector<PlannedStep> steps;
  for (std::size_t begin = 0; begin < batches.size() && !finished(); begin += accumulated) {
    const std::size_t end = std::min(batches.size(), begin + accumulated);
    PlannedStep& step = steps.emplace_back();
    step.learning_rate = options_.learning_rate * schedule_.multiplier(steps_given_++);
    step.number = static_cast<int>(steps_given_);
    step.max_steps = static_cast<int>(max_steps());
    step.epoch = static_cast<double>(steps_given_) / static_cast<double>(steps_per_epoch_);
    step.batches.assign(batches.begin() + static_cast<std::ptrdiff_t>(begin), batches.begin() + static_cast<std::ptrdiff_t>(end));
    step.batches_before = batches_given_;
    batches_given_ += static_cast<std::int64_t>(step.batches.size());
  }
  return steps;
}

}  // namespace iteralign
