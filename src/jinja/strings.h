#pragma once
// Python's str methods on Text. Positions are bytes.

#include <optional>
#include <vector>

#include "jinja/text.h"

namespace iteralign::jinja {

enum class Side { left, right, both };

// Without `characters`: white space.
Text strip(const Text& text, const Text* characters, Side side);
// count < 0: all.
Text replace(const Text& text, const Text& from, const Text& to, std::int64_t count);
// At runs of white space without `separator`; at most `max_splits` times when that is not negative, from the right for rsplit.
std::vector<Text> split(const Text& text, const Text* separator, std::int64_t max_splits, bool from_right);
std::vector<Text> split_lines(const Text& text, bool keep_ends);
Text join(const Text& separator, const std::vector<Text>& parts);

Text upper(const Text& text);
Text lower(const Text& text);
Text capitalize(const Text& text);
// Upper case after anything that is no letter (str.title), or after - ( { [ < and white space (the filter `title`).
Text title_method(const Text& text);
Text title_filter(const Text& text);

// The number in a string as int() and float() read it; nothing when there is none.
std::optional<std::int64_t> parse_integer(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);

}  // namespace iteralign::jinja
