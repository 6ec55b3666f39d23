#pragma once
// UTF-8, one character at a time.

#include <cstddef>
#include <string>
#include <string_view>

namespace iteralign {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Character {
  char32_t code = 0;
  std::size_t length = 0;  // 0: malformed
};

// The character at the front of `text`, which is not empty.
Utf8Character utf8_front(std::string_view text);

void append_utf8(std::string& text, char32_t character);

}  // namespace iteralign
