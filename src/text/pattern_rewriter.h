#pragma once
// What every translation of a regular expression for PCRE2 does: from left to right, a part is copied or replaced.

#include <cstddef>
#include <string>
#include <string_view>

namespace iteralign {

class PatternRewriter {
 protected:
  explicit PatternRewriter(std::string_view pattern) : pattern_(pattern) {}

  [[nodiscard]] bool at_end() const { return at_ >= pattern_.size(); }
  [[nodiscard]] bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  void copy(std::size_t count) { put(pattern_.substr(at_, count), count); }
  void put(std::string_view text, std::size_t consumed) {
    result_ += text;
    at_ += consumed;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool in_class_ = false;  // [...]
  std::string result_;
};

}  // namespace iteralign
