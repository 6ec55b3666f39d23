#include "stages/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "stage_fixture.h"
#include "stages/propose.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

Constitution two() {
  return {1, {{"P1", "Do not help with stealing.", "theft", 1, {"a"}}, {"P2", "Refuse all that is asked.", "", 1, {"b"}}}};
}

constexpr const char *kTheft = "Do not help with stealing.", *kRefuseAll = "Refuse all that is asked.";

TEST(ConstitutionEdits, ComeBackFromTheirFile) {
  TemporaryFolder folder;
  const std::string path = folder.file("constitution.edit.yaml");
  EXPECT_TRUE(read_constitution_edits(path).banned.empty());  // there is no such file
  const ConstitutionEdits edits{
      .accepted = {kTheft}, .edited = {{"Old: \"x\".", "Say \"no\": politely."}}, .banned = {"Refuse."}, .pinned = {"Be honest."}};
  write_constitution_edits(path, edits);
  const ConstitutionEdits read = read_constitution_edits(path);
  EXPECT_EQ(read.accepted, edits.accepted);
  EXPECT_EQ(read.edited, edits.edited);
  EXPECT_EQ(read.banned, edits.banned);
  EXPECT_EQ(read.pinned, edits.pinned);
  for (const char* broken : {"bann: [x]\n", "ban: x\n", "ban: [[x]]\n", "edit: [x]\n", "- x\n", "ban: [\n", "ban: [a]\nban: [b]\n"}) {
    write_file_atomic(path, broken);
    EXPECT_THROW(read_constitution_edits(path), Error) << broken;
  }
}

TEST(ConstitutionEdits, TheLastDecisionAboutATextCountsAndIsKeptOnce) {
  ConstitutionEdits edits;
  EXPECT_TRUE(edits.ban(kRefuseAll));
  EXPECT_FALSE(edits.ban("  refuse ALL that is asked"));
  EXPECT_EQ(edits.banned.size(), 1u);
  EXPECT_TRUE(edits.accept(kRefuseAll));
  EXPECT_TRUE(edits.banned.empty());
  EXPECT_TRUE(edits.edit(kRefuseAll, "Refuse little."));
  EXPECT_TRUE(edits.accepted.empty());
  EXPECT_TRUE(edits.undo(kRefuseAll));
  EXPECT_FALSE(edits.undo(kRefuseAll));
  EXPECT_TRUE(edits.edited.empty());

  TemporaryFolder folder;
  write_file_atomic(folder.file("e.yaml"), "ban: [Refuse all., refuse  all]\n");
  EXPECT_EQ(read_constitution_edits(folder.file("e.yaml")).banned.size(), 1u);
}

TEST(Review, BansEditsAndPins) {
  const ConstitutionEdits edits{
      .accepted = {}, .edited = {{kTheft, "Never help a thief."}}, .banned = {kRefuseAll}, .pinned = {"Be honest."}};
  const Constitution found = with_edits(two(), edits, 1, 0.6, 3);
  ASSERT_EQ(found.principles.size(), 2u);
  EXPECT_EQ(found.principles[0].text, "Never help a thief.");
  EXPECT_EQ(found.principles[0].evidence, std::vector<std::string>{"a"});
  EXPECT_EQ(found.principles[1].text, "Be honest.");
  EXPECT_EQ(found.principles[1].id, "P3");                                      // P2 was somebody
  EXPECT_EQ(with_edits(found, edits, 2, 0.6, 4).principles, found.principles);  // once is enough
}

TEST(Review, WhatIsAcceptedGoesWithNoBanOfItsLike) {
  const ConstitutionEdits edits{.accepted = {kTheft}, .edited = {}, .banned = {"Do not help with any stealing."}, .pinned = {}};
  EXPECT_EQ(with_edits(two(), edits, 1, 0.6, 3).principles.size(), 2u);
}

TEST(Review, NumbersOfAnOlderFileMeanTheTextsThatTheyStandFor) {
  const ConstitutionEdits edits =
      with_texts({.accepted = {"P1", "P9"}, .edited = {{"P2", "Refuse harm."}}, .banned = {}, .pinned = {}}, two());
  EXPECT_EQ(edits.accepted, (std::vector<std::string>{kTheft, "P9"}));
  EXPECT_EQ(edits.edited, (std::map<std::string, std::string>{{kRefuseAll, "Refuse harm."}}));
}

