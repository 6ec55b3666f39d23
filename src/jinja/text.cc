#include "jinja/text.h"

#include <utf8proc.h>

#include <algorithm>

#include "core/strings.h"

namespace iteralign::jinja {
namespace {

std::string map_characters(std::string_view text, utf8proc_int32_t (*change)(utf8proc_int32_t)) {
  std::string changed;
  changed.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    changed += c.code_point < 0 ? std::string(text.substr(at, c.size)) : to_utf8(change(c.code_point));
    at += c.size;
  }
  return changed;
}

}  // namespace

void Text::append(std::string_view bytes, Origin origin) {
  if (bytes.empty()) return;
  if (bytes_.size() + bytes.size() > kMaxBytes) throw Fault{"a string grows beyond " + std::to_string(kMaxBytes >> 20) + " MiB"};
  bytes_ += bytes;
  if (!runs_.empty() && runs_.back().origin == origin)
    runs_.back().end = bytes_.size();
  else
    runs_.push_back({bytes_.size(), origin});
}

void Text::append(const Text& other) {
  std::size_t begin = 0;
  for (const Run& run : other.runs_) {
    append(std::string_view(other.bytes_).substr(begin, run.end - begin), run.origin);
    begin = run.end;
  }
}

Text Text::substr(std::size_t begin, std::size_t end) const {
  Text part;
  auto run = std::upper_bound(runs_.begin(), runs_.end(), begin, [](std::size_t at, const Run& r) { return at < r.end; });
  for (; begin < end; begin = run->end, ++run)
    part.append(std::string_view(bytes_).substr(begin, std::min(end, run->end) - begin), run->origin);
  return part;
}

Text Text::map(const std::function<std::string(std::string_view)>& change) const {
  Text changed;
  std::size_t begin = 0;
  for (const Run& run : runs_) {
    changed.append(change(std::string_view(bytes_).substr(begin, run.end - begin)), run.origin);
    begin = run.end;
  }
  return changed;
}

Character character_at(std::string_view text, std::size_t at) {
  utf8proc_int32_t code_point = -1;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                     static_cast<utf8proc_ssize_t>(text.size() - at), &code_point);
  if (size <= 0) return {-1, 1};
  return {code_point, static_cast<std::size_t>(size)};
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size) ++count;
  return count;
}

std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size) starts.push_back(at);
  starts.push_back(text.size());
  return starts;
}

std::string to_utf8(std::int32_t code_point) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(code_point, bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool is_space(std::int32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(std::int32_t c) {
  if (c == ' ') return true;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alphanumeric(std::int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

bool is_cased(std::int32_t c) { return utf8proc_toupper(c) != c || utf8proc_tolower(c) != c; }

std::string upper(std::string_view text) {
  constexpr std::string_view kSharpS = "ß", kCapitalSharpS = "ẞ";
  std::string changed = map_characters(text, utf8proc_toupper);
  if (text.find(kSharpS) != std::string_view::npos) changed = replace_all(changed, kCapitalSharpS, "SS");
  return changed;
}
std::string lower(std::string_view text) { return map_characters(text, utf8proc_tolower); }

}  // namespace iteralign::jinja
