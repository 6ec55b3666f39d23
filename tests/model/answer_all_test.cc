#include "model/answer_all.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace iteralign {
namespace {

GenerateRequest request(const std::string& text) { return {.messages = {{"user", text}}}; }

class AnswerAll : public testing::Test {
 protected:
  FakeModel model_{[](const Messages& messages, int) { return "to " + messages.back().content; }};
};

TEST_F(AnswerAll, AnswersComeInTheOrderOfTheRequests) {
  std::vector<std::size_t> told;
  const auto answers = answer_all(model_, {request("a"), request("b")}, [&](std::size_t i, const Generation& answer) {
    told.push_back(i);
    EXPECT_EQ(answer.text, i == 0 ? "to a" : "to b");
  });
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[1].text, "to b");
  EXPECT_EQ(told, (std::vector<std::size_t>{0, 1}));
  EXPECT_TRUE(answer_all(model_, {}).empty());
}

// Whatever ends it: nothing of it is in flight any more.
TEST_F(AnswerAll, WhatItLeavesUnfinishedIsCancelled) {
  EXPECT_THROW(answer_all(model_, {request("a"), request("b"), request("c")}, {}, [&] { return model_.generated == 1; }), Error);
  EXPECT_FALSE(model_.step());
  EXPECT_THROW(
      answer_all(model_, {request("a"), request("b")}, [](std::size_t, const Generation&) { throw Error(ErrorKind::failed, "full"); }),
      Error);
  EXPECT_FALSE(model_.step());
  EXPECT_EQ(model_.generated, 2);
}

}  // namespace
}  // namespace iteralign
