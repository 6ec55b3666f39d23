#pragma once
// Small helpers for text that several rungs need. ASCII unless said otherwise.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);  // white space at both ends
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
// Lower-case words: runs of letters, digits and inner apostrophes; bytes above 127 count as letters.
std::vector<std::string> words(std::string_view text);
bool contains(std::string_view text, std::string_view part);
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words);
// The candidate with the smallest edit distance, or "" when none is close: for "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// Cuts UTF-8 text to at most `bytes`, never inside a character, and says so with an ellipsis.
std::string shorten(std::string_view text, std::size_t bytes);
std::string utc_now();  // 2026-01-31T23:59:59Z

}  // namespace iteralign
