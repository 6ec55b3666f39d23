#include "text/tokenizer_regex.h"

#include <optional>

#include "iteralign/error.h"
#include "text/pattern_rewriter.h"
#include "text/pcre2_code.h"
#include "text/unicode.h"
#include "text/unicode_tables.h"

namespace iteralign {
namespace {

// Oniguruma's `\w` as a list of a PCRE2 class.
constexpr std::string_view kWordList =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";

// Rewrites an expression in Oniguruma's Ruby syntax for PCRE2.
class RubyPattern : public PatternRewriter {
 public:
  RubyPattern(std::string_view pattern, const std::string& where) : PatternRewriter(pattern), where_(where) {}

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(ErrorKind::data, "regular expression with " + std::string(what) + ", which is not supported: " + std::string(pattern_),
                where_);
  }

  void escape() override {
    interval_ = false;
    if (at_ + 1 == pattern_.size()) refuse("a backslash at the end");
    const char c = pattern_[at_ + 1];
    switch (c) {
      case 'w':
        return put(in_class_ ? std::string(kWordList) : "[" + std::string(kWordList) + "]", 2);
      case 'W':
        if (in_class_) refuse("\\W inside a class");
        return put("[^" + std::string(kWordList) + "]", 2);
      case 'h':
        return put(in_class_ ? "0-9A-Fa-f" : "[0-9A-Fa-f]", 2);
      case 'v':
        return put("\\x{0B}", 2);
      case 'u':
        if (at_ + 6 > pattern_.size()) refuse("a cut \\u");
        return put("\\x{" + std::string(pattern_.substr(at_ + 2, 4)) + "}", 6);
      case 'p':
      case 'P': {
        const std::size_t end = pattern_.find('}', at_);
        if (at_ + 2 >= pattern_.size() || pattern_[at_ + 2] != '{' || end == std::string_view::npos) refuse("\\p without {name}");
        return copy(end + 1 - at_);
      }
      default:
        if ((std::isalnum(static_cast<unsigned char>(c)) != 0) && std::string_view("sSdDnrtfaexbBAzZG").find(c) == std::string_view::npos) {
          refuse(std::string("\\") + c);
        }
        return copy(2);
    }
  }

  void open_class() override {
    in_class_ = true;
    interval_ = false;
    copy(1);
    if (next_is("^")) copy(1);
    if (next_is("]")) copy(1);
  }

  void class_member(char c) override {
    if (c == ']') in_class_ = false;
    if (c == '[') {
      const std::size_t end = pattern_.find(":]", at_);
      if (!next_is("[:") || end == std::string_view::npos) refuse("a class inside a class");
      return copy(end + 2 - at_);
    }
    if (next_is("&&")) refuse("&& inside a class");
    copy(1);
  }

  void outside(char c) override {
    if (next_is("(?")) return group_options();
    if (c == '+' && at_ > 0 && pattern_[at_ - 1] == '}' && interval_) refuse("{n,m}+");
    if (c == '{') interval_ = true;
    if (c != '{' && c != '}' && c != ',' && !(c >= '0' && c <= '9')) interval_ = false;
    copy(1);
  }

  // (?i:...) and the look-arounds mean the same; (?m) is another thing in Ruby.
  void group_options() {
    interval_ = false;
    copy(2);
    while (at_ < pattern_.size() && (pattern_[at_] == '-' || std::isalpha(static_cast<unsigned char>(pattern_[at_])) != 0)) {
      if (pattern_[at_] != 'i' && pattern_[at_] != '-') refuse(std::string("the option (?") + pattern_[at_] + ")");
      copy(1);
    }
  }

  const std::string& where_;
  bool interval_ = false;  // inside or right behind {n,m}
};

// The text with characters that PCRE2's Unicode tables do not know replaced by older ones of the same kind and length,
// or nothing when it has none.
std::optional<std::string> with_stand_ins(std::string_view text) {
  std::optional<std::string> copy;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) continue;
    const auto older = older_stand_in(utf8_at(text, at));
    if (!older) continue;
    if (!copy) copy = std::string(text);
    std::string character;
    append_utf8(character, *older);
    ITERALIGN_CHECK(character.size() == utf8_length(text[at]), "a stand-in has the length of what it stands for");
    copy->replace(at, character.size(), character);
  }
  return copy;
}

}  // namespace

// Multi-line: in Ruby ^ and $ always are.
TokenizerRegex::TokenizerRegex(std::string_view pattern, const std::string& where)
    : code_(std::make_shared<const Pcre2Code>(RubyPattern(pattern, where).translated(), PCRE2_UCP | PCRE2_MULTILINE, pattern, where)) {}

void TokenizerRegex::find_all(std::string_view text, std::vector<Range>& matches) const {
  const auto stand_ins = with_stand_ins(text);
  if (stand_ins) text = *stand_ins;
  const auto data = Pcre2Code::match_data();
  const PCRE2_SIZE* found = pcre2_get_ovector_pointer(data.get());
  std::size_t start = 0;
  std::size_t last_end = std::string_view::npos;
  while (start <= text.size() && code_->match(text, start, data)) {
    const Range range{found[0], found[1]};
    if (range.begin == range.end && range.end == last_end) {  // an empty match right behind a match does not count
      start += start < text.size() ? utf8_length(text[start]) : 1;
      continue;
    }
    matches.push_back(range);
    start = last_end = range.end;
  }
}

TokenizerPattern::TokenizerPattern(const JsonPart& pattern) {
  if (pattern.find("Regex")) {
    regex_ = std::make_shared<const TokenizerRegex>(pattern.string("Regex"), pattern.where() + ".Regex");
  } else {
    literal_ = pattern.string("String");
    if (literal_.empty()) pattern.fail("the String is empty");
  }
}

void TokenizerPattern::find_all(std::string_view text, std::vector<Range>& matches) const {
  if (regex_) return regex_->find_all(text, matches);
  for (std::size_t at = text.find(literal_); at != std::string_view::npos; at = text.find(literal_, at + literal_.size())) {
    matches.push_back({at, at + literal_.size()});
  }
}

std::string TokenizerPattern::replace(std::string_view text, std::string_view content) const {
  std::vector<Range> matches;
  find_all(text, matches);
  std::string result;
  result.reserve(text.size());
  std::size_t at = 0;
  for (const Range& match : matches) {
    result.append(text.substr(at, match.begin - at)).append(content);
    at = match.end;
  }
  return result.append(text.substr(at));
}

}  // namespace iteralign
