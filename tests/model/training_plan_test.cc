#include "model/training_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace iteralign {
namespace {

using Indices = std::vector<std::size_t>;

class Plan : public testing::Test {
 protected:
  Plan() {
    options_.per_device_train_batch_size = 4;
    options_.seed = 7;
    options_.num_train_epochs = 2;
  }
  // `lengths`: those of lengths_ where nothing is given.
  [[nodiscard]] TrainingPlan plan(std::size_t examples) const {
    return {std::vector<TrainExample>(examples), std::vector<std::int64_t>(examples, 5), options_};
  }
  [[nodiscard]] TrainingPlan plan(const std::vector<TrainExample>& examples) const {
    return {examples, std::vector<std::int64_t>(examples.size(), 5), options_};
  }
  static Indices all_of(const std::vector<PlannedStep>& steps) {
    Indices all;
    for (const PlannedStep& step : steps)
      for (const Indices& batch : step.batches) all.insert(all.end(), batch.begin(), batch.end());
    std::ranges::sort(all);
    return all;
  }

  FinetuneOptions options_;
};

TEST_F(Plan, EveryEpochHasAllExamplesInAnOrderOfTheSeed) {
  TrainingPlan one = plan(10), same = plan(10);
  options_.seed = 8;
  TrainingPlan other = plan(10);
  const auto batches = [](const std::vector<PlannedStep>& steps) {
    std::vector<Indices> all;
    for (const PlannedStep& step : steps) all.insert(all.end(), step.batches.begin(), step.batches.end());
    return all;
  };
  const auto first = one.next_epoch();
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[2].batches[0].size(), 2u);
  EXPECT_EQ(batches(first), batches(same.next_epoch()));
  EXPECT_NE(batches(first), batches(other.next_epoch()));
  const auto second = one.next_epoch();
  EXPECT_NE(batches(first), batches(second));
  for (const auto& epoch : {first, second}) EXPECT_EQ(all_of(epoch), (Indices{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(one.finished());
}

TEST_F(Plan, StepsAreNumberedThroughAndCarryTheSchedule) {
  options_.gradient_accumulation_steps = 2;
  options_.lr_scheduler_type = LrScheduler::linear;
  options_.warmup_ratio = 0;
  options_.learning_rate = 1;
  TrainingPlan made = plan(10);  // three batches, two steps an epoch
  EXPECT_EQ(made.max_steps(), 4);
  std::vector<PlannedStep> steps = made.next_epoch();
  for (PlannedStep& step : made.next_epoch()) steps.push_back(std::move(step));
  ASSERT_EQ(steps.size(), 4u);
  const double rates[] = {1, 0.75, 0.5, 0.25};
  const std::int64_t before[] = {0, 2, 3, 5};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(steps[i].number, static_cast<int>(i) + 1);
    EXPECT_EQ(steps[i].max_steps, 4);
    EXPECT_EQ(steps[i].epoch, 0.5 * static_cast<double>(i + 1));
    EXPECT_DOUBLE_EQ(steps[i].learning_rate, rates[i]);
    EXPECT_EQ(steps[i].batches_before, before[i]);
    EXPECT_EQ(steps[i].batches.size(), i % 2 == 0 ? 2u : 1u);
  }
}

TEST_F(Plan, MaxStepsEndInTheMiddleOfAnEpoch) {
  options_.max_steps = 5;
  TrainingPlan made = plan(10);
  EXPECT_EQ(made.next_epoch().size(), 3u);
  EXPECT_FALSE(made.finished());
  EXPECT_EQ(made.next_epoch().size(), 2u);
  EXPECT_TRUE(made.finished());
}

TEST_F(Plan, HalfAnEpochIsHalfItsSteps) {
  options_.num_train_epochs = 1.5;
  EXPECT_EQ(plan(10).max_steps(), 3 + 2);
  options_.num_train_epochs = 0;
  EXPECT_EQ(plan(10).max_steps(), 1);
}

TEST_F(Plan, SomeExamplesBelongToOneEpoch) {
  options_.num_train_epochs = 3;
  options_.per_device_train_batch_size = 8;
  std::vector<TrainExample> examples(5);
  examples[1].epoch = examples[2].epoch = 0;
  examples[3].epoch = 1;
  TrainingPlan made = plan(examples);
  for (const Indices& expected : {Indices{0, 1, 2, 4}, {0, 3, 4}, {0, 1, 2, 4}}) EXPECT_EQ(all_of(made.next_epoch()), expected);
  options_.per_device_train_batch_size = 3;
  TrainingPlan unequal = plan(examples);
  EXPECT_EQ(unequal.max_steps(), 2 + 1 + 2);
  EXPECT_EQ(unequal.next_epoch().back().epoch, 1.0);
  EXPECT_EQ(unequal.next_epoch().back().epoch, 1.5) << "of the longest epoch";
}

TEST_F(Plan, WhatHasNoLengthIsInNoStep) {
  TrainingPlan made({std::vector<TrainExample>(4), {5, 0, 5, 5}, options_});
  EXPECT_EQ(all_of(made.next_epoch()), (Indices{0, 2, 3}));
}

TEST_F(Plan, PacksRowsByBestFit) {
  options_.packing = true;
  options_.max_length = 10;
  options_.per_device_train_batch_size = 1;
  const auto packed = [&] { return TrainingPlan(std::vector<TrainExample>(5), {3, 8, 6, 4, 2}, options_); };
  std::set<std::set<std::size_t>> rows;
  TrainingPlan made = packed();
  for (const PlannedStep& step : made.next_epoch()) rows.insert({step.batches[0].begin(), step.batches[0].end()});
  EXPECT_EQ(rows, (std::set<std::set<std::size_t>>{{1, 4}, {2, 3}, {0}}));
  options_.per_device_train_batch_size = 2;
  EXPECT_EQ(packed().next_epoch().size(), 2u);
}

TEST(Schedule, HasTheValuesOfTransformers) {
  const Schedule cosine(LrScheduler::cosine, 0.1, 100);
  const std::pair<int, double> expected[] = {{0, 0.0}, {5, 0.5}, {10, 1.0}, {55, 0.5}, {99, 0.000305}};
  for (const auto& [step, value] : expected) EXPECT_NEAR(cosine.multiplier(step), value, 1e-6) << step;
  const Schedule linear(LrScheduler::linear, 0.1, 100);
  EXPECT_NEAR(linear.multiplier(55), 0.5, 1e-12);
  EXPECT_NEAR(linear.multiplier(3), 0.3, 1e-12);
  EXPECT_EQ(Schedule(LrScheduler::constant, 0.5, 10).multiplier(0), 1.0);
  const Schedule warm(LrScheduler::constant_with_warmup, 0.03, 50);  // two steps: the ratio is rounded up
  EXPECT_EQ(warm.multiplier(0), 0.0);
  EXPECT_EQ(warm.multiplier(1), 0.5);
  EXPECT_EQ(warm.multiplier(2), 1.0);
  EXPECT_EQ(Schedule(LrScheduler::cosine, 0.0, 1).multiplier(0), 1.0);
}

}  // namespace
}  // namespace iteralign
