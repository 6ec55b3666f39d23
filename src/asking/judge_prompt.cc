#include "asking/judge_prompt.h"

#include <algorithm>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kHead = "[judge]\n", kEndOfHead = "\n[system]\n", kSystem = "_system";

// "negative: yes, true"
using Head = std::map<std::string, std::vector<std::string>>;

bool has_head(std::string_view text) { return text.starts_with(kHead); }

Head parse_head(std::string_view text, const std::string& where) {
  const auto end = text.find(kEndOfHead);
  const auto refuse = [&](const std::string& what) -> Error {
    return {ErrorKind::usage, what, where,
            "its lines are schema, answer, negative, positive and unjudged, each with words; then comes [system]"};
  };
  if (end == std::string_view::npos) throw refuse("has a line [judge] and no [system]");
  Head head;
  for (const std::string_view line : split_lines(text.substr(kHead.size(), end - kHead.size()))) {
    const std::string key(trim(line.substr(0, line.find(':'))));
    if (!is_one_of(key, {"schema", "answer", "negative", "positive", "unjudged", "prompt"}))
      throw refuse("has the unknown line '" + key + "'");
    for (const std::string& word : split(line.substr(std::min(line.find(':') + 1, line.size())), ',')) head[key].emplace_back(trim(word));
  }
  for (const char* key : {"schema", "answer", "negative", "positive", "unjudged"})
    if (head[key].empty() || head[key].front().empty()) throw refuse("does not say '" + std::string(key) + ": ...'");
  return head;
}

// OpenAI's strict subset: every property required, nothing else allowed.
std::string schema_of(const Head& head) {
  const std::string& answer = head.at("answer").front();
  const Json words = Json::array({head.at("negative").front(), head.at("positive").front(), head.at("unjudged").front()});
  const Json properties = {{"reason", {{"type", "string"}}}, {answer, {{"type", "string"}, {"enum", words}}}};
  return dump_json(
      {{"type", "object"}, {"properties", properties}, {"required", Json::array({"reason", answer})}, {"additionalProperties", false}});
}

JudgePrompt read_judge_prompt(const PromptTexts& texts, const std::string& name) {
  const std::string file = name + std::string(kSystem), where = "prompt text '" + file + "'", text = texts.get(file);
  const Head head = parse_head(has_head(text) ? text : PromptTexts().get(file), where);
  JudgePrompt prompt{.name = name,
                     .system = has_head(text) ? text.substr(text.find(kEndOfHead) + kEndOfHead.size()) : text,
                     .user = texts.has(name + "_user") ? name + "_user" : std::string(Question::harm.name) + "_user",
                     .schema_name = head.at("schema").front(),
                     .schema = schema_of(head),
                     .words = {.keys = head.at("answer"), .words = {}},
                     .means = {},
                     .prompt_optional = head.contains("prompt") && head.at("prompt").front() == "optional"};
  for (const auto& [label, key] : {std::pair(Label::negative, "negative"), {Label::positive, "positive"}, {Label::unjudged, "unjudged"}})
    for (const std::string& word : head.at(key)) {
      prompt.words.words.push_back(word);
      prompt.means[word] = label;
    }
  return prompt;
}

}  // namespace

const std::string& JudgePrompt::word(Label label) const {
  return *std::ranges::find_if(words.words, [&](const std::string& word) { return means.at(word) == label; });
}

std::vector<JudgePrompt> read_judge_prompts(const PromptTexts& texts) {
  std::vector<JudgePrompt> prompts;
  for (const std::string& name : PromptTexts().names())
    if (name.ends_with(kSystem) && has_head(PromptTexts().get(name)))
      prompts.push_back(read_judge_prompt(texts, name.substr(0, name.size() - kSystem.size())));
  return prompts;
}

const std::vector<JudgePrompt>& embedded_judge_prompts() {
  static const std::vector<JudgePrompt> kPrompts = read_judge_prompts(PromptTexts());
  return kPrompts;
}

const JudgePrompt& judge_prompt(Question question, const std::vector<JudgePrompt>& prompts) {
  const auto found = std::ranges::find(prompts, question.name, &JudgePrompt::name);
  ITERALIGN_CHECK(found != prompts.end(), "no judge is asked " + std::string(question.name));
  return *found;
}

}  // namespace iteralign
