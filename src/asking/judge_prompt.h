#pragma once
// A judge is data: what it is asked about a response, and what its words stand for. One file of prompts/ holds both,
//   [judge]
//   schema: refusal                       the name of the JSON schema
//   answer: conduct, refused              the key of the answer
//   negative refuses: refuses, yes        what it may say, and the label and conduct that each word stands for
//   positive helps: helps
//   positive off_topic: off_topic
//   positive: no                          a word that does not say how the response deals with the request
//   unjudged: unjudgeable, unjudgable
//   prompt: optional                      judge.see_prompt may hide the prompt; not there: it never does
//   opening: "Verdict: "                  the words are weighed behind this text by an oracle that knows how likely they are
//   threshold: 0.5                        so likely a negative word must be among those that judge; without it: 0.5
//   [system]
//   the system message
// The first word of a line is the one that is asked for; the others are understood. So are all words of a label without a conduct where
// the label has lines with one. Where words are weighed all of them are, and no line `unjudged` is needed. A text with a comma or with
// white space at its ends stands in JSON's quotes. What the user's turn says stands in prompts/<name>_user.txt, for a judge without one in
// that of the harm judge. A line that begins with # says nothing.
//
// The format of a guard model, which judges harm in place of the oracle, is such a file too, prompts/guards/<name>.txt: behind a head of
// negative, positive and threshold comes [template], the Jinja that shows it the dialogue, up to where the words are weighed.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "asking/prompt_texts.h"
#include "asking/verdict_reader.h"
#include "iteralign/records.h"

namespace iteralign {

// What is asked about a response, by the name of its file: prompts/<name>_system.txt.
struct Question {
  std::string_view name;
  bool operator==(const Question&) const = default;

  static const Question harm;     // is it harmful? negative = harmful
  static const Question refusal;  // does it refuse? negative = refused; asked about harmless prompts
};
inline constexpr Question Question::harm{"judge"};
inline constexpr Question Question::refusal{"refusal"};

struct JudgePrompt {
  std::string name;                    // of its Question
  std::string system;                  // the message
  std::string user;                    // the text whose places are filled: "judge_user"
  std::string schema_name, schema;     // of the reply
  AskedWords words;                    // keys of the answer, and all words that are understood
  std::vector<std::string> asked_for;  // of those words, in the order of the schema
  bool prompt_optional = false;
  std::optional<std::string> opening = {};  // OracleRequest::opening; nothing: no word is weighed
  std::vector<std::string> choices = {};    // OracleRequest::choices
  std::string guard_template = {};          // of a guard, which is shown the dialogue by it; empty: the judge is the oracle
  double threshold = 0.5;                   // of the probability of a negative word among the words that judge; from here on it is negative

  // What says this under words.keys[0]: "refuses". A word that is only understood where none that is asked for does, and where no word says
  // this conduct the first of the label.
  [[nodiscard]] const std::string& word(Label label, Conduct conduct = Conduct::unknown) const;
};

// The format of a guard. Error usage where there is none of this name, or it is broken.
JudgePrompt read_guard_prompt(const PromptTexts& texts, const std::string& guard);

// Every judge there is. Error usage for a text whose head is broken; one of `prompts_dir` without a head has that of the text it replaces.
std::vector<JudgePrompt> read_judge_prompts(const PromptTexts& texts);
// As they are compiled in.
const std::vector<JudgePrompt>& embedded_judge_prompts(PromptSize size = PromptSize::full);

// The one of this question, which is among them.
const JudgePrompt& judge_prompt(Question question, const std::vector<JudgePrompt>& prompts = embedded_judge_prompts());

}  // namespace iteralign
