#include "data/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/files.h"
#include "core/strings.h"
#include "data/prompt_record.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::array kSeparators = {',', ';', '\t', '|'};
constexpr const char* kMend =
    "name the column of the prompts `prompt`; if each line is a prompt, put the word prompt alone into a line above them";

bool is_blank(const std::string& cell) { return trim(cell).empty(); }

// "user_prompt", but no sentence and nothing with a point or a question mark.
bool is_identifier(std::string_view cell) {
  cell = trim(cell);
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c >= 0x80; };
  return !cell.empty() && cell.size() <= 40 && std::isdigit(static_cast<unsigned char>(cell[0])) == 0 &&
         std::all_of(cell.begin(), cell.end(), fits);
}

bool is_short_name(const std::string& cell) { return !is_blank(cell) && cell.size() <= 30 && words(cell).size() <= 2; }

// A text whose table begins at `at`; what is before it is comments.
struct Body {
  std::string text;
  int first_line = 1;     // of the file
  char separator = '\0';  // that the file itself names
};

// The rows of a Markdown table without the pipes at both ends; the row of dashes becomes an empty line.
std::string without_outer_pipes(std::string_view text) {
  std::string plain;
  for (const std::string_view line : split_lines(text)) {
    std::string_view row = trim(line);
    if (!row.empty()) {
      if (row.size() < 2 || row.front() != '|' || row.back() != '|') return std::string(text);
      row = row.substr(1, row.size() - 2);
      std::vector<std::string> cells;
      if (row.find_first_not_of("-:| \t") != std::string_view::npos)
        for (const auto& cell : split(row, '|')) cells.emplace_back(trim(cell));
      plain += join(cells, "|");
    }
    plain += '\n';
  }
  return plain;
}

Body body_of(std::string_view text) {
  Body body;
  for (;;) {
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    const bool names_separator = to_lower(line).starts_with("sep=") && line.size() <= 5;
    if (names_separator) body.separator = line.size() == 5 ? line[4] : '\t';  // the tab itself is trimmed away
    if (end == std::string_view::npos || !(line.empty() || line.starts_with("#") || names_separator)) break;
    text.remove_prefix(end + 1);
    ++body.first_line;
  }
  body.text = trim(text).starts_with("|") ? without_outer_pipes(text) : std::string(text);
  return body;
}

void drop_blank_end(std::vector<std::string>& cells, std::size_t width) {
  while (cells.size() > width && is_blank(cells.back())) cells.pop_back();
}

std::vector<std::string> header_of(const Body& body, char separator) {
  auto header = csv_header(body.text, {separator});
  drop_blank_end(header, 1);
  return header;
}

// Rows without those that are blank; a tab separated file often knows no quotes.
std::vector<CsvRow> rows_of(const Body& body, char separator, const std::string& path) {
  std::vector<CsvRow> rows;
  try {
    rows = parse_csv(body.text, path, {separator}, body.first_line);
  } catch (const Error&) {
    if (separator != '\t') throw;
    rows = parse_csv(body.text, path, {separator, /*quotes=*/false}, body.first_line);
  }
  std::erase_if(rows, [](const CsvRow& row) { return std::all_of(row.fields.begin(), row.fields.end(), is_blank); });
  return rows;
}

// Lines that are cells as they are.
std::vector<CsvRow> lines_of(const Body& body) {
  std::vector<CsvRow> rows;
  int number = body.first_line;
  for (const std::string_view line : split_lines(body.text)) {
    if (!trim(line).empty()) rows.push_back({number, {std::string(line)}});
    ++number;
  }
  return rows;
}

Table table_of(const Body& body, char separator, const std::string& path) {
  Table table{header_of(body, separator), {}};
  const std::size_t width = table.header.size();
  std::set<std::string> names;
  for (const auto& name : table.header)
    if (names_prompt(name) && !names.insert(to_lower(trim(name))).second)
      throw Error(ErrorKind::data, "two columns are named " + name, fmt::format("{}:{}", path, body.first_line), "rename one of them");
  const bool quoted = contains("\n" + body.text, "\n\""), alone = csv_header(body.text, {separator}).size() == 1;
  table.rows = alone && !quoted ? lines_of(body) : rows_of(body, separator, path);
  table.rows.erase(table.rows.begin());
  for (CsvRow& row : table.rows) {
    drop_blank_end(row.fields, width);
    if (row.fields.size() != width)
      throw Error(ErrorKind::data, fmt::format("this row has {} fields, the header {}", row.fields.size(), width),
                  fmt::format("{}:{}", path, row.line), "put text with separators or newlines into quotes");
  }
  return table;
}

// Is it a table of columns that nobody knows?
bool looks_like_table(const Body& body, char separator) {
  const auto header = header_of(body, separator);
  if (header.size() < 2) return false;
  if (std::all_of(header.begin(), header.end(), is_identifier) && !contains(body.text.substr(0, body.text.find('\n')), " ")) return true;
  std::vector<CsvRow> rows;
  try {
    rows = rows_of(body, separator, "");
  } catch (const Error&) {
    return false;
  }
  for (CsvRow& row : rows) drop_blank_end(row.fields, header.size());
  if (rows.size() < 2 || std::any_of(rows.begin(), rows.end(), [&](const CsvRow& r) { return r.fields.size() != header.size(); }))
    return false;
  const bool quoted = contains("\n" + body.text, "\n\"") || contains(body.text, std::string(1, separator) + "\"");
  return rows.size() > 2 || quoted || std::all_of(header.begin(), header.end(), is_short_name);
}

// A single word over lines of several.
bool looks_like_column(const Body& body) {
  const auto header = header_of(body, '\t');
  if (header.size() != 1 || !is_identifier(header[0])) return false;
  const auto rows = lines_of(body);
  return rows.size() > 1 && std::all_of(rows.begin() + 1, rows.end(), [](const CsvRow& row) { return words(row.fields[0]).size() > 2; });
}

}  // namespace

std::optional<Table> find_table(std::string_view text, const std::string& path) {
  const Body body = body_of(text);
  if (trim(body.text).empty()) return std::nullopt;
  std::vector<char> separators(kSeparators.begin(), kSeparators.end());
  if (body.separator != '\0') separators = {body.separator};
  const char* best = nullptr;
  std::size_t columns = 0;
  for (const char& separator : separators) {
    const auto header = header_of(body, separator);
    if (header.size() <= columns || !std::any_of(header.begin(), header.end(), names_prompt)) continue;
    best = &separator;
    columns = header.size();
  }
  if (best != nullptr) return table_of(body, *best, path);
  const std::string where = fmt::format("{}:{}", path, body.first_line);
  for (const char separator : separators)
    if (looks_like_table(body, separator))
      throw Error(ErrorKind::data, "none of these columns holds prompts: " + shorten(join(header_of(body, separator), ", "), 300), where,
                  kMend);
  if (looks_like_column(body))
    throw Error(ErrorKind::data,
                "looks like a column named '" + std::string(trim(header_of(body, '\t')[0])) + "', which is not known to hold prompts",
                where, kMend);
  return std::nullopt;
}

}  // namespace iteralign
