#pragma once
// The escapes in texts of JSON as language models write it.

#include <string>
#include <string_view>

namespace iteralign {

// A quoted text without its escapes: halves of surrogate pairs become U+FFFD, an unknown escape is its letter.
std::string unescaped(std::string_view quoted);

}  // namespace iteralign
