#pragma once
// Plain text with a prompt a line.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct TextLine {
  int number = 0;  // from 1
  std::string text;
};

// The lines that are not blank, without comments (`# ...`) and, where every line has one, without the marks of a list (`- `, `* `, `1. `).
std::vector<TextLine> text_lines(std::string_view text);

// Throws Error data for what is markup or a configuration, not lines of prompts.
void check_plain_text(std::string_view text, const std::string& path);

}  // namespace iteralign
