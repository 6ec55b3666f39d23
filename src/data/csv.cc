#include "data/csv.h"

#include <utility>

#include "iteralign/error.h"

namespace iteralign {
namespace {

// Reads rows one after another.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& where, const CsvFormat& format, int first_line = 1)
      : text_(text), where_(where), format_(format), line_(first_line), ends_({format.separator, '\r', '\n'}) {}

  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }

  CsvRow next_row() {
    CsvRow row{line_, {}};
    do row.fields.push_back(next_field());
    while (take(format_.separator));
    if (!take_line_end() && !at_end()) fail(line_, "text follows a closing quote");
    return row;
  }

 private:
  std::string next_field() {
    if (format_.quotes && take('"')) return quoted_field();
    const auto end = std::min(text_.find_first_of(ends_, at_), text_.size());
    std::string field(text_.substr(at_, end - at_));
    at_ = end;
    // A carriage return that does not end a line belongs to the field.
    while (at_ < text_.size() && text_[at_] == '\r' && text_.substr(at_, 2) != "\r\n") {
      const auto rest = std::min(text_.find_first_of(ends_, at_ + 1), text_.size());
      field += text_.substr(at_, rest - at_);
      at_ = rest;
    }
    return field;
  }

  std::string quoted_field() {
    const int opened = line_;
    std::string field;
    for (;;) {
      if (at_end()) fail(opened, "a quote is opened here and never closed");
      const char c = text_[at_++];
      if (c == '"' && !take('"')) return field;
      if (c == '\n') ++line_;
      field += c;
    }
  }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_line_end() {
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    if (!take('\n')) return false;
    ++line_;
    return true;
  }

  [[noreturn]] void fail(int line, const std::string& what) const {
    throw Error(ErrorKind::data, what, where_ + ":" + std::to_string(line),
                "write quotes inside a quoted field twice, or correct this row");
  }

  std::string_view text_;
  const std::string& where_;
  CsvFormat format_;
  int line_;
  std::string ends_;  // a cell without quotes ends before one of these
  std::size_t at_ = 0;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where, const CsvFormat& format, int first_line) {
  CsvReader reader(text, where, format, first_line);
  std::vector<CsvRow> rows;
  while (!reader.at_end()) {
    CsvRow row = reader.next_row();
    if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> csv_header(std::string_view text, const CsvFormat& format) {
  const std::string nowhere;
  try {
    return CsvReader(text, nowhere, format).next_row().fields;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace iteralign
