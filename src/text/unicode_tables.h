#pragma once
// Where the Unicode versions of our libraries (PCRE2 10.42: 14, utf8proc 2.8: 15) and of the `tokenizers` library differ
// (its regular expressions: 16, its normalizers: about 11, its `Punctuation`: 8), so that a tokenizer splits rare characters as it was
// trained.

#include <optional>

namespace iteralign {

// For a character assigned after Unicode 14, and for U+180E, which PCRE2 takes for white space: an older character of the
// same general category and the same length in UTF-8.
std::optional<char32_t> older_stand_in(char32_t c);

// The lower case of a capital letter assigned after Unicode 15: the reference's `Lowercase` knows those of 17.
std::optional<char32_t> newer_lower_case(char32_t c);

// Does the reference's normalizer not know this character? It then passes as it is, like an unassigned one.
bool unknown_to_normalizer(char32_t c);

// General categories P* without ASCII: the reference's pre-tokenizer `Punctuation` knows those of Unicode 8.
bool is_old_punctuation(char32_t c);

}  // namespace iteralign
