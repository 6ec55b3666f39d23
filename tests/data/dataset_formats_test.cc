#include "data/dataset_formats.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "core/json.h"
#include "data/sft_files.h"
#include "temporary_file.h"

namespace iteralign {
namespace {

std::vector<SftPair> two_pairs() {
  return {
      {1, PairKind::revision, "aa", {{"user", "steal \"it\""}}, "No.\nSorry.", true, "Sure."},
      {2, PairKind::benign, "bb", {{"system", "Be brief."}, {"user", "q"}, {"assistant", "a"}, {"user", "bake"}}, "Take flour", false, ""}};
}

std::vector<TrainExample> read_back(DatasetFormat format) {
  return read_sft_file(TemporaryFile(dataset_file_name(format), dataset_text(format, two_pairs())).path()).examples;
}

std::vector<Json> lines(DatasetFormat format) {
  const std::string text = dataset_text(format, two_pairs());
  std::vector<Json> records;
  for (const auto line : split_lines(text))
    if (!line.empty()) records.push_back(parse_json(line, "line"));
  return records;
}

TEST(DatasetFormats, WhatIsWrittenIsReadAgain) {
  for (const DatasetFormat format : {DatasetFormat::messages, DatasetFormat::prompt_completion, DatasetFormat::alpaca}) {
    const auto examples = read_back(format);
    ASSERT_GE(examples.size(), 2u) << name(format);
    EXPECT_EQ(examples.front().messages, two_pairs()[0].messages) << name(format);
    EXPECT_EQ(examples.front().completion, "No.\nSorry.") << name(format);
    EXPECT_EQ(examples.back().messages, two_pairs()[1].messages) << name(format);
    EXPECT_EQ(examples.back().completion, "Take flour") << name(format);
  }
  EXPECT_FALSE(read_back(DatasetFormat::messages).back().complete);
  EXPECT_FALSE(read_back(DatasetFormat::prompt_completion).back().complete);
}

TEST(DatasetFormats, LinesSayWhereTheyComeFrom) {
  const auto records = lines(DatasetFormat::messages);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0]["messages"].size(), 2u);
  EXPECT_EQ(records[0]["kind"], "revision");
  EXPECT_EQ(records[1]["iteration"], 2);
  EXPECT_EQ(records[1]["prompt_id"], "bb");
}

TEST(DatasetFormats, PreferencesAreOfRevisionsOnly) {
  const auto records = lines(DatasetFormat::preference);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(dataset_size(DatasetFormat::preference, two_pairs()), 1);
  EXPECT_EQ(dataset_size(DatasetFormat::alpaca, two_pairs()), 2);
  EXPECT_EQ(records[0]["prompt"], parse_json(R"([{"role": "user", "content": "steal \"it\""}])", ""));
  EXPECT_EQ(records[0]["chosen"], parse_json(R"([{"role": "assistant", "content": "No.\nSorry."}])", ""));
  EXPECT_EQ(records[0]["rejected"], parse_json(R"([{"role": "assistant", "content": "Sure."}])", ""));
}

TEST(DatasetFormats, ShareGptIsAnArrayOfTurnsThatBeginsWithAHuman) {
  const Json list = parse_json(dataset_text(DatasetFormat::sharegpt, two_pairs()), "text");
  ASSERT_TRUE(list.is_array());
  EXPECT_EQ(list[1]["id"], "bb");
  EXPECT_EQ(list[1]["conversations"], parse_json(R"([{"from": "human", "value": "Be brief.\n\nq"}, {"from": "gpt", "value": "a"},
                                                     {"from": "human", "value": "bake"}, {"from": "gpt", "value": "Take flour"}])",
                                                 ""));
}

TEST(DatasetFormats, AlpacaKeepsSystemAndHistory) {
  const Json list = parse_json(dataset_text(DatasetFormat::alpaca, two_pairs()), "text");
  EXPECT_EQ(list[0], parse_json(R"({"instruction": "steal \"it\"", "input": "", "output": "No.\nSorry."})", ""));
  EXPECT_EQ(list[1]["system"], "Be brief.");
  EXPECT_EQ(list[1]["history"], parse_json(R"([["q", "a"]])", ""));
}

TEST(DatasetFormats, NamesAreReadAsTheyAreWritten) {
  EXPECT_EQ(named<DatasetFormat>("prompt-completion"), DatasetFormat::prompt_completion);
  EXPECT_EQ(named<DatasetFormat>(name(DatasetFormat::alpaca)), DatasetFormat::alpaca);
  EXPECT_FALSE(named<DatasetFormat>("parquet"));
}

}  // namespace
}  // namespace iteralign
