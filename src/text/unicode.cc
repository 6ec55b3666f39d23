#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "text/unicode_tables.h"

namespace iteralign {
namespace {

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

struct Sequence {
  std::size_t length = 1;    // bytes that belong to it
  bool well_formed = false;  // ... and are a whole character
  bool truncated = false;    // ... or a good beginning that the end of the text cuts
};

// Table 3-7 of the Unicode standard: which second byte may follow which first.
Sequence sequence_at(std::string_view bytes, std::size_t at) {
  const std::uint8_t first = byte_at(bytes, at);
  if (first < 0x80) return {1, true, false};
  if (first < 0xC2 || first > 0xF4) return {};
  const std::size_t length = utf8_length(bytes[at]);
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i == bytes.size()) return {i, false, true};
    std::uint8_t low = 0x80, high = 0xBF;
    if (i == 1 && first == 0xE0) low = 0xA0;
    if (i == 1 && first == 0xED) high = 0x9F;
    if (i == 1 && first == 0xF0) low = 0x90;
    if (i == 1 && first == 0xF4) high = 0x8F;
    if (byte_at(bytes, at + i) < low || byte_at(bytes, at + i) > high) return {i, false, false};
  }
  return {length, true, false};
}

// General category by the Unicode version of the reference (unicode_tables.h).
utf8proc_category_t category(char32_t c) {
  if (const auto stand_in = older_stand_in(c)) c = *stand_in;
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

struct ByteAlphabet {
  std::array<char32_t, 256> characters{};
  std::array<std::int16_t, 0x144> bytes{};

  ByteAlphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const char32_t character = printable ? static_cast<char32_t>(byte) : next++;
      characters[static_cast<std::size_t>(byte)] = character;
      bytes[character] = static_cast<std::int16_t>(byte);
    }
  }
};

const ByteAlphabet& byte_alphabet() {
  static const ByteAlphabet alphabet;
  return alphabet;
}

}  // namespace

char32_t utf8_at(std::string_view valid, std::size_t at) {
  const std::uint8_t first = byte_at(valid, at);
  if (first < 0x80) return first;
  const std::size_t length = utf8_length(valid[at]);
  char32_t c = first & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte_at(valid, at + i) & 0x3F);
  return c;
}

std::size_t utf8_before(std::string_view valid, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (byte_at(valid, at) & 0xC0) == 0x80);
  return at;
}

std::size_t utf8_valid_until(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    if (byte_at(bytes, at) < 0x80) {
      ++at;
      continue;
    }
    const Sequence sequence = sequence_at(bytes, at);
    if (!sequence.well_formed) break;
    at += sequence.length;
  }
  return at;
}

std::size_t utf8_malformed_length(std::string_view bytes, std::size_t at) { return sequence_at(bytes, at).length; }

std::size_t utf8_incomplete_tail(std::string_view bytes) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const std::size_t at = bytes.size() - back;
    if ((byte_at(bytes, at) & 0xC0) == 0x80) continue;
    const Sequence sequence = sequence_at(bytes, at);
    return sequence.truncated && sequence.length == back ? back : 0;
  }
  return 0;
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t good = utf8_valid_until(bytes, at);
    text.append(bytes.substr(at, good - at));
    at = good;
    if (at == bytes.size()) break;
    text += kReplacementCharacter;
    at += utf8_malformed_length(bytes, at);
  }
  return text;
}

std::string escape_controls(std::string_view bytes) {
  const std::string text = to_valid_utf8(bytes);
  std::string escaped;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const char32_t c = utf8_at(text, at);
    const bool turns = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    if (c == '\n' || c == '\t' || c == '\r') {
      escaped += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0) || turns) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), turns ? "\\u%04x" : "\\x%02x", static_cast<unsigned>(c));
      escaped += code.data();
    } else {
      escaped += text.substr(at, utf8_length(text[at]));
    }
  }
  return escaped;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Alphabetic, marks, decimal numbers, connector punctuation, join controls (Unicode Technical Standard 18, annex C).
bool is_word(char32_t c) {
  if ((c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189)) {
    return true;  // circled and squared letters
  }
  switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return c == 0x200C || c == 0x200D;
  }
}

bool is_numeric(char32_t c) {
  if ((c >= 0x11DE0 && c <= 0x11DE9) || (c >= 0x16FF4 && c <= 0x16FF6)) return true;  // Unicode 17
  const utf8proc_category_t general = category(c);
  return general == UTF8PROC_CATEGORY_ND || general == UTF8PROC_CATEGORY_NL || general == UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > 0x20 && c != 0x7F && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z');
  return is_old_punctuation(c);
}

char32_t byte_character(std::uint8_t byte) { return byte_alphabet().characters[byte]; }

std::optional<std::uint8_t> character_byte(char32_t character) {
  const auto& bytes = byte_alphabet().bytes;
  if (character >= bytes.size() || bytes[character] < 0) return std::nullopt;
  return static_cast<std::uint8_t>(bytes[character]);
}

std::optional<std::string> bytes_of_characters(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size(); at += utf8_length(token[at])) {
    const auto byte = character_byte(utf8_at(token, at));
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

}  // namespace iteralign
