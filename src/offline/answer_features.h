#pragma once
// What the trained judge sees of an answer. tools/train_judge.py computes the same.

#include <array>
#include <set>
#include <string>
#include <string_view>

namespace iteralign {

inline constexpr std::array<std::string_view, 9> kShapeNames = {
    "cover",     // share of the prompt's words (of four letters and more, by their first five bytes) that the answer has
    "echo",      // share of the answer's first ten such words that are the prompt's
    "pairs",     // share of the prompt's pairs of words that the answer has
    "length",    // log(1 + words) / 6
    "short",     // 1 below 25 words
    "distinct",  // different words / words
    "list",      // lines that begin as an item of a list does, up to 10, / 10
    "code",      // 1 where a block of code is fenced
    "question",  // 1 where the answer ends with a question mark
};

struct AnswerFeatures {
  std::set<std::string> opening;   // runs of one to three of the first 12 words, "^" standing before them: "^ i cannot"
  std::set<std::string> anywhere;  // words, and pairs of words
  std::array<double, kShapeNames.size()> shape{};
};

AnswerFeatures answer_features(std::string_view prompt, std::string_view answer);

}  // namespace iteralign
