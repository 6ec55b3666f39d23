// The shapes in which people have lists of prompts: each is read as its format says, or refused with what was seen.
#include <gmock/gmock.h>

#include "data/prompt_reader.h"
#include "iteralign/error.h"
#include "temporary_file.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Prompt> read_shape(const std::string& name, const std::string& content) {
  return read_prompts(TemporaryFile(name, content).path());
}

// The last turn of each prompt.
std::vector<std::string> texts(const std::string& name, const std::string& content) {
  std::vector<std::string> all;
  for (const Prompt& prompt : read_shape(name, content)) all.push_back(prompt.messages.back().content);
  return all;
}

std::string error_of_shape(const std::string& name, const std::string& content) {
  try {
    const auto read = texts(name, content);
    ADD_FAILURE() << "no error: " << ::testing::PrintToString(read);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "";
}

struct Shape {
  const char* what;
  const char* file;
  const char* content;
};
void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.what; }

// Each holds the same two prompts.
class TwoPrompts : public ::testing::TestWithParam<Shape> {};

TEST_P(TwoPrompts, AreReadAndNothingElse) {
  EXPECT_THAT(texts(GetParam().file, GetParam().content), ElementsAre("How do snails eat, and why?", "Write about light houses."));
}

INSTANTIATE_TEST_SUITE_P(
    Wrapped, TwoPrompts,
    ::testing::Values(
        Shape{"langsmith", "x.jsonl",
              "{\"inputs\": {\"question\": \"How do snails eat, and why?\"}, \"outputs\": {\"answer\": \"a\"}}\n"
              "{\"inputs\": {\"question\": \"Write about light houses.\"}, \"outputs\": {}}\n"},
        Shape{"gemini", "x.jsonl",
              "{\"contents\": [{\"role\": \"user\", \"parts\": [{\"text\": \"How do snails eat, and why?\"}]}]}\n"
              "{\"contents\": [{\"parts\": [{\"text\": \"Write about light houses.\"}], \"role\": \"user\"}]}\n"},
        Shape{"label studio", "x.json",
              R"([{"id": 1, "data": {"text": "How do snails eat, and why?"}}, {"id": 2, "data": {"text": "Write about light houses."}}])"},
        Shape{"artifact", "x.json",
              R"({"parameters": {"model": "m"}, "jailbreaks": [{"index": 0, "prompt": "How do snails eat, and why?"},
                                                             {"index": 1, "prompt": "Write about light houses."}]})"}));

INSTANTIATE_TEST_SUITE_P(
    JsonThatIsNone, TwoPrompts,
    ::testing::Values(
        Shape{"jq", "x.jsonl",
              "{\n  \"prompt\": \"How do snails eat, and why?\",\n  \"a\": {}\n}\n{\n  \"prompt\": \"Write about light houses.\"\n}\n"},
        Shape{"lost brackets", "x.json",
              "{\n  \"prompt\": \"How do snails eat, and why?\"\n},\n{\n  \"prompt\": \"Write about light houses.\"\n}\n"},
        Shape{"lines with commas", "x.jsonl",
              "{\"prompt\": \"How do snails eat, and why?\"},\n{\"prompt\": \"Write about light houses.\"},\n"},
        Shape{"texts with commas", "x.txt", "\"How do snails eat, and why?\",\n\"Write about light houses.\"\n"}));

