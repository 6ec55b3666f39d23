#pragma once
// Rows of cells as in RFC 4180: quoted cells with separators, quotes ("") and newlines inside; LF or CRLF.

#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct CsvRow {
  int line = 0;  // where it begins, counting from 1
  std::vector<std::string> fields;
};

struct CsvFormat {
  char separator = ',';
  bool quotes = true;  // false: a quote is a character like others
};

// All rows, empty lines left out. Throws Error data at `where`:line when a quote is never closed or text follows a closing quote.
// `first_line`: the number of the text's first line in its file.
std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where, const CsvFormat& format = {}, int first_line = 1);

// The fields of the first row alone; nothing when it is broken.
std::vector<std::string> csv_header(std::string_view text, const CsvFormat& format = {});

}  // namespace iteralign
