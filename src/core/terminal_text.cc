#include "core/terminal_text.h"

#include <fmt/format.h>

#include "core/utf8.h"

namespace iteralign {
namespace {

bool commands_a_terminal(char32_t c) {
  const bool turns = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) || turns;
}

}  // namespace

std::string terminal_text(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character c = utf8_front(text);
    const bool line_end = text.starts_with("\r\n");  // the line break alone is shown
    if (c.length == 0)
      shown += kReplacementCharacter;
    else if (!commands_a_terminal(c.code))
      shown += text.substr(0, c.length);
    else if (!line_end)
      shown += fmt::format("\\u{:04x}", static_cast<unsigned>(c.code));
    text.remove_prefix(c.length == 0 ? 1 : c.length);
  }
  return shown;
}

}  // namespace iteralign
