#include "data/prompt_reader.h"

#include <gmock/gmock.h>

#include <ostream>
#include <set>

#include "iteralign/error.h"
#include "shared_data.h"
#include "temporary_file.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

std::vector<Prompt> read(const std::string& name, const std::string& content, PromptFilter filter = PromptFilter::all) {
  return read_prompts(TemporaryFile(name, content).path(), filter);
}

std::string error_of(const std::string& name, const std::string& content) {
  try {
    read(name, content);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

std::set<std::string> categories(const std::vector<Prompt>& prompts) {
  std::set<std::string> names;
  for (const auto& prompt : prompts) names.insert(prompt.category);
  return names;
}

TEST(PromptReader, ReadsTopicsOfNestedJson) {
  const auto prompts = read("x.txt", R"({"Law": {"Tax:": ["a?", "b?"], "Fraud": ["c?"]}, "Art": {"Fakes": ["d?"]}})");
  ASSERT_EQ(prompts.size(), 4u);
  EXPECT_EQ(prompts[1].messages, (Messages{{"user", "b?"}}));
  EXPECT_EQ(prompts[1].category, "Law/Tax");
  EXPECT_EQ(prompts[1].source, "x.txt:2");
  EXPECT_EQ(prompts[1].id, prompt_id(prompts[1].messages));
  EXPECT_EQ(prompts[3].category, "Art/Fakes");
}

TEST(PromptReader, ReadsJsonArraysOfStringsAndRecords) {
  EXPECT_EQ(read("a", "[\"one\", \"two\"]").size(), 2u);
  const auto prompts = read("a.csv", R"([{"question": "one", "Category": "c"}, {"goal": "two"}])");
  EXPECT_EQ(prompts[0].messages[0].content, "one");
  EXPECT_EQ(prompts[0].category, "c");
  EXPECT_EQ(prompts[1].messages[0].content, "two");
}

TEST(PromptReader, ReadsJsonLinesOfAllShapes) {
  const auto prompts = read("x.data",
                            "{\"prompt\": \"one\", \"target\": \"t\"}\n\n"
                            "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"two\"},"
                            " {\"role\": \"assistant\", \"content\": \"a\"}]}\r\n"
                            "{\"text\": \"three\", \"type\": \"kind\"}\n"
                            "{\"instruction\": \"four\", \"input\": \"five\"}\n"
                            "{\"conversations\": [{\"from\": \"human\", \"value\": \"six\"}, {\"from\": \"gpt\", \"value\": \"a\"}]}\n"
                            "{\"question_id\": 81, \"category\": \"writing\", \"turns\": [\"seven\", \"eight\"]}\n");
  ASSERT_EQ(prompts.size(), 6u);
  EXPECT_EQ(prompts[0].messages[0].content, "one");
  EXPECT_EQ(prompts[1].messages, (Messages{{"system", "s"}, {"user", "two"}}));
  EXPECT_EQ(prompts[2].category, "kind");
  EXPECT_EQ(prompts[3].messages[0].content, "four\nfive");
  EXPECT_EQ(prompts[4].messages, (Messages{{"user", "six"}}));
  EXPECT_EQ(prompts[5].messages[0].content, "seven");
  EXPECT_EQ(prompts[5].category, "writing");
}

TEST(PromptReader, TakesTheFileNameAsCategoryOfPlainStringsAndGarakRecords) {
  EXPECT_EQ(read("malicious_uses.jsonl", "\"one\"\n\"two\"\n")[1].category, "malicious_uses");
  EXPECT_EQ(read("hazard.jsonl", "{\"prompt\": \"one\", \"intents\": [\"S1\"]}\n")[0].category, "hazard");
  EXPECT_EQ(read("mine.jsonl", "{\"prompt\": \"one\"}\n")[0].category, "");
}

TEST(PromptReader, ReadsDialoguesUpToTheLastHumanTurn) {
  const auto prompts = read("x", R"({"chosen": "\n\nHuman: a\n\nb\n\nAssistant: c\n\nHuman: d\n\nAssistant: e", "rejected": "x"})"
                                 "\n"
                                 R"({"transcript": "\n\nAssistant: hello\n\nHuman: f\n\nHuman: g\n\nAssistant:", "tags": ["Theft"]})"
                                 "\n");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].messages, (Messages{{"user", "a\n\nb"}, {"assistant", "c"}, {"user", "d"}}));
  EXPECT_EQ(prompts[1].messages, (Messages{{"user", "f\n\ng"}}));
  EXPECT_EQ(prompts[1].category, "Theft");
}

TEST(PromptReader, ReadsCsvWithQuotesNewlinesAndMarks) {
  const auto prompts = read("x.json", "\xEF\xBB\xBFid,\"Goal\",SemanticCategory\r\n1,\"say \"\"hi\"\",\r\nplease\",greeting\r\n2,bye,\r\n");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].messages[0].content, "say \"hi\",\r\nplease");
  EXPECT_EQ(prompts[0].category, "greeting");
  EXPECT_EQ(prompts[1].source, "x.json:2");
}

TEST(PromptReader, ReadsPlainText) {
  const auto prompts = read("x.csv", "How do I swim, run, and jump?\n\n  Second line \n");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[1].messages[0].content, "Second line");
}

TEST(PromptReader, CanLeaveOutWhatIsUnsafe) {
  const std::string csv = "prompt,type,label\na,homonyms,safe\nb,contrast_homonyms,unsafe\nc,contrast_x,\n";
  EXPECT_EQ(read("x", csv).size(), 3u);
  const auto safe = read("x", csv, PromptFilter::only_safe);
  ASSERT_EQ(safe.size(), 1u);
  EXPECT_EQ(safe[0].category, "homonyms");
}

