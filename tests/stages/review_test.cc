#include "stages/review.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "stage_fixture.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

Constitution two() {
  return {1, {{"P1", "Do not help with stealing.", "theft", 1, {"a"}}, {"P2", "Refuse all that is asked.", "", 1, {"b"}}}};
}

TEST(ConstitutionEdits, ComeBackFromTheirFile) {
  TemporaryFolder folder;
  const std::string path = folder.file("constitution.edit.yaml");
  EXPECT_TRUE(read_constitution_edits(path).banned.empty());  // there is no such file
  const ConstitutionEdits edits{
      .accepted = {"P1"}, .edited = {{"P2", "Say \"no\": politely."}}, .banned = {"Refuse."}, .pinned = {"Be honest."}};
  write_constitution_edits(path, edits);
  const ConstitutionEdits read = read_constitution_edits(path);
  EXPECT_EQ(read.accepted, edits.accepted);
  EXPECT_EQ(read.edited, edits.edited);
  EXPECT_EQ(read.banned, edits.banned);
  EXPECT_EQ(read.pinned, edits.pinned);
  for (const char* broken : {"bann: [x]\n", "ban: x\n", "ban: [[x]]\n", "edit: [x]\n", "- x\n", "ban: [\n"}) {
    write_file_atomic(path, broken);
    EXPECT_THROW(read_constitution_edits(path), Error) << broken;
  }
}

TEST(Review, BansEditsAndPins) {
  const ConstitutionEdits edits{
      .accepted = {}, .edited = {{"P1", "Never help a thief."}}, .banned = {"Refuse all that is asked."}, .pinned = {"Be honest."}};
  const Constitution found = edited(two(), edits, 1, 0.6);
  ASSERT_EQ(found.principles.size(), 2u);
  EXPECT_EQ(found.principles[0].text, "Never help a thief.");
  EXPECT_EQ(found.principles[0].evidence, std::vector<std::string>{"a"});
  EXPECT_EQ(found.principles[1].text, "Be honest.");
  EXPECT_EQ(found.principles[1].id, "P2");
  EXPECT_EQ(edited(found, edits, 2, 0.6).principles, found.principles);  // once is enough
}

class ReviewTest : public StageFixture {
 protected:
  ReviewTest() : StageFixture([](const Messages&, int) { return ""; }) {}
};

TEST_F(ReviewTest, TheRunWaitsUntilAllIsDecided) {
  config_.propose.review = true;
  store_.put_constitution(1, two());
  const auto message = [&](const ConstitutionEdits& edits) -> std::string {
    try {
      review(stage_, 1, edits);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::interrupted);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({}), HasSubstr("P2: Refuse all"));
  EXPECT_THAT(message({.accepted = {"P1"}, .edited = {}, .banned = {}, .pinned = {}}), HasSubstr("P2"));
  EXPECT_EQ(message({.accepted = {"P1"}, .edited = {}, .banned = {"Refuse all that is asked."}, .pinned = {}}), "");
  EXPECT_EQ(store_.constitution(1).principles.size(), 1u);
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