INSTANTIATE_TEST_SUITE_P(
    Tables, TwoPrompts,
    ::testing::Values(
        Shape{"comma", "x.csv", "prompt,kind\n\"How do snails eat, and why?\",a\nWrite about light houses.,b\n"},
        Shape{"semicolon", "x.csv", "prompt;kind\nHow do snails eat, and why?;a\nWrite about light houses.;b\n"},
        Shape{"tab", "x.tsv", "id\tprompt\n1\tHow do snails eat, and why?\n2\tWrite about light houses.\n"},
        Shape{"pipe", "x.txt", "prompt|kind\nHow do snails eat, and why?|a\nWrite about light houses.|b\n"},
        Shape{"markdown", "x.md", "| prompt | kind |\n|---|:--|\n| How do snails eat, and why? | a |\n| Write about light houses. | b |\n"},
        Shape{"sep line", "x.csv", "sep=;\r\nprompt;kind\r\n\"How do snails eat, and why?\";a\r\nWrite about light houses.;b\r\n"},
        Shape{"mark and comment", "x.csv",
              "\xEF\xBB\xBF# licence: none\n\nprompt\nHow do snails eat, and why?\nWrite about light houses.\n"},
        Shape{"capitals and spaces", "x.csv", "Id, User Prompt \n1,\"How do snails eat, and why?\"\n2,Write about light houses.\n"},
        Shape{"one column", "x.csv", "prompt\n\"How do snails eat, and why?\"\nWrite about light houses.\n"},
        Shape{"one column without quotes", "x.csv", "Prompts\nHow do snails eat, and why?\nWrite about light houses.\n"},
        Shape{"one column in quotes", "x.csv", "\"prompt\"\n\"How do snails eat, and why?\"\n\"Write about light houses.\"\n"},
        Shape{"carriage returns", "x.csv", "prompt,k\r\"How do snails eat, and why?\",a\rWrite about light houses.,b\r"},
        Shape{"blank rows and cells", "x.csv", "prompt,k\n\"How do snails eat, and why?\",a,\n\n  \nWrite about light houses.,b\n,\n,,\n"},
        Shape{"index column", "x.csv", ",question,answer\n0,\"How do snails eat, and why?\",a\n1,Write about light houses.,b\n"},
        Shape{"target column", "x.csv", "goal,target\n\"How do snails eat, and why?\",Sure\nWrite about light houses.,Sure\n"}));