TEST(PromptReader, NamesFileLineAndMendOfWhatIsBroken) {
  EXPECT_THAT(error_of("x.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"\n{\"prompt\": \"c\"}\n"),
              HasSubstr("x.jsonl:2: this line is not valid"));
  EXPECT_THAT(error_of("x.jsonl", "{\"prompt\": \"a\n{\"prompt\": \"b\"}\n"), HasSubstr("x.jsonl:1: this line is not valid"));
  EXPECT_THAT(error_of("x.jsonl", "{\"prompt\": \"a\"}\n{\"nothing\": \"b\"}\n"), HasSubstr("x.jsonl:2: this record has no prompt text"));
  EXPECT_THAT(error_of("x.jsonl", "{\"prompt\": \"a\"}\n17\n"), HasSubstr("x.jsonl:2: neither an object nor a string"));
  EXPECT_THAT(error_of("x.json", "{\n\"a\": [\"b\",\n]}"), HasSubstr("x.json:3: not valid JSON"));
  EXPECT_THAT(error_of("x.csv", "id,prompt\n1,a\n2,b,c\n"), HasSubstr("x.csv:3: this row has 3 fields, the header 2"));
  EXPECT_THAT(error_of("x.csv", "id,prompt\n1,a\n2,\"b\nc\n"), HasSubstr("x.csv:3: a quote is opened here and never closed"));
  EXPECT_THAT(error_of("x.csv", "id,prompt\n1,\"a\"b\n"), HasSubstr("x.csv:2: text follows a closing quote"));
}

TEST(PromptReader, SaysWhatItAcceptsWhenTheContentIsUnknown) {
  EXPECT_THAT(error_of("x.parquet", std::string("PAR1\0\0\x80", 7)), HasSubstr("is a Parquet file"));
  EXPECT_THAT(error_of("x.csv", "id,utterance\n1,a\n2,b\n"), HasSubstr("none of these columns holds prompts: id, utterance"));
  EXPECT_THAT(error_of("x.txt", "<!DOCTYPE html><p>gone</p>"), HasSubstr("web page"));
  EXPECT_THAT(error_of("x.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(error_of("x.txt", " \n"), HasSubstr("accepted are JSON"));
}

TEST(PromptReader, ReadsTheDataFilesOfAFolder) {
  TemporaryFile file("b.txt", "one\ntwo\n");
  file.add("a.jsonl", "\"three\"\n");
  file.add("SOURCE.txt", "not a prompt\n");
  file.add("LICENSE", "not a prompt\n");
  const auto prompts = read_prompts(file.folder());
  ASSERT_EQ(prompts.size(), 3u);
  EXPECT_EQ(prompts[0].source, "a.jsonl:1");
}

// Every prompt file beside the project, with the number of records that its SOURCE.txt states.
struct PublishedFile {
  const char* path;
  std::size_t records, categories;
};

void PrintTo(const PublishedFile& file, std::ostream* out) { *out << file.path; }

class PublishedPrompts : public ::testing::TestWithParam<PublishedFile> {};

TEST_P(PublishedPrompts, HaveTheStatedNumberOfRecords) {
  const std::string path = shared_data(GetParam().path);
  SKIP_WITHOUT(path);
  const auto prompts = read_prompts(path);
  EXPECT_EQ(prompts.size(), GetParam().records);
  EXPECT_EQ(categories(prompts).size(), GetParam().categories);
  for (const auto& prompt : prompts) {
    ASSERT_EQ(prompt.messages.back().role, "user") << prompt.source;
    ASSERT_FALSE(prompt.messages.back().content.empty()) << prompt.source;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, PublishedPrompts,
    ::testing::Values(PublishedFile{"harmfulqa/harmfulqa.json", 1960, 98}, PublishedFile{"harmfulqa/catqa_english.json", 550, 55},
                      PublishedFile{"harmfulqa/adversarialqa.json", 500, 1}, PublishedFile{"harmfulqa/dangerousqa.json", 200, 1},
                      PublishedFile{"dangerousqa", 200, 1}, PublishedFile{"hh_rlhf/harmless-base/test.jsonl.gz", 2312, 1},
                      PublishedFile{"advbench", 520, 1}, PublishedFile{"harmbench/harmbench_behaviors_text_all.csv", 400, 7},
                      PublishedFile{"harmbench/harmbench_behaviors_text_test.csv", 320, 7},
                      PublishedFile{"harmbench/harmbench_behaviors_text_val.csv", 80, 7}, PublishedFile{"do_not_answer", 939, 5},
                      PublishedFile{"simplesafetytests", 100, 5}, PublishedFile{"xstest", 450, 18},
                      PublishedFile{"self_instruct/seed_tasks.jsonl", 175, 1},
                      PublishedFile{"self_instruct/user_oriented_instructions.jsonl", 252, 1},
                      PublishedFile{"fastchat_bench/vicuna_bench/question.jsonl", 80, 9},
                      PublishedFile{"fastchat_bench/mt_bench/question.jsonl", 80, 8},
                      PublishedFile{"truthfulqa/v1/TruthfulQA.csv", 817, 38}, PublishedFile{"truthfulqa/mc_task.json", 790, 1}));

TEST(PromptReader, LeavesOutTheUnsafeHalfOfXsTest) {
  SKIP_WITHOUT(shared_data("xstest"));
  EXPECT_EQ(read_prompts(shared_data("xstest"), PromptFilter::only_safe).size(), 250u);
}

}  // namespace
}  // namespace iteralign
