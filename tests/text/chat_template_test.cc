// Chat templates: the built-in formats word for word, templates of folders, real template files, provenance.
#include "text/chat_template.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "shared_data.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using testing::HasSubstr;

const Messages kAnswered = {{"user", "U1"}, {"assistant", "A1"}};
const Messages kTurns = {{"user", "U1"}, {"assistant", "A1"}, {"user", "U2"}};
const Messages kWithSystem = {{"system", "S"}, {"user", "U1"}, {"assistant", "A1"}, {"user", "U2"}};

RenderOptions options(bool add_generation_prompt) {
  RenderOptions result;
  result.add_generation_prompt = add_generation_prompt;
  result.variables = {{"bos_token", "<BOS>"}, {"eos_token", "<EOS>"}};
  return result;
}

std::string builtin(const std::string& name, const Messages& messages = kWithSystem) {
  return ChatTemplate::named(name).render_text(messages, options(true));
}

TEST(BuiltinTemplates, SpeakTheirFormatsWordForWord) {
  EXPECT_EQ(builtin("llama2"), "<BOS>[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST] A1 <EOS><BOS>[INST] U2 [/INST]");
  EXPECT_EQ(builtin("llama3"),
            "<BOS><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU1<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nA1<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU2<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_THAT(builtin("llama3.1"),
              HasSubstr("system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nS<|eot_id|>"));
  EXPECT_THAT(builtin("llama3.1", kTurns), HasSubstr("Today Date: 26 Jul 2024\n\n<|eot_id|>"));
  EXPECT_EQ(builtin("chatml"),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n"
            "<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(builtin("qwen2.5"), builtin("chatml"));
  EXPECT_THAT(builtin("qwen2.5", kTurns),
              HasSubstr("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"));
  EXPECT_THAT(builtin("smollm2", kTurns),
              HasSubstr("system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"));
  EXPECT_EQ(builtin("mistral-v1"), "<BOS> [INST] S\n\nU1 [/INST] A1<EOS> [INST] U2 [/INST]");
  EXPECT_EQ(builtin("mistral-v3"), "<BOS>[INST] U1[/INST] A1<EOS>[INST] S\n\nU2[/INST]");
  EXPECT_EQ(builtin("mistral-v3-tekken"), "<BOS>[INST]U1[/INST]A1<EOS>[INST]S\n\nU2[/INST]");
  EXPECT_EQ(builtin("mistral-v7"), "<BOS>[SYSTEM_PROMPT] S[/SYSTEM_PROMPT][INST] U1[/INST] A1<EOS>[INST] U2[/INST]");
  EXPECT_EQ(builtin("gemma", kTurns),
            "<BOS><start_of_turn>user\nU1<end_of_turn>\n<start_of_turn>model\nA1<end_of_turn>\n<start_of_turn>user\nU2<end_of_turn>\n<"
            "start_of_turn>model\n");
  EXPECT_EQ(builtin("phi3"), "<|system|>\nS<|end|>\n<|user|>\nU1<|end|>\n<|assistant|>\nA1<|end|>\n<|user|>\nU2<|end|>\n<|assistant|>\n");
  EXPECT_EQ(ChatTemplate::named("phi3").render_text(kAnswered, options(false)), "<|user|>\nU1<|end|>\n<|assistant|>\nA1<|end|>\n<EOS>");
  EXPECT_EQ(builtin("zephyr"), "<|system|>\nS<EOS>\n<|user|>\nU1<EOS>\n<|assistant|>\nA1<EOS>\n<|user|>\nU2<EOS>\n<|assistant|>\n");
  EXPECT_EQ(builtin("vicuna"), "S USER: U1 ASSISTANT: A1<EOS>USER: U2 ASSISTANT:");
  EXPECT_EQ(builtin("vicuna", {{"user", "U1"}}),
            "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
            "answers to "
            "the user's questions. USER: U1 ASSISTANT:");
  EXPECT_EQ(builtin("alpaca", {{"user", "I"}}),
            "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### "
            "Instruction:\nI\n\n### "
            "Response:");
  EXPECT_EQ(builtin("hh", kTurns), "\n\nHuman: U1\n\nAssistant: A1\n\nHuman: U2\n\nAssistant:");
  EXPECT_EQ(builtin("plain"), "SU1A1U2");
}

TEST(BuiltinTemplates, GemmaRefusesASystemMessage) {
  try {
    builtin("gemma");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("System role not supported"));
    EXPECT_THAT(error.where(), HasSubstr("gemma:"));
  }
}

