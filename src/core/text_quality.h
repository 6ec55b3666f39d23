#pragma once
// Whether a text is an answer at all, by rules that need no model.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

// Lower-case words for comparing phrases: typographic apostrophes, quotation marks, dashes and ellipses count as their ASCII
// forms, and each character of a script written without spaces is a word of its own.
std::vector<std::string> plain_words(std::string_view text);

// True when nobody could tell what the text says:
//   fewer than three words; or
//   six words or more, and one word makes up at least half of them; or
//   twelve words or more, numbers left out, and of the runs of four words fewer than half are different.
bool is_degenerate(std::string_view text);

}  // namespace iteralign
