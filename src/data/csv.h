#pragma once
// CSV as in RFC 4180: quoted fields with commas, quotes ("") and newlines inside; LF or CRLF.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct CsvRow {
  int line = 0;  // where it begins, counting from 1
  std::vector<std::string> fields;
};

// All rows, empty lines left out. Throws Error data at `where`:line when a quote is never closed or text follows a closing quote.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where);

// The fields of the first row alone; nothing when it is broken.
std::vector<std::string> csv_header(std::string_view text);

}  // namespace iteralign
