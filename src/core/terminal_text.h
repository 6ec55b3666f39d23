#pragma once
// The one gate between foreign text (of a server, a model, a file) and a terminal or a log.

#include <string>
#include <string_view>

namespace iteralign {

// Text that a terminal only shows: line breaks and tabs stay, every other control character (C0, DEL, C1) and those that turn the
// direction of text become \u001b, \u202e, which JSON reads back to the same; malformed bytes become U+FFFD.
std::string terminal_text(std::string_view text);

}  // namespace iteralign
