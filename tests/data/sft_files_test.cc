#include "data/sft_files.h"

#include <gmock/gmock.h>

#include "iteralign/error.h"
#include "temporary_file.h"

namespace iteralign {
namespace {

std::vector<TrainExample> read(const std::string& content) { return read_sft_file(TemporaryFile("train.x", content).path()); }

std::string error_of(const std::string& content) {
  try {
    read(content);
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
    const auto examples = read(line);
    ASSERT_EQ(examples.size(), 1u) << record;
    EXPECT_EQ(examples[0].messages, (Messages{{"user", "q"}})) << record;
    EXPECT_EQ(examples[0].completion, "good") << record;
    EXPECT_EQ(examples[0].rejected, "bad") << record;
  }
  EXPECT_THAT(error_of(R"({"prompt": "q", "chosen": "good", "rejected": 5})"), ::testing::HasSubstr("not two answers to one prompt"));
  EXPECT_THAT(error_of(R"({"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: other\n\nAssistant: bad"})"),
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
    const auto examples = read(record);
    ASSERT_EQ(examples.size(), 1u) << record;
    EXPECT_EQ(examples[0].messages, q) << record;
    EXPECT_EQ(examples[0].completion, "a") << record;
  }
  const auto alpaca = read(R"({"instruction": "i", "input": "x", "output": "o", "system": "s", "history": [["h", "r"]]})");
  ASSERT_EQ(alpaca.size(), 2u);
  EXPECT_EQ(alpaca[1].messages, (Messages{{"system", "s"}, {"user", "h"}, {"assistant", "r"}, {"user", "i\nx"}}));
}

TEST(SftFiles, NamesTheBrokenRecord) {
  const std::string good = "{\"prompt\": \"q\", \"completion\": \"a\"}\n";
  EXPECT_THAT(error_of(good + "{\"prompt\": \"q\"}\n"), ::testing::HasSubstr("train.x:2: this record is not training data"));
  EXPECT_THAT(error_of(good + "{\"prompt\": \"q\", \"completion\": \" \"}\n"),
              ::testing::HasSubstr("train.x:2: this record has no answer"));
  EXPECT_THAT(error_of(good + "{oops\n"), ::testing::HasSubstr("train.x:2: this line is not valid JSON"));
  EXPECT_THAT(error_of("plain text"), ::testing::HasSubstr("neither a JSON array nor JSON Lines"));
  EXPECT_THAT(error_of(R"([{"messages": [{"role": "tool", "content": "q"}]}])"), ::testing::HasSubstr("train.x: record 1"));
}

}  // namespace
}  // namespace iteralign
