#include "core/foreign_json.h"

#include <algorithm>
#include <string>

#include "core/utf8.h"

namespace iteralign {
namespace {

bool is_half(std::string_view text, std::string_view letters) {  // the second hex digit of the escape says which half
  return text.size() >= 6 && text[0] == '\\' && text[1] == 'u' && (text[2] == 'd' || text[2] == 'D') &&
         letters.find(text[3]) != std::string_view::npos;
}

// Bytes that are no UTF-8, and escapes of half a character.
std::string repaired(std::string_view text) {
  constexpr std::string_view kHigh = "89abAB", kLow = "cdefCDEF";
  std::string good;
  good.reserve(text.size());
  while (!text.empty()) {
    std::size_t length = utf8_front(text).length;
    if (is_half(text, kHigh) && is_half(text.substr(6), kLow)) {
      length = 12;
    } else if (is_half(text, kHigh) || is_half(text, kLow)) {
      good += "\\ufffd";
      text.remove_prefix(6);
      continue;
    } else if (text.size() > 1 && text[0] == '\\') {
      length = 1 + utf8_front(text.substr(1)).length;  // an escaped backslash begins no other escape
    }
    if (length == 0)
      good += kReplacementCharacter;
    else
      good += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return good;
}

// Deeper than any answer is, and shallow enough for the stack of recursive readers.
bool nests_too_deep(std::string_view text) {
  constexpr int kDeepest = 500;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quoted) ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > kDeepest) return true;
  }
  return false;
}

}  // namespace

Json parse_foreign_json(std::string_view text) {
  if (nests_too_deep(text)) return Json(Json::value_t::discarded);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? Json::parse(repaired(text), nullptr, /*allow_exceptions=*/false) : value;
}

}  // namespace iteralign
