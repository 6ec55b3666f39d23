#pragma once
// What a reader must know of the judge behind a rate.

#include <string>

namespace iteralign {

// "keyword: a list of phrases, which sees only whether an answer refuses"; other oracles by their name alone. Empty: "an unknown judge".
std::string judge_words(const std::string& oracle);

}  // namespace iteralign
