#include "text/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "iteralign/error.h"
#include "text/unicode.h"
#include "text/unicode_tables.h"

namespace iteralign {
namespace {

constexpr std::string_view kKnownNormalizers = "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Strip, Lowercase";

bool any_marked(std::string_view marks) { return marks.find_first_not_of('\0') != std::string_view::npos; }

// Text of characters that the normalizer knows.
std::string normalize_known(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE));
  ITERALIGN_CHECK(length >= 0, "the text is valid UTF-8");
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

// U+11A7 lies just below the final consonants. utf8proc 2.8 takes it for one when it composes a syllable, and loses it.
constexpr char32_t kBelowHangulFinals = 0x11A7;

// A character that the reference does not know counts as a starter that nothing composes with.
std::string normalize(std::string_view text, int options) {
  std::string result;
  std::size_t known = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text[at]);
    const char32_t c = length > 1 ? utf8_at(text, at) : 0;
    if (c == kBelowHangulFinals || (length > 1 && unknown_to_normalizer(c))) {
      result.append(normalize_known(text.substr(known, at - known), options)).append(text.substr(at, length));
      known = at + length;
    }
    at += length;
  }
  return result.append(normalize_known(text.substr(known), options));
}

std::string to_lower_case(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const char32_t c = utf8_at(text, at);
    if (c == 0x130) {  // the one character whose lower case is two
      result += "i\xCC\x87";
    } else if (const auto newer = newer_lower_case(c)) {
      append_utf8(result, *newer);
    } else {
      append_utf8(result, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return result;
}

// Characters below U+0300 are in NFC and compose with nothing before them. So only the others need work, each run of them
// with the character before it; a run ends at an ASCII character.
std::string to_nfc(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t high = at;
    while (high < text.size() && byte(high) < 0xCC) ++high;
    if (high == text.size()) return result.append(text.substr(at));
    const std::size_t begin = high > at ? utf8_before(text, high) : high;
    std::size_t end = high;
    while (end < text.size() && byte(end) >= 0x80) ++end;
    result.append(text.substr(at, begin - at)).append(normalize(text.substr(begin, end - begin), UTF8PROC_COMPOSE));
    at = end;
  }
  return result;
}

}  // namespace

Normalizer::Normalizer(const JsonPart& part) { add(part); }

void Normalizer::add(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& member : part.list("normalizers")) add(member);
  } else if (type == "Prepend") {
    steps_.emplace_back(Prepend{part.string("prepend")});
  } else if (type == "Replace") {
    steps_.emplace_back(Replace{TokenizerPattern(part.at("pattern")), part.string("content")});
  } else if (type == "Strip") {
    steps_.emplace_back(Strip{part.boolean("strip_left", true), part.boolean("strip_right", true)});
  } else if (type == "NFC") {
    steps_.emplace_back(Form::nfc);
  } else if (type == "NFD") {
    steps_.emplace_back(Form::nfd);
  } else if (type == "NFKC") {
    steps_.emplace_back(Form::nfkc);
  } else if (type == "NFKD") {
    steps_.emplace_back(Form::nfkd);
  } else if (type == "Lowercase") {
    steps_.emplace_back(Form::lowercase);
  } else {
    part.unknown_type(kKnownNormalizers);
  }
}

void Normalizer::apply(MarkedText& text) const {
  for (const auto& step : steps_) {
    std::visit([&](const auto& s) { apply_step(s, text); }, step);
  }
}

void Normalizer::apply_step(const Prepend& step, MarkedText& text) {
  if (text.text.empty()) return;
  text.text.insert(0, step.text);
  if (!text.marks.empty()) text.marks.insert(0, step.text.size(), '\0');
}

void Normalizer::apply_step(const Replace& step, MarkedText& text) {
  std::vector<Range> matches;
  step.pattern.find_all(text.text, matches);
  if (matches.empty()) return;
  MarkedText result;
  result.has_start = text.has_start && (matches.front().begin > 0 || matches.front().end == 0 || !step.content.empty());
  result.text.reserve(text.text.size());
  std::size_t at = 0;
  const auto keep = [&](std::size_t end) {
    result.text.append(text.text, at, end - at);
    if (!text.marks.empty()) result.marks.append(text.marks, at, end - at);
  };
  for (const Range& match : matches) {
    keep(match.begin);
    result.text += step.content;
    if (!text.marks.empty()) {
      const bool marked = any_marked(std::string_view(text.marks).substr(match.begin, match.end - match.begin));
      result.marks.append(step.content.size(), marked ? '\1' : '\0');
    }
    at = match.end;
  }
  keep(text.text.size());
  text = std::move(result);
}

void Normalizer::apply_step(const Strip& step, MarkedText& text) {
  std::size_t begin = 0, end = text.text.size();
  while (step.left && begin < end && is_white_space(utf8_at(text.text, begin))) begin += utf8_length(text.text[begin]);
  while (step.right && begin < end && is_white_space(utf8_at(text.text, utf8_before(text.text, end)))) end = utf8_before(text.text, end);
  const bool has_start = text.has_start && begin == 0;
  text = text.slice(begin, end);
  text.has_start = has_start;
}

void Normalizer::apply_step(Form form, MarkedText& text) {
  if (text.marks.empty()) {
    text.text = convert(form, text.text);
    return;
  }
  // Nothing composes or reorders across the left side of an ASCII character, so the pieces can be converted apart.
  MarkedText result;
  result.has_start = text.has_start;
  for (std::size_t begin = 0; begin < text.text.size();) {
    std::size_t end = begin + 1;
    while (end < text.text.size() && static_cast<unsigned char>(text.text[end]) >= 0x80) ++end;
    const std::string piece = convert(form, std::string_view(text.text).substr(begin, end - begin));
    result.text += piece;
    result.marks.append(piece.size(), any_marked(std::string_view(text.marks).substr(begin, end - begin)) ? '\1' : '\0');
    begin = end;
  }
  text = std::move(result);
}

std::string Normalizer::convert(Form form, std::string_view text) {
  switch (form) {
    case Form::nfc:
      return to_nfc(text);
    case Form::nfd:
      return is_ascii(text) ? std::string(text) : normalize(text, UTF8PROC_DECOMPOSE);
    case Form::nfkc:
      return is_ascii(text) ? std::string(text) : normalize(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    case Form::nfkd:
      return is_ascii(text) ? std::string(text) : normalize(text, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    case Form::lowercase:
      return to_lower_case(text);
  }
  return {};
}

}  // namespace iteralign