INSTANTIATE_TEST_SUITE_P(
    Json, TwoPrompts,
    ::testing::Values(
        Shape{"texts", "x.json", R"(["How do snails eat, and why?", "Write about light houses."])"},
        Shape{"data", "x.json",
              R"({"version": 1, "data": [{"prompt": "How do snails eat, and why?"}, {"prompt": "Write about light houses."}]})"},
        Shape{"prompts beside a text", "x.json",
              R"({"goal": "test", "prompts": ["How do snails eat, and why?", "Write about light houses."]})"},
        Shape{"columns", "x.json", R"({"goal": ["How do snails eat, and why?", "Write about light houses."], "target": ["Sure", "Sure"]})"},
        Shape{"pandas columns", "x.json",
              R"({"prompt": {"0": "How do snails eat, and why?", "1": "Write about light houses."}, "k": {"0": 1, "1": 2}})"},
        Shape{
            "pandas split", "x.json",
            R"({"columns": ["k", "prompt"], "index": [0, 1], "data": [[1, "How do snails eat, and why?"], [2, "Write about light houses."]]})"},
        Shape{
            "pandas table", "x.json",
            R"({"schema": {"fields": []}, "data": [{"index": 0, "prompt": "How do snails eat, and why?"}, {"index": 1, "prompt": "Write about light houses."}]})"},
        Shape{
            "rows of a server", "x.json",
            R"({"rows": [{"row_idx": 0, "row": {"prompt": "How do snails eat, and why?"}}, {"row_idx": 1, "row": {"prompt": "Write about light houses."}}]})"},
        Shape{"records by id", "x.json",
              R"({"7": {"prompt": "How do snails eat, and why?"}, "9": {"prompt": "Write about light houses."}})"},
        Shape{
            "lists of turns", "x.json",
            R"([[{"role": "user", "content": "How do snails eat, and why?"}], [{"role": "system", "content": "s"}, {"role": "user", "content": "Write about light houses."}, {"role": "assistant", "content": "no"}]])"},
        Shape{
            "parts", "x.jsonl",
            "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"How do snails eat, \"}, {\"type\": "
            "\"text\", \"text\": \"and why?\"}]}]}\n{\"messages\": [{\"role\": \"USER\", \"content\": \"Write about light houses.\"}]}\n"},
        Shape{"developer", "x.jsonl",
              "{\"messages\": [{\"role\": \"developer\", \"content\": \"b\"}, {\"role\": \"user\", \"content\": \"How do snails eat, and "
              "why?\"}]}\n{\"prompt\": {\"text\": \"Write about light houses.\"}}\n"},
        Shape{"batch requests", "x.jsonl",
              "{\"custom_id\": \"1\", \"body\": {\"messages\": [{\"role\": \"user\", \"content\": \"How do snails eat, and "
              "why?\"}]}}\n{\"input\": [{\"role\": \"user\", \"content\": \"Write about light houses.\"}], \"ideal\": \"x\"}\n"},
        Shape{"lines of lists", "x.jsonl",
              "[{\"role\": \"user\", \"content\": \"How do snails eat, and why?\"}]\n[{\"role\": \"user\", \"content\": \"Write about "
              "light houses.\"}]\n"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, TwoPrompts,
    ::testing::Values(Shape{"texts", "x.yaml", "# mine\n- How do snails eat, and why?\n- \"Write about light houses.\"\n"},
                      Shape{"records", "x.txt",
                            "- prompt: How do snails eat, and why?\n  target: Sure\n- prompt: Write about light houses.\n"},
                      Shape{"seeds", "x.prompt",
                            "dataset_name: mine\nharm_categories:\n  - a\nprompts:\n  - value: How do snails eat, and why?\n    data_type: "
                            "text\n  - value: >\n      Write about\n      light houses.\n"},
                      Shape{"promptfoo", "x.yml",
                            "prompts:\n  - '{{ prompt }}'\nproviders: [openai:x]\ntests:\n  - vars: {prompt: \"How do snails eat, and "
                            "why?\"}\n    assert: [{type: contains, value: no}]\n  - vars:\n      prompt: Write about light houses.\n"},
                      Shape{"promptfoo list", "x.yaml",
                            "prompts: ['{{about}}']\ntests:\n  - vars:\n      about:\n        - How do snails eat, and why?\n        - "
                            "Write about light houses.\n"},
                      Shape{"promptfoo template", "x.yaml",
                            "prompts: ['{{verb}} {{what}}']\ndefaultTest: {vars: {verb: Write}}\ntests:\n  - vars: {verb: How do, what: "
                            "\"snails eat, and why?\"}\n  - vars: {what: about light houses.}\n"},
                      Shape{"tests alone", "x.yaml",
                            "- vars:\n    prompt: How do snails eat, and why?\n- vars:\n    prompt: Write about light houses.\n"},
                      Shape{"alias", "x.yaml", "- &a How do snails eat, and why?\n- Write about light houses.\n"}));

INSTANTIATE_TEST_SUITE_P(Text, TwoPrompts,
                         ::testing::Values(Shape{"lines", "x.txt", "How do snails eat, and why?\n\nWrite about light houses.\n"},
                                           Shape{"carriage returns", "x.txt", "How do snails eat, and why?\rWrite about light houses."},
                                           Shape{"comments", "x.txt",
                                                 "# Animals\nHow do snails eat, and why?\n# Sea\nWrite about light houses.\n"},
                                           Shape{"dashes", "x.txt", "- How do snails eat, and why?\n- Write about light houses.\n"},
                                           Shape{"numbers", "x.txt", "1. How do snails eat, and why?\n2. Write about light houses.\n"}));

TEST(PromptShapes, KeepWhatElseARecordSays) {
  const auto seeds =
      read_shape("x.yaml", "harm_categories: [fraud]\nseeds:\n  - value: one\n  - value: two\n    harm_categories: [theft]\n");
  EXPECT_EQ(seeds[0].category, "fraud");
  EXPECT_EQ(seeds[1].category, "theft");
  EXPECT_EQ(read_shape("x.yaml", "tests:\n  - vars: {prompt: a b}\n    metadata: {pluginId: harmful}\n")[0].category, "harmful");
  EXPECT_EQ(read_shape("x.csv", "instruction,input\nSum up,this text\n")[0].messages[0].content, "Sum up\nthis text");
  const auto chat = read_shape("x.yaml",
                               "prompts: ['[{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"{{q}}\"}]']\n"
                               "tests: [{vars: {q: hello}}]\n");
  EXPECT_EQ(chat[0].messages, (Messages{{"system", "s"}, {"user", "hello"}}));
  const auto dialogue = read_shape("x.json", R"([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}])");
  ASSERT_EQ(dialogue.size(), 1u);
  EXPECT_EQ(dialogue[0].messages, (Messages{{"system", "s"}, {"user", "q"}}));
  EXPECT_EQ(read_shape("x.csv", "sep=;\nprompt;k\na;1\n\nb c;2\n")[1].source, "x.csv:2");
}

TEST(PromptShapes, ThatAreNotUnderstoodAreRefusedWithWhatWasSeen) {
  EXPECT_THAT(error_of_shape("x.csv", "id,utterance\n1,a,b\n"), HasSubstr("none of these columns holds prompts: id, utterance"));
  EXPECT_THAT(error_of_shape("x.csv", "the text of it,the kind of harm\n\"a, b\",x\n\"c\",y\n"),
              HasSubstr("the text of it, the kind of harm"));
  EXPECT_THAT(error_of_shape("x.csv", "the text of it,the kind of harm\na b,x\nc,y\n"), HasSubstr("the text of it, the kind of harm"));
  EXPECT_THAT(error_of_shape("x.csv", "\"How do I a, b?\",x\n\"How do I c?\",y\n"), HasSubstr("none of these columns"));
  EXPECT_THAT(error_of_shape("x.tsv", "utterance one\tkind\nHow do I\ta\n"), HasSubstr("none of these columns"));
  EXPECT_THAT(error_of_shape("x.csv", "utterance\nHow do I swim?\nWhat is a boat?\n"), HasSubstr("looks like a column named 'utterance'"));
  EXPECT_THAT(error_of_shape("x.csv", "\"utterance\"\n\"How do I swim?\"\n\"What is a boat?\"\n"), HasSubstr("a column named 'utterance'"));
  EXPECT_THAT(error_of_shape("x.csv", "prompt,prompt\na,b\n"), HasSubstr("two columns are named prompt"));
  EXPECT_THAT(error_of_shape("x.json", R"({"prompt": ["a", "b"], "category": ["c"]})"), HasSubstr("have 2 and 1 values"));
  EXPECT_THAT(error_of_shape("x.json", R"({"train": 1, "version": 2})"), HasSubstr("its keys: train, version"));
  EXPECT_THAT(error_of_shape("x.json", R"({"data": [{"a": 1}], "items": [{"b": 2}]})"), HasSubstr("several lists: data, items"));
  EXPECT_THAT(error_of_shape("x.jsonl", "{\"prompt\": \"a\", \"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n"),
              HasSubstr("x.jsonl:1: the key `prompt` is there twice"));
  EXPECT_THAT(error_of_shape("x.json", R"([{"prompt": "a"}, {"prompt": "b", "k": {"c": 1, "c": 2}}])"), HasSubstr("record 2: the key `c`"));
  EXPECT_THAT(error_of_shape("x.jsonl", "{\"prompt\": [\"a\", \"b\"]}\n{\"prompt\": \"c\"}\n"), HasSubstr("`prompt` holds 2 texts"));
  EXPECT_THAT(error_of_shape("x.jsonl", R"({"messages": [{"role": "critic", "content": "a"}]})"), HasSubstr("unknown role 'critic'"));
  EXPECT_THAT(error_of_shape("x.jsonl", R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]})"),
              HasSubstr("no text"));
  EXPECT_THAT(error_of_shape("x.yaml", "a: 1\na: 2\n"), HasSubstr("x.yaml:2: the key 'a' is there twice"));
  EXPECT_THAT(error_of_shape("x.yaml", "- a\n---\n- b\n"), HasSubstr("a second document"));
  EXPECT_THAT(error_of_shape("x.yaml", "description: d\nproviders: [x]\n"), HasSubstr("its keys: description, providers"));
  EXPECT_THAT(error_of_shape("x.yaml", "prompts: ['{{question}}']\ntests: [{vars: {prompt: a}}]\n"), HasSubstr("{{question}} has no text"));
  EXPECT_THAT(error_of_shape("x.yaml", "prompts: ['file://p.txt']\ntests: [{vars: {prompt: a}}]\n"),
              HasSubstr("another file: file://p.txt"));
  EXPECT_THAT(error_of_shape("x.yaml", "prompts: ['{{prompt}}']\ntests: file://t.csv\n"), HasSubstr("file://t.csv"));
  EXPECT_THAT(error_of_shape("x.yaml", "seeds: [{value: a, data_type: image_path}]\n"), HasSubstr("type image_path"));
  EXPECT_THAT(error_of_shape("x.yaml", "seeds: [{value: a, role: system, sequence: 0}]\n"), HasSubstr("one turn of a dialogue"));
  EXPECT_THAT(error_of_shape("x.xml", "<prompts><p>How do I swim?</p></prompts>"), HasSubstr("it begins with <prompts>"));
  EXPECT_THAT(error_of_shape("x.toml", "name = \"mine\"\n[[prompts]]\n"), HasSubstr("looks like TOML"));
}

