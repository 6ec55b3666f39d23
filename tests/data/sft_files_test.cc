#include "data/sft_files.h"

#include <gmock/gmock.h>

#include "iteralign/error.h"
#include "temporary_file.h"

namespace iteralign {
namespace {

std::vector<TrainExample> read_examples(const std::string& content) {
  return read_sft_file(TemporaryFile("train.x", content).path()).examples;
}

std::string error_of_sft(const std::string& content) {
  try {
    read_examples(content);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SftFiles, ReadsPreferencesInEveryForm) {
  for (const std::string record : {R"({"prompt": "q", "chosen": "good", "rejected": "bad"})",
                                   R"({"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "assistant", "content": "good"}],
            "rejected": [{"role": "assistant", "content": "bad"}]})",
                                   R"({"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}],
            "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}]})",
                                   R"({"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"})"}) {
    std::string line = record;
    std::erase(line, '\n');
    const auto examples = read_examples(line);
    ASSERT_EQ(examples.size(), 1u) << record;
    EXPECT_EQ(examples[0].messages, (Messages{{"user", "q"}})) << record;
    EXPECT_EQ(examples[0].completion, "good") << record;
    EXPECT_EQ(examples[0].rejected, "bad") << record;
  }
  EXPECT_THAT(error_of_sft(R"({"prompt": "q", "chosen": "good", "rejected": 5})"), ::testing::HasSubstr("neither text nor turns"));
  EXPECT_THAT(error_of_sft(R"({"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: other\n\nAssistant: bad"})"),
              ::testing::HasSubstr("not two answers to one prompt"));
}

TEST(SftFiles, ReadsEveryForm) {
  const Messages q = {{"user", "q"}};
  for (const std::string record :
       {R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})",
        R"([{"id": 0, "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}])",
        R"({"prompt": "q", "completion": "a"})",
        R"({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}]})",
        R"({"instruction": "q", "input": "", "output": "a"})"}) {
    const auto examples = read_examples(record);
    ASSERT_EQ(examples.size(), 1u) << record;
    EXPECT_EQ(examples[0].messages, q) << record;
    EXPECT_EQ(examples[0].completion, "a") << record;
  }
  const auto alpaca = read_examples(R"({"instruction": "i", "input": "x", "output": "o", "system": "s", "history": [["h", "r"]]})");
  ASSERT_EQ(alpaca.size(), 2u);
  EXPECT_EQ(alpaca[1].messages, (Messages{{"system", "s"}, {"user", "h"}, {"assistant", "r"}, {"user", "i\nx"}}));
}

// What is learnt, as "system|user|... -> completion".
std::vector<std::string> learnt(const std::string& content) {
  std::vector<std::string> all;
  for (const TrainExample& example : read_examples(content)) {
    std::string text;
    for (const Message& message : example.messages) text += message.role.substr(0, 1) + ":" + message.content + "|";
    all.push_back(text + " -> " + example.completion + (example.rejected.empty() ? "" : " not " + example.rejected));
  }
  return all;
}

std::string left_out(const std::string& content) { return read_sft_file(TemporaryFile("train.x", content).path()).left_out; }

using ::testing::ElementsAre;

TEST(SftFiles, ASystemColumnIsTheSystemTurn) {
  EXPECT_THAT(
      learnt(R"({"system": "s", "tools": "[]", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})"),
      ElementsAre("s:s|u:q| -> a"));
  EXPECT_THAT(learnt(R"({"system": "s", "prompt": "q", "completion": "a"})"), ElementsAre("s:s|u:q| -> a"));
  EXPECT_THAT(learnt(R"({"system_prompt": "s", "question": "q", "response": "a"})"), ElementsAre("s:s|u:q| -> a"));
  EXPECT_THAT(learnt(R"({"system": "", "prompt": "q", "completion": "a"})"), ElementsAre("u:q| -> a"));
  EXPECT_THAT(learnt(R"({"system": "s", "prompt": "q", "chosen": "a", "rejected": "b"})"), ElementsAre("s:s|u:q| -> a not b"));
  const std::string both =
      R"({"system": "s", "messages": [{"role": "system", "content": "t"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})";
  EXPECT_THAT(learnt(both), ElementsAre("s:t|u:q| -> a"));
  EXPECT_EQ(left_out(both), "`system` fields of dialogues with a system message of their own: 1");
}

TEST(SftFiles, AnswersOfWeightZeroAreReadButNotLearnt) {
  for (const std::string mark : {R"("weight": 0)", R"("weight": 0.0)", R"("train": false)", R"("training": false)", R"("loss": false)"}) {
    const std::string record = R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad", )" + mark +
                               R"(}, {"role": "user", "content": "r", "weight": 0}, {"role": "assistant", "content": "a", "weight": 1}]})";
    EXPECT_THAT(learnt(record), ElementsAre("u:q|a:bad|u:r| -> a")) << mark;
    EXPECT_EQ(left_out(record), "answers of weight 0: 1");
  }
  EXPECT_THAT(error_of_sft(R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0.5}]})"),
              ::testing::HasSubstr("train.x:1, turn 2: has the weight 0.5"));
  EXPECT_EQ(left_out("{\"prompt\": \"q\", \"completion\": \"a\"}\n{\"prompt\": \"q\", \"completion\": \"a\", \"weight\": 0}\n"),
            "records of weight 0: 1");
}

