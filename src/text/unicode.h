#pragma once
// UTF-8 and the character classes of the tokenizer. Functions that take valid UTF-8 say so.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/utf8.h"

namespace iteralign {

// The length in bytes of the character that starts with this byte of valid UTF-8.
inline std::size_t utf8_length(char first_byte) {
  const auto byte = static_cast<unsigned char>(first_byte);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}
char32_t utf8_at(std::string_view valid, std::size_t at);
// The start of the character before `at`; at > 0.
std::size_t utf8_before(std::string_view valid, std::size_t at);

// Where the bytes from `at` on stop being UTF-8: the position of the first malformed sequence, or the size.
std::size_t utf8_valid_until(std::string_view bytes, std::size_t at = 0);
// The length of the malformed sequence at `at` that one U+FFFD stands for (Unicode 3.9, "maximal subpart").
std::size_t utf8_malformed_length(std::string_view bytes, std::size_t at);
// How many bytes at the end begin a character that more bytes could complete.
std::size_t utf8_incomplete_tail(std::string_view bytes);
// Malformed sequences become U+FFFD.
std::string to_valid_utf8(std::string_view bytes);
// What a file or a model says, for one line of a terminal: control characters (C0, C1, DEL), line breaks and the characters that
// turn the direction of text become \n, \t, \x1b, \u202e; malformed bytes become U+FFFD.
std::string escape_controls(std::string_view bytes);

bool is_ascii(std::string_view text);

bool is_white_space(char32_t c);  // property White_Space: `\s`
bool is_word(char32_t c);         // `\w` of the `tokenizers` library
bool is_numeric(char32_t c);      // general categories Nd, Nl, No
bool is_punctuation(char32_t c);  // general categories P* as of Unicode 8, and the ASCII symbols

// The character that a byte is written as in byte-level vocabularies (GPT-2): printable bytes stand for themselves,
// the other 68 for U+0100 and following.
char32_t byte_character(std::uint8_t byte);
std::optional<std::uint8_t> character_byte(char32_t character);
// The bytes of a token that is written in these characters; nothing where it has others.
std::optional<std::string> bytes_of_characters(std::string_view token);

}  // namespace iteralign
