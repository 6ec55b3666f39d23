#pragma once
// A stage with fakes at its seams: what stages are tested with.

#include <string>
#include <utility>

#include "apologies.h"
#include "fakes.h"
#include "stages/stage.h"
#include "temporary_folder.h"

namespace iteralign {

class StageFixture : public testing::Test {
 protected:
  explicit StageFixture(FakeModel::Answer answer) : model_(std::move(answer)) {}

  FakeModel model_;
  FakeOracle oracle_{judge_by_apology};
  TemporaryFolder folder_;
  Config config_;
  RunStore store_{folder_.path() + "/run.db"};
  PromptTexts texts_;
  Judge judge_{oracle_, texts_, config_.judge};
  Stage stage_{config_, store_, model_, model_, model_, oracle_, judge_, texts_, [] { return false; }};
};

}  // namespace iteralign
