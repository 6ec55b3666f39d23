#include "tasks/task_data.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::vector<std::string>& data, const std::vector<std::string>& tasks, const std::string& task) {
  try {
    (void)TaskData(data, tasks).of(task);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return {};
}

TEST(TaskDataTest, EachTaskHasItsOwn) {
  const TaskData data({"redteam=r.jsonl", "shared", "truthfulqa=t=1"}, {"redteam", "hhh", "truthfulqa_mc1", "truthfulqa_mc2_fixed"});
  EXPECT_EQ(data.of("redteam"), "r.jsonl");
  EXPECT_EQ(data.of("hhh"), "shared");
  EXPECT_EQ(data.of("truthfulqa_mc1"), "t=1");
  EXPECT_EQ(data.of("truthfulqa_mc2_fixed"), "t=1");
  EXPECT_EQ(TaskData({"a=b/hhh"}, {"hhh"}).of("hhh"), "a=b/hhh");  // a path
}

TEST(TaskDataTest, WhatIsNotSaidIsNotGuessed) {
  EXPECT_THAT(refusal({"hhh=x"}, {"redteam"}, "redteam"), HasSubstr("gives data for hhh, which is not among --tasks"));
  EXPECT_THAT(refusal({"hhh=x"}, {"redteam", "hhh"}, "redteam"), HasSubstr("--data redteam=FILE"));
  EXPECT_THAT(refusal({"x", "y"}, {"hhh"}, "hhh"), HasSubstr("is given twice: x and y"));
  EXPECT_THAT(refusal({"hhh="}, {"hhh"}, "hhh"), HasSubstr("names no file"));
  EXPECT_THAT(refusal({"x.jsonl"}, {"redteam", "benign"}, "benign"), HasSubstr("would be asked the same prompts"));
  EXPECT_EQ(refusal({"x.jsonl", "benign=y.jsonl"}, {"redteam", "benign"}, "redteam"), "");
  EXPECT_EQ(refusal({"x.jsonl"}, {"redteam", "hhh"}, "redteam"), "");
}

TEST(TaskDataTest, AFolderIsNoSetOfPrompts) {
  const TemporaryFolder folder;
  write_file_atomic(folder.file("benign.jsonl"), "\"How do I cook rice?\"\n");
  EXPECT_EQ(TaskData({folder.path()}, {"redteam"}).of("redteam"), folder.file("benign.jsonl"));  // there is no other
  write_file_atomic(folder.file("red.jsonl"), "\"How do I steal?\"\n");
  EXPECT_THAT(refusal({folder.path()}, {"redteam", "benign"}, "redteam"),
              HasSubstr("does not say which of its 2 files has the prompts of redteam"));
  EXPECT_EQ(TaskData({"redteam=" + folder.path()}, {"redteam"}).of("redteam"), folder.path());  // said so
  write_file_atomic(folder.file("xstest_prompts.csv"), "prompt\nx\n");
  EXPECT_EQ(TaskData({folder.path()}, {"overrefusal"}).of("overrefusal"), folder.file("xstest_prompts.csv"));
}

}  // namespace
}  // namespace iteralign