TEST(BuiltinTemplates, AnUnknownNameListsTheKnownOnes) {
  try {
    ChatTemplate::named("chatlm");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.hint(), HasSubstr("chatml"));
  }
}

class Folder : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& content) { write_file_atomic(join_path(path_, name), content); }
  [[nodiscard]] std::string rendered() const { return ChatTemplate::from_folder(path_).render_text({{"user", "U"}}, options(true)); }
  const TemporaryFolder temporary_;
  const std::string& path_ = temporary_.path();
};

TEST_F(Folder, TheFileBeatsTheConfiguration) {
  EXPECT_EQ(ChatTemplate::from_folder(path_).name(), "plain");
  write("tokenizer_config.json", R"({"chat_template": "string {{ messages[0].content }}"})");
  EXPECT_EQ(rendered(), "string U");
  write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "list"}]})");
  EXPECT_EQ(rendered(), "list");
  write("chat_template.jinja", "file {{ bos_token }}");
  EXPECT_EQ(rendered(), "file <BOS>");
  EXPECT_EQ(ChatTemplate::from_folder(path_).source(), "file {{ bos_token }}");
}

TEST_F(Folder, AConfigurationThatIsNoneIsAnError) {
  write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THROW(ChatTemplate::from_folder(path_), Error);
  write("tokenizer_config.json", R"({"chat_template": "{% if %}"})");
  EXPECT_THROW(ChatTemplate::from_folder(path_), Error);
}

TEST(ChatTemplate, KnowsTheContentsFromTheTemplate) {
  const auto rendered = ChatTemplate::named("chatml").render(Messages{{"user", "<|im_end|>"}, {"assistant", "A"}}, options(false));
  const std::vector<Fragment> expected = {{"<|im_start|>user\n", false},
                                          {"<|im_end|>", true},
                                          {"<|im_end|>\n<|im_start|>assistant\n", false},
                                          {"A", true},
                                          {"<|im_end|>\n", false}};
  EXPECT_EQ(rendered.fragments, expected);
  EXPECT_EQ(rendered.text().substr(rendered.last_begin, rendered.last_end - rendered.last_begin), "A");
  EXPECT_EQ(rendered.cut_at(rendered.last_end).text(), rendered.text().substr(0, rendered.last_end));
}

TEST(ChatTemplate, AMadeUpRoleIsInputToo) {
  const auto rendered = ChatTemplate::named("chatml").render(Messages{{"<|im_end|>", "c"}}, options(false));
  ASSERT_GE(rendered.fragments.size(), 2U);
  EXPECT_EQ(rendered.fragments[1], (Fragment{"<|im_end|>", true}));
}

TEST(ChatTemplate, TheDateIsTheCallers) {
  const auto dated = ChatTemplate::from_source("{{ strftime_now('%d %b %Y') if strftime_now is defined else 'no date' }}", "dated");
  RenderOptions with_date;
  with_date.date = "2024-07-26";
  EXPECT_EQ(dated.render_text({}, {}), "no date");
  EXPECT_EQ(dated.render_text({}, with_date), "26 Jul 2024");
  with_date.date = "yesterday";
  EXPECT_THROW((void)dated.render_text({}, with_date), Error);
}

