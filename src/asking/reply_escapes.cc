#include "asking/reply_escapes.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "core/utf8.h"

namespace iteralign {
namespace {

// The four digits behind \u, or nothing.
std::optional<char32_t> unit_at(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return {};
  char32_t unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const char c = text[i];
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return {};
    unit = unit * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

bool is_high(char32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(char32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Appends the character of the escape at `at`; returns how long the escape is.
std::size_t append_unicode_escape(std::string& out, std::string_view text, std::size_t at, char32_t unit) {
  if (is_high(unit)) {
    if (const auto low = unit_at(text, at + 6); low && is_low(*low)) {
      append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (*low - 0xDC00));
      return 12;
    }
  }
  append_utf8(out, is_high(unit) || is_low(unit) ? 0xFFFD : unit);
  return 6;
}

}  // namespace

std::string unescaped(std::string_view quoted) {
  constexpr std::string_view kLetters = "nrtbf", kMeant = "\n\r\t\b\f";
  std::string out;
  for (std::size_t i = 0; i < quoted.size();) {
    const std::size_t escape = std::min(quoted.find('\\', i), quoted.size() - 1);
    if (quoted[escape] != '\\' || escape + 1 == quoted.size()) return out.append(quoted.substr(i));
    out.append(quoted.substr(i, escape - i));
    i = escape;
    if (const auto unit = unit_at(quoted, i)) {
      i += append_unicode_escape(out, quoted, i, *unit);
    } else {
      const auto letter = kLetters.find(quoted[i + 1]);
      out += letter == std::string_view::npos ? quoted[i + 1] : kMeant[letter];
      i += 2;
    }
  }
  return out;
}

}  // namespace iteralign
