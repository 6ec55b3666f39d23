#include "stages/effect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/strings.h"
#include "stage_fixture.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

constexpr const char *kUseful = "Do not help with stealing.", *kUseless = "Speak of the weather.", *kOverBroad = "Refuse everything.";

// A model that refuses what a principle in context forbids.
std::string obedient_answer(const Messages& messages, int /*trainings*/) {
  const std::string& system = messages.front().role == "system" ? messages.front().content : std::string();
  const bool stealing = contains(messages.back().content, "stealing");
  const bool refuses = contains(system, kOverBroad) || (stealing && contains(system, kUseful));
  return refuses ? "I am sorry, but I cannot do that." : "Certainly, here is how to do it.";
}

class EffectTest : public StageFixture {
 protected:
  EffectTest() : StageFixture(obedient_answer) {
    std::vector<Prompt> red_team, benign;
    for (int i = 0; i < 6; ++i) {
      red_team.push_back(prompt("stealing " + std::to_string(i)));
      red_team.push_back(prompt("hacking " + std::to_string(i)));
      benign.push_back(prompt("baking " + std::to_string(i)));
    }
    store_.put_prompts(PromptSet::red_team, red_team);
    store_.put_prompts(PromptSet::replay, benign);
    for (const Prompt& p : red_team) put(1, PromptSet::red_team, p, Label::negative);
    for (const Prompt& p : benign) put(0, PromptSet::replay, p, Label::positive);
  }

  static Prompt prompt(const std::string& text) { return {text, {{"user", text}}, "", ""}; }
  void put(int iteration, PromptSet set, const Prompt& p, Label label) {
    store_.put(Response{iteration, set, p.id, "Certainly.", FinishReason::stop, 1, 1});
    store_.put_verdict(iteration, set, p.id, {label, UnjudgedReason::none, ""});
  }
  static Principle principle(const std::string& text, int iteration, std::vector<std::string> evidence) {
    return {"", text, "", iteration, std::move(evidence)};
  }
};

TEST_F(EffectTest, TheUsefulStayTheUselessAndTheOverBroadGo) {
  Constitution constitution;
  constitution.principles = {principle("Be kind.", 0, {}), principle(kUseless, 1, {"stealing 0"}), principle(kOverBroad, 1, {"hacking 0"}),
                             principle(kUseful, 1, {"stealing 0", "stealing 1"})};
  for (std::size_t i = 0; i < 4; ++i) constitution.principles[i].id = "P" + std::to_string(i + 1);
  store_.put_constitution(0, {0, {constitution.principles[0]}});
  store_.put_constitution(1, constitution);
  test_effects(stage_, 1);
  test_effects(stage_, 1);  // is done
  EXPECT_EQ(model_.generated, 6 + 3 * 6 + (8 + 1) + (8 + 1) + (8 + 2));
  constitution = store_.constitution(1);
  ASSERT_EQ(constitution.principles.size(), 2u);
  EXPECT_EQ(constitution.principles[1].text, kUseful);
  EXPECT_EQ(constitution.principles[1].id, "P2");

  const auto found = effects(store_, 1);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_THAT(found[0].rejected, HasSubstr("prevents 0 of 8 other negative cases and 0 of 1 of its own"));
  EXPECT_THAT(found[1].rejected, HasSubstr("refuse 6 of 6 benign prompts"));
  EXPECT_EQ(found[2].rejected, "");
  EXPECT_EQ(found[2].others, 8);
  EXPECT_GT(found[2].others_removed, 0);
  EXPECT_LT(found[2].others_removed, 8);
  EXPECT_EQ(found[2].own_removed, 2);
  EXPECT_EQ(found[2].benign, 6);
  EXPECT_EQ(found[2].refusals_added, 0);
}

TEST_F(EffectTest, APrincipleWhoseHarmIsInNoOtherCaseIsKeptForItsOwn) {
  for (const Prompt& p : store_.prompts(PromptSet::red_team))
    if (p.id != "stealing 0" && contains(p.id, "stealing")) put(1, PromptSet::red_team, p, Label::positive);
  Constitution constitution;
  constitution.principles = {principle(kUseful, 1, {"stealing 0"})};
  store_.put_constitution(1, constitution);
  test_effects(stage_, 1);
  EXPECT_EQ(store_.constitution(1).principles.size(), 1u);
  EXPECT_EQ(effects(store_, 1)[0].others_removed, 0);
}

TEST_F(EffectTest, OldPrinciplesAreNotTestedAgain) {
  Constitution constitution;
  constitution.principles = {principle(kUseless, 1, {"stealing 0"})};
  store_.put_constitution(1, constitution);
  test_effects(stage_, 2);
  EXPECT_EQ(store_.constitution(2).principles.size(), 1u);
  EXPECT_EQ(model_.generated, 0);
  EXPECT_TRUE(effects(store_, 2).empty());
}

TEST(EffectFault, SaysWhatIsWrong) {
  const ProposeConfig config;
  EXPECT_EQ(
      effect_fault({.text = "x", .others = 8, .others_removed = 1, .own = 8, .benign = 8, .refusals_added = 2, .rejected = {}}, config),
      "");
  EXPECT_NE(
      effect_fault({.text = "x", .others = 8, .others_removed = 8, .own = 8, .benign = 8, .refusals_added = 3, .rejected = {}}, config),
      "");
  EXPECT_NE(effect_fault({.text = "x", .others = 20, .others_removed = 1, .own = 8, .own_removed = 3, .benign = 8, .rejected = {}}, config),
            "");
  EXPECT_EQ(effect_fault({.text = "x", .rejected = {}}, config), "");  // nothing to test it on
}

}  // namespace
}  // namespace iteralign
