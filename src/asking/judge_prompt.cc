#include "asking/judge_prompt.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::string_view kHead = "[judge]\n", kEndOfHead = "\n[system]\n", kEndOfGuardHead = "\n[template]\n", kSystem = "_system";
constexpr std::string_view kGuards = "guards/";

struct WordsLine {  // "negative refuses: refuses, yes"
  Meaning meaning;
  std::vector<std::string> words;
};
struct Head {
  std::vector<WordsLine> words;
  std::map<std::string, std::vector<std::string>> others;  // "schema: refusal"
};

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

// "negative refuses", or the label alone.
std::optional<Meaning> meaning_of(const std::string& key) {
  const auto space = key.find(' ');
  const auto label = named<Label>(key.substr(0, space));
  const auto conduct = space == std::string::npos ? Conduct::unknown : named<Conduct>(trim(key.substr(space)));
  if (!label || !conduct || (*label == Label::unjudged && *conduct != Conduct::unknown)) return std::nullopt;
  return Meaning{*label, *conduct};
}

struct Parsed {
  Head head;
  std::string rest;  // behind it
};

// `needed`: keys that must be there; `others` may be. A label may have a conduct behind it.
Parsed parse_head(std::string_view text, std::string_view end_of_head, const std::string& where, std::vector<std::string> needed,
                  const std::vector<std::string>& others) {
  const auto end = text.find(end_of_head);
  const auto refuse = [&](const std::string& what) -> Error {
    return {ErrorKind::usage, what, where,
            "lines of a head: " + join(needed, ", ") + "; there may be " + join(others, ", ") + "; behind a label may stand one of " +
                join({kNames<Conduct>.begin() + 1, kNames<Conduct>.end()}, ", ") + "; then comes " + std::string(trim(end_of_head))};
  };
  if (!has_head(text)) throw refuse("does not begin with [judge]");
  if (end == std::string_view::npos) throw refuse("has a line [judge] and no " + std::string(trim(end_of_head)));
  Parsed parsed{.head = {}, .rest = std::string(text.substr(end + end_of_head.size()))};
  for (const std::string_view line : split_lines(text.substr(kHead.size(), end - kHead.size()))) {
    if (line.starts_with('#')) continue;
    const std::string key(trim(line.substr(0, line.find(':'))));
    const auto meaning = meaning_of(key);
    const std::string known = meaning ? name(meaning->label) : key;
    if (std::ranges::count(needed, known) + std::ranges::count(others, known) == 0) throw refuse("has the unknown line '" + key + "'");
    std::vector<std::string> values = values_of(line.substr(std::min(line.find(':') + 1, line.size())), where);
    if (known != "opening" && std::ranges::count(values, "") > 0) throw refuse("does not say '" + key + ": ...'");
    if (meaning)
      parsed.head.words.push_back({*meaning, std::move(values)});
    else
      parsed.head.others[key] = std::move(values);
  }
  for (const std::string& key : needed)
    if (!parsed.head.others.contains(key) &&
        std::ranges::none_of(parsed.head.words, [&](const WordsLine& line) { return key == name(line.meaning.label); }))
      throw refuse("does not say '" + key + ": ...'");
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
  const auto found = head.others.find("threshold");
  if (found == head.others.end()) return 0.5;
  const Json value = parse_json(found->second.front(), where);
  if (!value.is_number() || value <= 0.0 || value >= 1.0)
    throw Error(ErrorKind::usage, "has a threshold that is no number above 0 and below 1", where);
  return value;
}

// The first word of each line; of lines without a conduct only where their label has no others.
std::vector<std::string> asked_for(const Head& head) {
  std::vector<std::string> words;
  for (const WordsLine& line : head.words) {
    const bool says_less = line.meaning.conduct == Conduct::unknown && std::ranges::any_of(head.words, [&](const WordsLine& other) {
                             return other.meaning.label == line.meaning.label && other.meaning.conduct != Conduct::unknown;
                           });
    if (!says_less) words.push_back(line.words.front());
  }
  return words;
}

// OpenAI's strict subset: every property required, nothing else allowed.
std::string schema_of(const std::string& answer, const std::vector<std::string>& words) {
  const Json properties = {{"reason", {{"type", "string"}}}, {answer, {{"type", "string"}, {"enum", words}}}};
  return dump_json(
      {{"type", "object"}, {"properties", properties}, {"required", Json::array({"reason", answer})}, {"additionalProperties", false}});
}

void add_words(const Head& head, JudgePrompt& prompt) {
  for (const WordsLine& line : head.words)
    for (const std::string& word : line.words) {
      if (prompt.opening) prompt.choices.push_back(word);
      prompt.words.words[to_lower(word)] = line.meaning;
    }
}

JudgePrompt read_judge_prompt(const PromptTexts& texts, const std::string& name) {
  const std::string file = name + std::string(kSystem), where = "prompt text '" + file + "'", text = texts.get(file);
  const auto [head, system] = parse_judge(has_head(text) ? text : PromptTexts().get(file), where);
  const double threshold = threshold_of(head, where);
  JudgePrompt prompt{.name = name,
                     .system = has_head(text) ? system : text,
                     .user = texts.has(name + "_user") ? name + "_user" : std::string(Question::harm.name) + "_user",
                     .schema_name = head.others.at("schema").front(),
                     .schema = schema_of(head.others.at("answer").front(), asked_for(head)),
                     .words = {.keys = head.others.at("answer"), .words = {}},
                     .asked_for = asked_for(head),
                     .prompt_optional = head.others.contains("prompt") && head.others.at("prompt").front() == "optional",
                     .threshold = threshold};
  if (const auto opening = head.others.find("opening"); opening != head.others.end()) prompt.opening = opening->second.front();
  add_words(head, prompt);
  return prompt;
}

}  // namespace

const std::string& JudgePrompt::word(Label label, Conduct conduct) const {
  const auto meaning = [&](const std::string& word) { return words.words.at(to_lower(word)); };
  const auto exact = std::ranges::find_if(asked_for, [&](const std::string& word) { return meaning(word) == Meaning{label, conduct}; });
  if (exact != asked_for.end()) return *exact;
  for (const auto& [word, known] : words.words)
    if (known == Meaning{label, conduct}) return word;
  return *std::ranges::find_if(asked_for, [&](const std::string& word) { return meaning(word).label == label; });
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
                     .asked_for = {},
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
