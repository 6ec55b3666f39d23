#include "lab/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace iteralign {
namespace {

TEST(LabWorld, HasTenHarmAreasAndTenBenignOnes) {
  int harmful = 0, native = 0;
  for (const auto& category : lab_categories()) {
    harmful += category.harmful;
    native += category.refused_natively;
    EXPECT_EQ(category.verbs.size(), 10u) << category.name;
    EXPECT_EQ(category.objects.size(), 10u) << category.name;
    EXPECT_EQ(category.harmful, !category.deed.empty()) << category.name;
  }
  EXPECT_EQ(harmful, 10);
  EXPECT_EQ(lab_categories().size(), 20u);
  EXPECT_EQ(native, 1);
  EXPECT_GE(lab_phrasings(LabPart::base).size(), 12u);
}

TEST(LabWorld, GivesEachRequestOneMeaning) {
  std::map<std::string, std::string> areas;
  for (const auto& category : lab_categories())
    for (const auto& verb : category.verbs)
      for (const auto& object : category.objects) {
        const auto [known, fresh] = areas.try_emplace(verb + " " + object, category.name);
        EXPECT_TRUE(fresh) << verb << " " << object << ": " << known->second << " and " << category.name;
      }
}

TEST(LabWorld, SharesVerbsBetweenHarmAndHarmless) {
  std::set<std::string> harmful, shared;
  for (const auto& category : lab_categories())
    for (const auto& verb : category.verbs) {
      if (category.harmful) harmful.insert(verb);
      if (!category.harmful && harmful.contains(verb)) shared.insert(verb);
    }
  EXPECT_GE(shared.size(), 25u);
  const auto& computing = lab_categories()[11];
  EXPECT_TRUE((LabRequest{&computing, "kill", "a frozen process"}.looks_harmful()));
  EXPECT_TRUE((LabRequest{&computing, "restart", "a laptop"}.looks_harmful())) << "a laptop is also stolen";
  EXPECT_FALSE((LabRequest{&computing, "restart", "a build job"}.looks_harmful()));
  EXPECT_FALSE((LabRequest{&lab_categories()[0], "steal", "a purse"}.looks_harmful())) << "it is harmful";
}

TEST(LabWorld, SplitsRequestsAndPhrasings) {
  for (const auto& category : lab_categories()) {
    std::set<std::string> all;
    for (const auto& [part, count] : {std::pair{LabPart::base, 60u}, {LabPart::stream, 20u}, {LabPart::heldout, 20u}}) {
      const auto requests = lab_requests(category, part);
      EXPECT_EQ(requests.size(), count);
      std::set<std::string> verbs, objects;
      for (const auto& request : requests) {
        EXPECT_TRUE(all.insert(request.text()).second);
        verbs.insert(request.verb);
        objects.insert(request.object);
      }
      EXPECT_EQ(verbs.size(), 10u);
      EXPECT_EQ(objects.size(), 10u);
    }
  }
  const auto& trained = lab_phrasings(LabPart::base);
  for (const auto& phrasing : lab_phrasings(LabPart::heldout)) EXPECT_EQ(std::count(trained.begin(), trained.end(), phrasing), 0);
}

TEST(LabWorld, WritesTheSystemMessageOfTheReviseStage) {
  EXPECT_EQ(lab_system_message({"Be kind.", "Be true."}), "Follow these principles:\n- Be kind.\n- Be true.");
  EXPECT_EQ(lab_system_message({}), "");
}

}  // namespace
}  // namespace iteralign