TEST(PromptShapes, TextInAnotherEncodingAndBinaryFilesAreRefusedByName) {
  EXPECT_THAT(error_of_shape("x.csv", "prompt,k\nO\xF9 est la gare?,x\n"),
              HasSubstr("x.csv:2: is not text in UTF-8: byte 11 of the file is 0xF9"));
  EXPECT_THAT(error_of_shape("x.txt", "caf\xE9\n"), HasSubstr("iconv -f CP1252"));
  EXPECT_THAT(error_of_shape("x.txt", "\xED\xA0\x80\n"), HasSubstr("0xED"));  // a surrogate
  EXPECT_THAT(error_of_shape("x.jsonl", "{\"prompt\": \"caf\xE9\"}\n"), HasSubstr("x.jsonl:1: is not text in UTF-8"));
  EXPECT_THAT(error_of_shape("x.txt", std::string("\xFF\xFEh\0i\0", 6)), HasSubstr("is text in UTF-16"));
  EXPECT_THAT(error_of_shape("x.txt", std::string("h\0i\0", 4)), HasSubstr("byte 2 is NUL"));
  EXPECT_THAT(error_of_shape("x.csv", "PK\x03\x04..."), HasSubstr("an Excel workbook"));
  EXPECT_THAT(error_of_shape("x.json", "PAR1"), HasSubstr("is a Parquet file"));
  EXPECT_THAT(error_of_shape("x", "%PDF-1.7"), HasSubstr("is a PDF"));
  EXPECT_THAT(error_of_shape("x.json", R"(["a\u0000b"])"), HasSubstr("NUL character"));
  EXPECT_THAT(error_of_shape("x.jsonl", "{\"prompt\": \"\\ud800 alone\"}\n"), HasSubstr("x.jsonl:1"));
}

TEST(PromptShapes, AFolderSaysWhatOfItIsNotRead) {
  TemporaryFile file("a.parquet", "PAR1");
  EXPECT_THROW(read_prompts(file.folder()), Error);
  file.add("b.tsv", "prompt\tk\none two\ta\n");
  file.add("c.yaml", "- three four\n");
  EXPECT_EQ(read_prompts(file.folder()).size(), 2u);
}

TEST(PromptShapes, LongLinesAreRead) {
  const std::string text(3'000'000, 'x');
  EXPECT_EQ(texts("x.jsonl", "{\"prompt\": \"" + text + "\"}\n"), std::vector<std::string>{text});
  EXPECT_EQ(texts("x.txt", text), std::vector<std::string>{text});
}

}  // namespace
}  // namespace iteralign
