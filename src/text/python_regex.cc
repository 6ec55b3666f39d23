#include "text/python_regex.h"

#include "iteralign/error.h"
#include "text/pattern_rewriter.h"
#include "text/pcre2_code.h"

namespace iteralign {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Rewrites an expression for PCRE2.
class PythonPattern : public PatternRewriter {
 public:
  PythonPattern(std::string_view pattern, const std::string& where) : PatternRewriter(pattern), where_(where) {}

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::data, "the regular expression `" + std::string(pattern_) + "` has " + what, where_, "write it another way");
  }

  void escape() override {
    if (at_ + 1 == pattern_.size()) fail("a backslash at its end");
    const char c = pattern_[at_ + 1];
    const std::string_view classes = "dDsSwWafnrtb";
    if (c == 'v') return put("\\x{0B}", 2);
    if (c == 'x') return code_point(2);
    if (c == 'u') return code_point(4);
    if (c == 'U') return code_point(8);
    if (!in_class_ && c == 'Z') return put("\\z", 2);
    if (!in_class_ && (c == 'A' || c == 'B')) return copy(2);
    if (is_alphanumeric(c) && !is_digit(c) && classes.find(c) == std::string_view::npos) fail(std::string("\\") + c);
    copy(2);
  }

  void code_point(std::size_t digits) {
    const std::string_view hex = pattern_.substr(at_ + 2, digits);
    for (const char c : hex)
      if (!is_hex(c)) fail("an incomplete \\x, \\u or \\U");
    if (hex.size() < digits) fail("an incomplete \\x, \\u or \\U");
    put("\\x{" + std::string(hex) + "}", 2 + digits);
  }

  void open_class() override {
    in_class_ = true;
    copy(1);
    if (next_is("^")) copy(1);
    if (next_is("]")) put("\\]", 1);
  }

  // PCRE2 knows classes like [:alpha:] here, Python knows none.
  void class_member(char c) override {
    if (c == '[') return put("\\[", 1);
    if (c == ']') in_class_ = false;
    copy(1);
  }

  void outside(char c) override {
    if (c == '{') return repetition();
    if (next_is("(*")) fail("nothing to repeat");
    if (next_is("(?")) return group();
    copy(1);
  }

  // {n}, {n,}, {,m} and {n,m}; every other brace is a brace.
  void repetition() {
    std::size_t end = at_ + 1;
    const auto number = [&] {
      const std::size_t begin = end;
      while (end < pattern_.size() && is_digit(pattern_[end])) ++end;
      return std::string(pattern_.substr(begin, end - begin));
    };
    const std::string least = number();
    const bool comma = pattern_.substr(end, 1) == ",";
    if (comma) ++end;
    const std::string most = comma ? number() : least;
    if (pattern_.substr(end, 1) != "}" || (least.empty() && !comma)) return put("\\{", 1);
    put("{" + (least.empty() ? "0" : least) + "," + most + "}", end + 1 - at_);
  }

  void group() {
    for (const char* known : {"(?:", "(?=", "(?!", "(?>", "(?#", "(?<=", "(?<!", "(?P<", "(?P="})
      if (next_is(known)) return copy(std::string_view(known).size());
    if (next_is("(?(")) return condition();
    flags();
  }

  // (?(1)yes|no) and (?(name)yes|no)
  void condition() {
    const std::size_t end = std::min(pattern_.find(')', at_), pattern_.size());
    const std::string name(pattern_.substr(at_ + 3, end - at_ - 3));
    for (const char c : name)
      if (!is_alphanumeric(c) && c != '_') fail("a condition on `" + name + "`");
    if (name.empty() || name == "R" || name == "DEFINE") fail("a condition on `" + name + "`");
    copy(end + 1 - at_);
  }

  // (?i) for all of the expression, at its start alone; (?i-s:...) for a part. ASCII or not makes no difference to PCRE2 as it is used
  // here.
  void flags() {
    std::size_t end = at_ + 2;
    std::string kept;
    for (; end < pattern_.size() && std::string_view("aiumsx-").find(pattern_[end]) != std::string_view::npos; ++end)
      if (pattern_[end] != 'a' && pattern_[end] != 'u') kept += pattern_[end];
    const std::string_view close = pattern_.substr(end, 1);
    if (end == at_ + 2 || (close != ":" && close != ")")) fail("the group `" + std::string(pattern_.substr(at_, 4)) + "`");
    if (close == ")" && at_ != start_) fail("global flags that are not at its start");
    if (close == ")") start_ = end + 1;
    put(close == ")" && kept.empty() ? "" : "(?" + kept + std::string(close), end + 1 - at_);
  }

  const std::string& where_;
  std::size_t start_ = 0;  // behind the global flags
};

}  // namespace

PythonRegex::PythonRegex(std::string_view pattern, const std::string& where)
    : code_(std::make_shared<const Pcre2Code>(PythonPattern(pattern, where).translated(), PCRE2_ANCHORED | PCRE2_ENDANCHORED, pattern,
                                              where)) {}

bool PythonRegex::matches_all(std::string_view text) const { return code_->match(text, 0, Pcre2Code::match_data()); }

}  // namespace iteralign
