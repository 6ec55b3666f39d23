#include "stages/revision_filter.h"

#include <algorithm>
#include <set>

#include "core/strings.h"
#include "core/text_quality.h"

namespace iteralign {
namespace {

using Words = std::vector<std::string>;

std::set<Words> word_runs(const Words& words, std::size_t length) {
  std::set<Words> runs;
  for (std::size_t i = 0; i + length <= words.size(); ++i)
    runs.emplace(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i + length));
  return runs;
}

bool share_run(const Words& a, const Words& b, std::size_t length) {
  const auto left = word_runs(a, length), right = word_runs(b, length);
  return std::any_of(left.begin(), left.end(), [&](const auto& run) { return right.contains(run); });
}

// The answer says the prompt again: most of the prompt's runs of four words are in it. Short prompts must be there whole.
bool echoes(const Words& revision, const Words& prompt) {
  const std::size_t length = std::min<std::size_t>(4, prompt.size());
  if (length == 0) return false;
  const auto asked = word_runs(prompt, length), said = word_runs(revision, length);
  const auto repeated = std::count_if(asked.begin(), asked.end(), [&](const auto& run) { return said.contains(run); });
  return prompt.size() >= 4 && static_cast<double>(repeated) >= 0.8 * static_cast<double>(asked.size());
}

// A model that is trained on "I can't help with that. I can't help with that." soon says nothing else.
bool repeats(const Words& revision) {
  constexpr std::size_t kRepeatedRun = 5;
  if (revision.size() < kRepeatedRun) return false;
  const std::size_t runs = revision.size() - kRepeatedRun + 1;
  return 10 * (runs - word_runs(revision, kRepeatedRun).size()) > runs;
}

bool leaks(const Words& revision, const Words& prompt, const Scaffold& scaffold) {
  for (const auto& word : scaffold.leaks)
    if (std::find(revision.begin(), revision.end(), word) != revision.end() &&
        std::find(prompt.begin(), prompt.end(), word) == prompt.end())
      return true;
  // Answers of the scaffold may be imitated; its questions have no place in an answer.
  constexpr std::size_t kQuestionRun = 5;
  return std::any_of(scaffold.turns.begin(), scaffold.turns.end(),
                     [&](const Message& turn) { return turn.role == "user" && share_run(revision, words(turn.content), kQuestionRun); });
}

}  // namespace

std::string revision_fault(const std::string& revision, const std::string& prompt, const Scaffold* scaffold,
                           const std::vector<std::string>& principles, int min_words) {
  const Words said = words(revision), asked = words(prompt);
  if (said.size() < static_cast<std::size_t>(min_words)) return "length";
  if (is_degenerate(revision) || repeats(said)) return "degenerate";
  if (echoes(said, asked)) return "echo";
  if (scaffold != nullptr && leaks(said, asked, *scaffold)) return "leak";
  constexpr std::size_t kPrincipleRun = 8;
  if (std::any_of(principles.begin(), principles.end(), [&](const auto& text) { return share_run(said, words(text), kPrincipleRun); }))
    return "leak";
  return {};
}

std::string whole_sentences(const std::string& text) {
  const auto end = text.find_last_of(".!?");
  return end == std::string::npos ? std::string() : text.substr(0, end + 1);
}

}  // namespace iteralign
