#pragma once
// Strings of the Jinja interpreter: UTF-8 that knows of every byte where it came from, and the Unicode facts that
// Python's str methods rest on.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign::jinja {

// What a value operation refuses; the interpreter adds template name, line and column and throws Error.
struct Fault {
  std::string message;
};

// Where a byte came from: n >= 1: the n-th message.
using Origin = std::int32_t;
constexpr Origin kTemplate = 0;  // written or computed by the template, or a special token
constexpr Origin kData = -1;     // tools and other data of the caller

// Positions and lengths are bytes, unless said otherwise. Larger than kMaxBytes is a Fault.
class Text {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
  struct Run {
    std::size_t end;  // where the run ends; it begins where the one before ends
    Origin origin;
  };

  Text() = default;
  explicit Text(std::string_view bytes, Origin origin = kTemplate) { append(bytes, origin); }

  void append(std::string_view bytes, Origin origin = kTemplate);
  void append(const Text& other);
  [[nodiscard]] Text substr(std::size_t begin, std::size_t end) const;
  [[nodiscard]] Text map(const std::function<std::string(std::string_view)>& change) const;  // run by run

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }

 private:
  std::string bytes_;
  std::vector<Run> runs_;
};

// UTF-8. A byte that belongs to no valid character counts as a character of its own, with code point -1.
struct Character {
  std::int32_t code_point;
  std::size_t size;  // bytes
};
Character character_at(std::string_view text, std::size_t at);
std::size_t count_characters(std::string_view text);
std::vector<std::size_t> character_starts(std::string_view text);  // the byte of every character, and the end of the text
std::string to_utf8(std::int32_t code_point);

// As str.isspace, str.isprintable, str.upper and so on in Python (of the letters that become several only ß does).
bool is_space(std::int32_t code_point);
bool is_printable(std::int32_t code_point);
bool is_alphanumeric(std::int32_t code_point);
bool is_cased(std::int32_t code_point);
std::string upper(std::string_view text);
std::string lower(std::string_view text);

}  // namespace iteralign::jinja