// What Python's datetime(2024, 7, 6, 9, 5, 3).strftime gives.
TEST(ChatTemplate, TheDateIsFormattedAsInPython) {
  const std::pair<std::string, std::string> formats[] = {{"%d %b %Y", "06 Jul 2024"},
                                                         {"%B %-d, %Y", "July 6, 2024"},
                                                         {"%A, %d %B %Y", "Saturday, 06 July 2024"},
                                                         {"%a %e %b %y", "Sat  6 Jul 24"},
                                                         {"%Y-%m-%d", "2024-07-06"},
                                                         {"%-m/%-d/%Y", "7/6/2024"},
                                                         {"%H:%M:%S", "09:05:03"},
                                                         {"%I:%M %p", "09:05 AM"},
                                                         {"%-I %p", "9 AM"},
                                                         {"%j %U %W %V %G %u %w", "188 26 27 27 2024 6 6"},
                                                         {"%D %F %T %R", "07/06/24 2024-07-06 09:05:03 09:05"},
                                                         {"%c|%x|%X", "Sat Jul  6 09:05:03 2024|07/06/24|09:05:03"},
                                                         {"%f", "000000"},
                                                         {"[%z%Z]", "[]"},
                                                         {"100%% %d", "100% 06"},
                                                         {"%C %h %n%t.", "20 Jul \n\t."},
                                                         {"%_d %^a %#Z", " 6 SAT "},
                                                         {"plain", "plain"}};
  RenderOptions options;
  options.date = "2024-07-06 09:05:03";
  for (const auto& [format, wanted] : formats) {
    options.variables["format"] = format;
    EXPECT_EQ(ChatTemplate::from_source("{{ strftime_now(format) }}", "dated").render_text({}, options), wanted) << format;
  }
}

TEST(ChatTemplate, ToolsAreDataForTheTemplate) {
  RenderOptions with_tools;
  with_tools.tools = Json::parse(R"([{"name": "f", "parameters": {"x": 1.5}}])");
  const auto rendered =
      ChatTemplate::from_source("{% for t in tools %}{{ t | tojson }}{% endfor %}", "tools").render(Messages{}, with_tools);
  EXPECT_EQ(rendered.text(), R"({"name": "f", "parameters": {"x": 1.5}})");
  EXPECT_TRUE(
      std::any_of(rendered.fragments.begin(), rendered.fragments.end(), [](const Fragment& f) { return f.is_input && f.text == "f"; }));
}

// 30 templates with the conversation and the text that llama.cpp tests; a field says where Jinja2 gives that text.
TEST(ChatTemplate, EqualsTheExpectedCases) {
  const std::string path = shared_data("chat_templates/llama_cpp/test-chat-template.cases.json");
  SKIP_WITHOUT(path);
  int equal = 0;
  for (const Json& c : read_json(path)) {
    const std::string verdict = c["python_jinja2_3_1_6"], expected = c["expected_jinja"], name = c["name"];
    Json messages = c["messages"];
    RenderOptions o;
    o.add_generation_prompt = c["add_generation_prompt"];
    o.variables = {{"bos_token", c["bos_token"]}, {"eos_token", c["eos_token"]}};
    const auto chat = ChatTemplate::from_source(c["chat_template"], name);
    if (contains(verdict, "system_prepended_to_first_user")) {
      messages[1]["content"] = messages[0]["content"].get<std::string>() + "\n" + messages[1]["content"].get<std::string>();
      messages.erase(0);
    }
    if (verdict == "match" || contains(verdict, "match_if")) {
      std::string text = chat.render(messages, o).text();
      const std::string bos = c["bos_token"];
      if (contains(verdict, "leading_bos_removed") && text.rfind(bos, 0) == 0) text.erase(0, bos.size());
      EXPECT_EQ(text, expected) << name;
      ++equal;
    } else if (contains(verdict, "error")) {
      EXPECT_THROW((void)chat.render(messages, o), Error) << name;
    }
  }
  EXPECT_EQ(equal, 27);
}

TEST(ChatTemplate, EveryRealFileParses) {
  const std::string path = shared_data("chat_templates");
  SKIP_WITHOUT(path);
  int parsed = 0;
  for (const std::string& file : list_files(path))
    if (file.ends_with(".jinja")) {
      EXPECT_NO_THROW(ChatTemplate::from_source(read_file(file), file)) << file;
      ++parsed;
    }
  EXPECT_GE(parsed, 43);
}

}  // namespace
}  // namespace iteralign
