// What of two iterations is compared; the figures themselves are held against statsmodels in tests/peers/test_compare.py.
#include "report/comparison.h"

#include <gmock/gmock.h>

#include "example_run.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

TEST(RunComparison, LeavesOutWhatWasNotMeasured) {
  TemporaryFolder folder;
  RunStore store(folder.file("run.db"));
  const ExampleRun run(store);
  EXPECT_TRUE(store.prompts(Purpose::twin).empty());
  const auto all = compare(run_evaluation(store, 0, "before"), run_evaluation(store, 2, "after"));
  ASSERT_EQ(all.size(), 3U);  // red team, benign, look-alikes: Holm corrects for three
  for (const TaskComparison& comparison : all) EXPECT_GT(comparison.n, 0) << comparison.task;
}

}  // namespace
}  // namespace iteralign
