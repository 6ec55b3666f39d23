#pragma once
// What is said to the oracle and to the base model: the files of prompts/, compiled in, each replaceable by a file of the same
// name in the folder of the key `prompts_dir`. For an oracle of a few billion parameters those of prompts/small/ stand in for others of the
// same name: with examples, and one case at a time.

#include <string>
#include <utility>
#include <vector>

#include "iteralign/config.h"
#include "iteralign/records.h"

namespace iteralign {

// Few-shot turns shown between the constitution and the prompt.
struct Scaffold {
  std::string name;
  Messages turns;                  // user and assistant in turn
  std::vector<std::string> leaks;  // words that belong to its examples: an answer with one that its prompt has not was copied
};

enum class PromptSize { full, small };
PromptSize prompt_size(const OracleConfig& oracle);
// How many cases a question shows: with small prompts one.
int cases_shown(const OracleConfig& oracle, int at_most);
// How long a list that answers such a question may be.
int list_max_tokens(const OracleConfig& oracle);

class PromptTexts {
 public:
  // Error usage when there is no such folder, or a text in it has a {{place}} that the one it replaces has not: nothing would fill it.
  explicit PromptTexts(std::string override_folder = {}, PromptSize size = PromptSize::full);
  // Those of a run.
  explicit PromptTexts(const Config& config) : PromptTexts(config.prompts_dir, prompt_size(config.oracle)) {}

  // All that are compiled in: "judge_system", "scaffolds/refusal". Those of prompts/small/ go by the names of the others.
  [[nodiscard]] static std::vector<std::string> names();
  [[nodiscard]] bool has(const std::string& name) const;
  // Error usage when there is no such text.
  [[nodiscard]] std::string get(const std::string& name) const;
  // The text with each {{key}} replaced by its value; values are not searched for keys again.
  [[nodiscard]] std::string fill(const std::string& name, const std::vector<std::pair<std::string, std::string>>& values) const;
  // prompts/scaffolds/<name>.txt: a line "leaks: word, word", then sections [user] and [assistant] in turn.
  [[nodiscard]] Scaffold scaffold(const std::string& name) const;

 private:
  // The file that stands for this text; empty: none.
  [[nodiscard]] std::string replacement(const std::string& name) const;

  std::string override_folder_;
  PromptSize size_;
};

}  // namespace iteralign
