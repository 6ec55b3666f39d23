#include "model/finetune.h"

#include <gtest/gtest.h>

#include "fakes.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

class FinetuneByPlan : public testing::Test {
 protected:
  FinetuneByPlan() {
    options_.per_device_train_batch_size = 2;
    options_.num_train_epochs = 2;
    model_.on_training_step = [this](const PlannedStep& step) { fed_.push_back(step.number); };
  }
  [[nodiscard]] int trainings() {
    model_.save(folder_.file("now"), SaveFormat::adapter);
    return std::stoi(read_file(folder_.file("now/trainings")));
  }

  FakeModel model_{[](const Messages&, int) { return ""; }};
  TemporaryFolder folder_;
  FinetuneOptions options_;
  std::vector<TrainExample> examples_ = std::vector<TrainExample>(3);
  std::vector<int> fed_;
};

TEST_F(FinetuneByPlan, FeedsEveryStepAndKeepsTheWeightsOfEachEpoch) {
  std::vector<int> told;
  const TrainSummary summary =
      finetune(model_, examples_, options_, {.epochs = folder_.file("epochs")}, [&](const TrainStep& step) { told.push_back(step.step); });
  EXPECT_EQ(fed_, (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(told, fed_);
  EXPECT_EQ(summary.steps, 4);
  EXPECT_EQ(summary.tokens, 40);
  EXPECT_TRUE(exists(folder_.file("epochs/2/trainings")));
  EXPECT_FALSE(exists(folder_.file("epochs/3")));
  EXPECT_EQ(trainings(), 1);
}

TEST_F(FinetuneByPlan, AStoppedTrainingLeavesTheWeightsFromBefore) {
  try {
    finetune(model_, examples_, options_, {}, {}, [&] { return fed_.size() == 2; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
    EXPECT_EQ(error.text(), "stopped after step 2 of 4");
  }
  EXPECT_EQ(trainings(), 0);
}

}  // namespace
}  // namespace iteralign
