#include "data/text_lines.h"

#include <algorithm>

#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

bool is_comment(std::string_view line) { return line == "#" || line.starts_with("# "); }

// Bytes of "- ", "* " or "12. " at the start of a line; 0 without such a mark.
std::size_t mark_of(std::string_view line) {
  if (line.starts_with("- ") || line.starts_with("* ")) return 2;
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const auto after = line.substr(digits, 2);
  return digits > 0 && (after == ". " || after == ") ") ? digits + 2 : 0;
}

[[noreturn]] void refuse(const std::string& what, const std::string& path) {
  throw Error(ErrorKind::data, what, path, "give the prompts as JSON, JSON Lines, YAML, a table with a header, or text with one a line");
}

}  // namespace

std::vector<TextLine> text_lines(std::string_view text) {
  std::vector<TextLine> lines;
  int number = 0;
  for (const std::string_view raw : split_lines(text)) {
    ++number;
    const std::string_view line = trim(raw);
    if (!line.empty() && !is_comment(line)) lines.push_back({number, std::string(line)});
  }
  if (std::ranges::all_of(lines, [](const TextLine& line) { return mark_of(line.text) > 0; }))
    for (TextLine& line : lines) line.text.erase(0, mark_of(line.text));
  return lines;
}

void check_plain_text(std::string_view text, const std::string& path) {
  text = trim(text);
  const std::string start = to_lower(text.substr(0, 200));
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) refuse("is a web page", path);
  if (start.starts_with("<?xml") || start.starts_with("<!")) refuse("is XML", path);
  if (start.starts_with("<")) {
    const std::string name = start.substr(1, std::min(start.find_first_of(" \t\r\n/>", 1), start.size()) - 1);
    if (!name.empty() && contains(text, "</" + std::string(text.substr(1, name.size())) + ">"))
      refuse("is XML or HTML, it begins with <" + name + ">", path);
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  const auto equals = line.find('=');
  if (equals != std::string_view::npos && !trim(line.substr(0, equals)).empty() && words(line.substr(0, equals)).size() == 1 &&
      trim(line.substr(equals + 1)).find_first_of("\"'[{") == 0)
    refuse("looks like TOML or a program: its first line is `" + shorten(line, 60) + "`", path);
}

}  // namespace iteralign
