#include "text/ollama.h"

#include <gmock/gmock.h>

#include "small_renderer.h"

namespace iteralign {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Ollama, ATemplateOfTurnsBecomesGo) {
  const auto text = ollama_template(renderer(ChatTemplate::named("chatml")));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr(R"({{- if eq .Role "system" }}{{ "<|im_start|>system\n" }}{{ .Content }}{{ "<|im_end|>\n" }}{{ end }})"));
  EXPECT_THAT(*text, HasSubstr(R"({{ "<|im_end|>\n" }}{{ if $last }}{{ "<|im_start|>assistant\n" }}{{ end }}{{ end }})"));
  EXPECT_THAT(*text, HasSubstr(R"({{ .Content }}{{ if not $last }}{{ "<|im_end|>\n" }}{{ end }}{{ end }})"));
  EXPECT_THAT(*text, Not(HasSubstr("not .System"))) << "chatml has no system message of its own";
}

TEST(Ollama, TheSystemMessageOfTheTemplateStandsWhereTheUserGivesNone) {
  const auto text = ollama_template(renderer(ChatTemplate::named("smollm2")));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, StartsWith("{{- if not .System }}{{ \"<|im_start|>system\\nYou are a helpful AI assistant named SmolLM"));
}

TEST(Ollama, BosIsLeftToLlamaCpp) {
  const auto text = ollama_template(renderer(ChatTemplate::named("llama3"), "</s>", true));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, Not(HasSubstr("<s>")));
}

// As Qwen and SmolLM2 have it: the marker of a turn is called BOS, and no tokenizer puts it anywhere.
TEST(Ollama, ATurnThatBeginsWithBosKeepsIt) {
  const Json config = {{"bos_token", "<|im_start|>"}, {"eos_token", "<|im_end|>"}};
  const Renderer chat = {std::make_shared<const Tokenizer>(Tokenizer::from_json(small_tokenizer(), config, "small")),
                         ChatTemplate::named("smollm2")};
  const auto text = ollama_template(chat);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, StartsWith("{{- if not .System }}{{ \"<|im_start|>system\\nYou are a helpful AI assistant named SmolLM"));
  EXPECT_THAT(*text, HasSubstr(R"({{- if eq .Role "system" }}{{ "<|im_start|>system\n" }})"));
}

TEST(Ollama, ATemplatesOwnBosStaysWhereLlamaCppAddsNone) {
  const auto text = ollama_template(renderer(ChatTemplate::named("llama3"), "</s>", false));
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("<s>"));
}

TEST(Ollama, ASystemMessageInsideTheUsersTurnIsBeyondIt) {
  EXPECT_FALSE(ollama_template(renderer(ChatTemplate::named("llama2"))));
  EXPECT_THAT(ollama_modelfile(renderer(ChatTemplate::named("llama2")), "m.gguf", Json::object()), Not(HasSubstr("TEMPLATE")));
}

TEST(Ollama, TheModelfileStopsWhereTheTemplateStops) {
  const Json sampling = {{"temperature", 0.2}, {"repetition_penalty", 1.1}, {"eos_token_id", 3}};
  const std::string file = ollama_modelfile(renderer(ChatTemplate::named("chatml")), "m.gguf", sampling);
  EXPECT_THAT(file, StartsWith("FROM ./m.gguf\n\nTEMPLATE \"\"\""));
  EXPECT_THAT(file, HasSubstr("PARAMETER stop \"<|im_end|>\"\n"));
  EXPECT_THAT(file, HasSubstr("PARAMETER temperature 0.2\nPARAMETER repeat_penalty 1.1\n"));
}

}  // namespace
}  // namespace iteralign
