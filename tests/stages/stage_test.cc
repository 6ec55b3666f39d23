#include "stages/stage.h"

#include <gmock/gmock.h>

#include "stage_fixture.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;

class DrawTest : public StageFixture {
 protected:
  DrawTest() : StageFixture([](const Messages&, int) { return std::string(); }) {
    std::vector<Prompt> prompts;
    for (int i = 0; i < 7; ++i) prompts.push_back({std::to_string(i), {{"user", "?"}}, "", ""});
    store_.put_prompts(PromptSet::red_team, prompts);
    config_.red_team.per_iteration = 2;
  }

  std::vector<std::string> drawn(int iteration) {
    std::vector<std::string> ids;
    for (const Prompt& prompt : iteration_prompts(stage_, iteration)) ids.push_back(prompt.id);
    return ids;
  }
};

TEST_F(DrawTest, IterationsDrawOtherPromptsUntilAllWereDrawn) {
  EXPECT_THAT(drawn(1), ElementsAre("0", "1"));
  EXPECT_THAT(drawn(3), ElementsAre("4", "5"));
  EXPECT_THAT(drawn(4), ElementsAre("6", "0"));
}

TEST_F(DrawTest, LaterIterationsMayDrawMore) {
  config_.red_team.per_later_iteration = 3;
  EXPECT_THAT(drawn(1), ElementsAre("0", "1"));
  EXPECT_THAT(drawn(2), ElementsAre("2", "3", "4"));
  EXPECT_THAT(drawn(3), ElementsAre("5", "6", "0"));
  EXPECT_EQ(prompts_drawn(config_.red_team, 7, 3), 8u);
  config_.red_team.per_later_iteration = 100;  // more than there are
  EXPECT_EQ(prompts_drawn(config_.red_team, 7, 3), 2u + 7u + 7u);
}

}  // namespace
}  // namespace iteralign