TEST(SftFiles, WhatIsMarkedAsBadIsNotLearnt) {
  const std::string good = "{\"prompt\": \"q\", \"completion\": \"a\", \"label\": true}\n",
                    bad = "{\"prompt\": \"q\", \"completion\": \"b\", \"label\": false}\n";
  EXPECT_THAT(learnt(good + bad + bad), ElementsAre("u:q| -> a"));
  EXPECT_EQ(left_out(good + bad + bad), "records with `label` false: 2");
  EXPECT_THAT(error_of_sft(bad), ::testing::HasSubstr("has no training data; left out are records with `label` false: 1"));
}

TEST(SftFiles, EveryAssistantTurnIsLearnt) {
  EXPECT_THAT(
      learnt(
          R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "r"}, {"role": "assistant", "content": "c"}]})"),
      ElementsAre("u:q| -> a", "u:q|a:a| -> b", "u:q|a:a|a:b|u:r| -> c"));
  const std::string opened =
      R"({"messages": [{"role": "assistant", "content": "hello"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})";
  EXPECT_THAT(learnt(opened), ElementsAre("u:q| -> a"));
  EXPECT_EQ(left_out(opened), "opening turns of the assistant: 1");
}

TEST(SftFiles, ReadsPartsCapitalsAndDevelopers) {
  EXPECT_THAT(
      learnt(
          R"({"messages": [{"role": "Developer", "content": "s"}, {"role": "USER", "content": [{"type": "text", "text": "q"}]}, {"role": "Assistant", "content": "a", "tool_calls": null}]})"),
      ElementsAre("s:s|u:q| -> a"));
  EXPECT_THAT(learnt(R"({"conversations": [{"role": "human", "value": "q"}, {"from": "model", "content": "a"}]})"),
              ElementsAre("u:q| -> a"));
}

TEST(SftFiles, RecordsWithToolsOrPicturesAreLeftOutAndCounted) {
  const std::string good = "{\"prompt\": \"q\", \"completion\": \"a\"}\n";
  for (
      const auto& [record, why] : std::vector<std::pair<std::string, std::string>>{
          {R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "r"}, {"role": "assistant", "content": "a"}]})",
           "records that call tools: 1"},
          {R"({"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "f"}, {"from": "observation", "value": "r"}, {"from": "gpt", "value": "a"}]})",
           "records that call tools: 1"},
          {R"({"tools": [{"name": "f"}], "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})",
           "records with tools: 1"},
          {R"({"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "q"}]}, {"role": "assistant", "content": "a"}]})",
           "records with images or sound: 1"}}) {
    EXPECT_EQ(left_out(good + record + "\n"), why) << record;
    EXPECT_THAT(learnt(good + record + "\n"), ElementsAre("u:q| -> a"));
  }
}

TEST(SftFiles, ReadsPreferencesBesideDialogues) {
  for (
      const std::string record :
      {R"({"prompt": "q", "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]})",
       R"({"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}})",
       R"({"instruction": "q", "input": "", "chosen": "a", "rejected": "b"})"})
    EXPECT_THAT(learnt(record), ElementsAre("u:q| -> a not b")) << record;
}

TEST(SftFiles, NamesTheBrokenRecord) {
  const std::string good = "{\"prompt\": \"q\", \"completion\": \"a\"}\n";
  EXPECT_THAT(error_of_sft(good + "{\"prompt\": \"q\"}\n"),
              ::testing::HasSubstr("train.x:2: this record is not training data; its keys: prompt"));
  EXPECT_THAT(error_of_sft(good + "{\"prompt\": \"q\", \"completion\": \" \"}\n"),
              ::testing::HasSubstr("train.x:2: this record has no answer"));
  EXPECT_THAT(error_of_sft(good + "{oops\n"), ::testing::HasSubstr("train.x:2: this line is not valid JSON"));
  EXPECT_THAT(error_of_sft("plain text"), ::testing::HasSubstr("neither a JSON array nor JSON Lines"));
  EXPECT_THAT(error_of_sft(R"([{"messages": [{"role": "critic", "content": "q"}]}])"),
              ::testing::HasSubstr("train.x: record 1, turn 1: has the unknown role 'critic'"));
  EXPECT_THAT(error_of_sft(R"({"prompt": "q", "prompt": "r", "completion": "a"})"),
              ::testing::HasSubstr("the key `prompt` is there twice"));
  EXPECT_THAT(error_of_sft("{\"prompt\": \"caf\xE9\", \"completion\": \"a\"}"), ::testing::HasSubstr("is not text in UTF-8"));
}

}  // namespace
}  // namespace iteralign
