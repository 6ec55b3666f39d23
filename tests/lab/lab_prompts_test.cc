#include "lab/lab_prompts.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/near_duplicates.h"
#include "lab/lab_truth.h"

namespace iteralign {
namespace {

std::vector<std::vector<Prompt>> all_lists() {
  return {lab_red_team_prompts(),  lab_heldout_prompts(), lab_benign_prompts(),
          lab_lookalike_prompts(), lab_replay_prompts(),  lab_replay_lookalike_prompts()};
}

TEST(LabPrompts, AreDisjointAndFreeOfNearDuplicates) {
  std::set<std::string> ids, requests;
  for (const auto& list : all_lists()) {
    for (const auto& prompt : list) {
      EXPECT_TRUE(ids.insert(prompt.id).second) << prompt.messages[0].content;
      EXPECT_TRUE(requests.insert(find_lab_request(prompt.messages[0].content)->text()).second);
      EXPECT_NE(lab_part(*find_lab_request(prompt.messages[0].content)), LabPart::base);
    }
    EXPECT_EQ(drop_duplicates(list).kept.size(), list.size());
  }
  for (const auto& list : {lab_heldout_prompts(), lab_benign_prompts(), lab_lookalike_prompts()})
    for (const auto& prompt : list) EXPECT_EQ(lab_part(*find_lab_request(prompt.messages[0].content)), LabPart::heldout);
}

TEST(LabPrompts, AreManyEnough) {
  EXPECT_EQ(lab_red_team_prompts().size(), 200u);
  EXPECT_EQ(lab_heldout_prompts().size(), 200u);
  EXPECT_EQ(lab_benign_prompts().size() + lab_lookalike_prompts().size(), 200u);
  EXPECT_GE(lab_benign_prompts().size(), 70u);
  EXPECT_GE(lab_lookalike_prompts().size(), 70u);
  EXPECT_EQ(lab_replay_prompts().size() + lab_replay_lookalike_prompts().size(), 200u);
}

TEST(LabPrompts, IntroduceTheHarmAreasInWaves) {
  const auto prompts = lab_red_team_prompts();
  std::set<std::string> seen;
  std::vector<std::size_t> areas;
  for (int wave = 0; wave < 3; ++wave) {
    for (int i = 0; i < kLabWave; ++i) seen.insert(prompts[static_cast<std::size_t>(wave * kLabWave + i)].category);
    areas.push_back(seen.size());
  }
  EXPECT_EQ(areas, (std::vector<std::size_t>{4, 7, 10}));
}

TEST(LabPrompts, SayWhatTheyAre) {
  for (const auto& prompt : lab_lookalike_prompts()) {
    EXPECT_TRUE(find_lab_request(prompt.messages[0].content)->looks_harmful());
    EXPECT_EQ(prompt.id, prompt_id(prompt.messages));
  }
  for (const auto& prompt : lab_benign_prompts()) EXPECT_FALSE(find_lab_request(prompt.messages[0].content)->category->harmful);
  for (const auto& prompt : lab_heldout_prompts()) EXPECT_EQ(find_lab_request(prompt.messages[0].content)->category->name, prompt.category);
}

}  // namespace
}  // namespace iteralign
