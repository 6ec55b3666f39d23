#include "asking/judge_prompt.h"

#include <algorithm>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kHead = "[judge]\n", kEndOfHead = "\n[system]\n", kEndOfGuardHead = "\n[template]\n", kSystem = "_system";
constexpr std::string_view kGuards = "guards/";
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

struct Parsed {
  Head head;
  std::string rest;  // behind it
};

// `needed`: keys that must be there; `others` may be.
Parsed parse_head(std::string_view text, std::string_view end_of_head, const std::string& where, std::vector<std::string> needed,
                  const std::vector<std::string>& others) {
  const auto end = text.find(end_of_head);
  const auto refuse = [&](const std::string& what) -> Error {
    return {ErrorKind::usage, what, where,
            "lines of a head: " + join(needed, ", ") + "; there may be " + join(others, ", ") + "; then comes " +
                std::string(trim(end_of_head))};
  };
  if (!has_head(text)) throw refuse("does not begin with [judge]");
  if (end == std::string_view::npos) throw refuse("has a line [judge] and no " + std::string(trim(end_of_head)));
  Parsed parsed{.head = {}, .rest = std::string(text.substr(end + end_of_head.size()))};
  for (const std::string_view line : split_lines(text.substr(kHead.size(), end - kHead.size()))) {
    if (line.starts_with('#')) continue;
    const std::string key(trim(line.substr(0, line.find(':'))));
    if (std::ranges::count(needed, key) + std::ranges::count(others, key) == 0) throw refuse("has the unknown line '" + key + "'");
    for (std::string& value : values_of(line.substr(std::min(line.find(':') + 1, line.size())), where))
      parsed.head[key].push_back(std::move(value));
  }
  for (const std::string& key : needed)
    if (parsed.head[key].empty() || std::ranges::count(parsed.head[key], "") > 0) throw refuse("does not say '" + key + ": ...'");
  return parsed;
}

Parsed parse_judge(std::string_view text, const std::string& where) {
  const bool weighed = contains(text.substr(0, text.find(kEndOfHead)), "\nopening:");
  std::vector<std::string> needed = {"schema", "answer", "negative", "positive"}, others = {"prompt", "opening", "threshold"};
  (weighed ? others : needed).emplace_back("unjudged");
  return parse_head(text, kEndOfHead, where, needed, others);
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

void add_words(const Head& head, JudgePrompt& prompt) {
  for (const Label label : kAllLabels) {
    const auto words = head.find(name(label));
    if (words == head.end()) continue;
    for (const std::string& word : words->second) {
      if (prompt.opening) prompt.choices.push_back(word);
      prompt.words.words.push_back(to_lower(word));
      prompt.means[to_lower(word)] = label;
    }
  }
}

JudgePrompt read_judge_prompt(const PromptTexts& texts, const std::string& name) {
  const std::string file = name + std::string(kSystem), where = "prompt text '" + file + "'", text = texts.get(file);
  const auto [head, system] = parse_judge(has_head(text) ? text : PromptTexts().get(file), where);
  const double threshold = threshold_of(head, where);
  JudgePrompt prompt{.name = name,
                     .system = has_head(text) ? system : text,
                     .user = texts.has(name + "_user") ? name + "_user" : std::string(Question::harm.name) + "_user",
                     .schema_name = head.at("schema").front(),
                     .schema = schema_of(head),
                     .words = {.keys = head.at("answer"), .words = {}},
                     .means = {},
                     .prompt_optional = head.contains("prompt") && head.at("prompt").front() == "optional",
                     .threshold = threshold};
  if (head.contains("opening")) prompt.opening = head.at("opening").front();
  add_words(head, prompt);
  return prompt;
}

}  // namespace

const std::string& JudgePrompt::word(Label label) const {
  return *std::ranges::find_if(words.words, [&](const std::string& word) { return means.at(word) == label; });
}

JudgePrompt read_guard_prompt(const PromptTexts& texts, const std::string& guard) {
  const std::string file = std::string(kGuards) + guard, where = "prompt text '" + file + "'";
  if (!texts.has(file)) {
    std::vector<std::string> known;
    for (const std::string& name : PromptTexts::names())
      if (name.starts_with(kGuards)) known.push_back(name.substr(kGuards.size()));
    throw Error(ErrorKind::usage, "there is no guard '" + guard + "'", "judge.guard",
                "there are " + join(known, ", ") + "; one of your own is a file guards/" + guard + ".txt in prompts_dir");
  }
  const auto [head, shown] = parse_head(texts.get(file), kEndOfGuardHead, where, {"negative", "positive"}, {"unjudged", "threshold"});
  const double threshold = threshold_of(head, where);
  JudgePrompt prompt{.name = std::string(Question::harm.name),
                     .system = {},
                     .user = {},
                     .schema_name = {},
                     .schema = {},
                     .words = {},
                     .means = {},
                     .opening = "",
                     .guard_template = shown,
                     .threshold = threshold};
  add_words(head, prompt);
  return prompt;
}

std::vector<JudgePrompt> read_judge_prompts(const PromptTexts& texts) {
  std::vector<JudgePrompt> prompts;
  for (const std::string& name : PromptTexts().names())
    if (name.ends_with(kSystem) && has_head(PromptTexts().get(name)))
      prompts.push_back(read_judge_prompt(texts, name.substr(0, name.size() - kSystem.size())));
  return prompts;
}

const std::vector<JudgePrompt>& embedded_judge_prompts(PromptSize size) {
  static const std::vector<JudgePrompt> kFull = read_judge_prompts(PromptTexts()),
                                        kSmall = read_judge_prompts(PromptTexts("", PromptSize::small));
  return size == PromptSize::small ? kSmall : kFull;
}

const JudgePrompt& judge_prompt(Question question, const std::vector<JudgePrompt>& prompts) {
  const auto found = std::ranges::find(prompts, question.name, &JudgePrompt::name);
  ITERALIGN_CHECK(found != prompts.end(), "no judge is asked " + std::string(question.name));
  return *found;
}

}  // namespace iteralign
