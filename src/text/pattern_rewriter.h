#pragma once
// What every translation of a regular expression for PCRE2 does: from left to right, a part is copied or replaced.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace iteralign {

class PatternRewriter {
 public:
  virtual ~PatternRewriter() = default;
  PatternRewriter(const PatternRewriter&) = delete;
  PatternRewriter& operator=(const PatternRewriter&) = delete;

  std::string translated() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\')
        escape();
      else if (in_class_)
        class_member(c);
      else if (c == '[')
        open_class();
      else
        outside(c);
    }
    return std::move(result_);
  }

 protected:
  explicit PatternRewriter(std::string_view pattern) : pattern_(pattern) {}

  // The translation of one part by a dialect; each function continues after that part.
  virtual void escape() = 0;              // at a backslash
  virtual void open_class() = 0;          // at the [ of a class
  virtual void class_member(char c) = 0;  // inside one
  virtual void outside(char c) = 0;       // everywhere else

  [[nodiscard]] bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  void copy(std::size_t count) { put(pattern_.substr(at_, count), count); }
  void put(std::string_view text, std::size_t consumed) {
    result_ += text;
    at_ += consumed;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool in_class_ = false;  // [...]

 private:
  std::string result_;
};

}  // namespace iteralign