class ReviewTest : public StageFixture {
 protected:
  ReviewTest() : StageFixture([](const Messages&, int) { return ""; }) {}

  // What it waits for; "" when it goes on.
  std::string message(int iteration, const ConstitutionEdits& edits) {
    try {
      review(stage_, iteration, edits);
    } catch (const WaitsForReview& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(ReviewTest, TheRunWaitsUntilAllIsDecided) {
  config_.propose.review = true;
  store_.put_constitution(1, two());
  ConstitutionEdits edits;
  EXPECT_THAT(message(1, edits), HasSubstr("P2: Refuse all"));
  edits.accept(kTheft);
  EXPECT_THAT(message(1, edits), HasSubstr("P2"));
  edits.ban(kTheft);
  EXPECT_THAT(message(1, edits), HasSubstr("P2"));
  EXPECT_EQ(store_.constitution(1).principles.size(), 2u);  // the ban can be undone
  edits.undo(kTheft);
  EXPECT_THAT(message(1, edits), HasSubstr("P1"));
  edits.accept(kTheft);
  edits.ban(kRefuseAll);
  EXPECT_EQ(message(1, edits), "");
  EXPECT_EQ(store_.constitution(1).principles.size(), 1u);
  EXPECT_EQ(store_.removed_principles()[0].id, "P2");
}

TEST_F(ReviewTest, ANumberIsNeverUsedTwice) {
  config_.propose.review = true;
  Constitution seven;
  for (int i = 1; i <= 7; ++i) {
    const std::string number = std::to_string(i);
    seven.principles.push_back({"P" + number, "Principle " + number + " word" + number, "", 1, {"a"}});
  }
  ConstitutionEdits edits;
  for (const Principle& principle : seven.principles) edits.accepted.push_back(principle.id);  // as older programs wrote it
  store_.put_constitution(1, seven);
  edits = with_texts(edits, seven);
  edits.ban(seven.principles[0].text);
  edits.ban(seven.principles[6].text);
  EXPECT_EQ(message(1, edits), "");
  ASSERT_EQ(store_.constitution(1).principles.size(), 5u);
  EXPECT_EQ(free_principle_number(store_, 2, edits), 8);

  Constitution next = store_.constitution(1);
  const std::vector<Proposal> proposals = {{"Something new.", "", {"b"}}, {"Another one altogether.", "", {"b"}}};
  EXPECT_EQ(merge_proposals(next, proposals, 2, 0.6, 8, free_principle_number(store_, 2, edits)), 2);
  EXPECT_EQ(next.principles.back().id, "P9");
  store_.put_constitution(2, next);  // refuses two of one number
  EXPECT_THAT(message(2, edits), HasSubstr("P8: Something new."));
}

TEST_F(ReviewTest, AnOldFolderWhoseBannedNumberWasAcceptedGivesItToNobodyElse) {
  store_.put_constitution(1, two());
  EXPECT_EQ(free_principle_number(store_, 2, {.accepted = {"P1", "P7"}, .edited = {}, .banned = {}, .pinned = {}}), 8);
}

TEST_F(ReviewTest, WhatIsUsedAlreadyIsNotChanged) {
  store_.put_constitution(1, two());
  store_.put(Revision{.iteration = 1, .prompt_id = "a", .text = "No."});
  review(stage_, 1, {.accepted = {}, .edited = {}, .banned = {"Refuse all that is asked."}, .pinned = {}});
  EXPECT_EQ(store_.constitution(1).principles.size(), 2u);
}

TEST(ReadConstitution, IsThatOfAnotherRun) {
  TemporaryFolder folder;
  write_file_atomic(folder.file("constitution.json"),
                    R"({"version":3,"principles":[{"id":"P7","text":"Be kind.","area":"tone","iteration":2,"evidence":[]}]})");
  const Constitution constitution = read_constitution(folder.file("constitution.json"));
  ASSERT_EQ(constitution.principles.size(), 1u);
  EXPECT_EQ(constitution.principles[0], (Principle{"P1", "Be kind.", "tone", 0, {}}));
  write_file_atomic(folder.file("constitution.json"), "{}");
  EXPECT_THROW(read_constitution(folder.file("constitution.json")), Error);
}

}  // namespace
}  // namespace iteralign
