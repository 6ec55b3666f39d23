#pragma once
// Python's regular expressions, run by PCRE2: what the two read differently is translated, or refused where it cannot be.
// Reference: CPython's re of version 3.11 on.

#include <memory>
#include <string>
#include <string_view>

namespace iteralign {

class Pcre2Code;

// Immutable, safe from many threads.
class PythonRegex {
 public:
  // Throws Error data at `where` for what Python would not compile, and for the little that is not supported (\N{...}, locales).
  PythonRegex(std::string_view pattern, const std::string& where);

  // re.fullmatch on a valid UTF-8 text.
  [[nodiscard]] bool matches_all(std::string_view text) const;

 private:
  std::shared_ptr<const Pcre2Code> code_;
};

}  // namespace iteralign
