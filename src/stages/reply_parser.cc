#include "stages/reply_parser.h"

#include <string>
#include <vector>

#include "core/strings.h"

namespace iteralign {
namespace {

std::optional<Json> parse_object(std::string_view text) {
  auto parsed = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || !parsed.is_object()) return std::nullopt;
  return parsed;
}

std::string without_thinking(std::string_view reply) {
  std::string text(reply);
  for (;;) {
    const auto end = text.find("</think>");
    if (end == std::string::npos) return text;
    const auto begin = text.find("<think>");
    text.erase(begin < end ? begin : 0, begin < end ? end + 8 - begin : end + 8);
  }
}

// The end of the object that opens at `open`, or npos. Braces inside JSON strings do not count.
std::size_t balanced_end(std::string_view text, std::size_t open) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<Json> reply_object(std::string_view reply) {
  if (auto whole = parse_object(reply)) return whole;
  const std::string text = without_thinking(reply);
  std::optional<Json> found;
  for (std::size_t at = 0; (at = text.find('{', at)) != std::string::npos;) {
    const std::size_t end = balanced_end(text, at);
    auto object = end == std::string_view::npos ? std::nullopt : parse_object(std::string_view(text).substr(at, end - at));
    if (!object) {
      ++at;
      continue;
    }
    if (found && *found != *object) return std::nullopt;
    found = std::move(object);
    at = end;
  }
  return found;
}

}  // namespace iteralign
