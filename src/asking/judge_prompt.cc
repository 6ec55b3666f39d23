#include "asking/judge_prompt.h"

#include <algorithm>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kHead = "[judge]\n", kEndOfHead = "\n[system]\n", kSystem = "_system";
constexpr Label kAllLabels[] = {Label::negative, Label::positive, Label::unjudged};

// "negative: yes, true"
using Head = std::map<std::string, std::vector<std::string>>;

bool has_head(std::string_view text) { return text.starts_with(kHead); }

// `text` behind the colon: words between commas, or texts in JSON's quotes.
std::vector<std::string> values_of(std::string_view text, const std::string& where) {
  std::vector<std::string> values;
  if (trim(text).starts_with('"')) {
    const Json list = parse_json("[" + std::string(text) + "]", where);
    for (const Json& value : list) values.push_back(value.is_string() ? value.get<std::string>() : "");
  } else {
    for (const std::string& word : split(text, ',')) values.emplace_back(trim(word));
  }
  return values;
}

Head parse_head(std::string_view text, const std::string& where) {
  const auto end = text.find(kEndOfHead);
  const auto refuse = [&](const std::string& what) -> Error {
    return {ErrorKind::usage, what, where,
            "its lines are schema, answer, negative, positive and unjudged, each with words, and where words are weighed opening and "
            "threshold; then comes [system]"};
  };
  if (end == std::string_view::npos) throw refuse("has a line [judge] and no [system]");
  Head head;
  for (const std::string_view line : split_lines(text.substr(kHead.size(), end - kHead.size()))) {
    const std::string key(trim(line.substr(0, line.find(':'))));
    if (!is_one_of(key, {"schema", "answer", "negative", "positive", "unjudged", "prompt", "opening", "threshold"}))
      throw refuse("has the unknown line '" + key + "'");
    for (std::string& value : values_of(line.substr(std::min(line.find(':') + 1, line.size())), where))
      head[key].push_back(std::move(value));
  }
  std::vector<std::string> needed = {"schema", "answer", "negative", "positive"};
  if (!head.contains("opening") || head.contains("unjudged")) needed.emplace_back("unjudged");
  for (const std::string& key : needed)
    if (head[key].empty() || std::ranges::count(head[key], "") > 0) throw refuse("does not say '" + key + ": ...'");
  return head;
}

// Above 0 and below 1.
double threshold_of(const Head& head, const std::string& where) {
  const auto found = head.find("threshold");
  if (found == head.end()) return 0.5;
  const Json value = parse_json(found->second.front(), where);
  if (!value.is_number() || value <= 0.0 || value >= 1.0)
    throw Error(ErrorKind::usage, "has a threshold that is no number above 0 and below 1", where);
  return value;
}

// OpenAI's strict subset: every property required, nothing else allowed.
std::string schema_of(const Head& head) {
  const std::string& answer = head.at("answer").front();
  Json words = Json::array();
  for (const Label label : kAllLabels)
    if (head.contains(name(label))) words.push_back(head.at(name(label)).front());
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
                     .prompt_optional = head.contains("prompt") && head.at("prompt").front() == "optional",
                     .threshold = threshold_of(head, where)};
  if (head.contains("opening")) prompt.opening = head.at("opening").front();
  for (const Label label : kAllLabels) {
    const auto words = head.find(iteralign::name(label));
    if (words == head.end()) continue;
    for (const std::string& word : words->second) {
      if (prompt.opening) prompt.choices.push_back(word);
      prompt.words.words.push_back(to_lower(word));
      prompt.means[to_lower(word)] = label;
    }
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
