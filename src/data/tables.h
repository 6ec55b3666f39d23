#pragma once
// Tables of text: comma, semicolon, tab and pipe separated, and those of Markdown.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"

namespace iteralign {

struct Table {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;  // as wide as the header
};

// The table that a text is, found by its first line (behind `#` comments and Excel's `sep=;`): it has a column of prompts (names_prompt).
// A table of one column may have separators in its lines, where none is quoted. Nothing for a text that is no table.
// Throws Error data: for a broken row, and for a table of which no column is known to hold prompts. That is taken for a table which
//   begins with two or more names without spaces between separators; or
//   has in every row, three or more, the same number of cells, two or more; or two rows, quotes or short names in the first; or
//   begins with a single word over lines of several.
std::optional<Table> find_table(std::string_view text, const std::string& path);

}  // namespace iteralign
