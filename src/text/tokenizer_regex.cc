#include "text/tokenizer_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>

#include "iteralign/error.h"
#include "text/unicode.h"
#include "text/unicode_tables.h"

namespace iteralign {
namespace {

// Oniguruma's `\w` as a list of a PCRE2 class.
constexpr std::string_view kWordList =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";

// Rewrites an expression in Oniguruma's Ruby syntax for PCRE2.
class Translation {
 public:
  Translation(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        class_member(c);
      } else if (c == '[') {
        open_class();
      } else if (c == '(' && pattern_.substr(at_, 2) == "(?") {
        group_options();
      } else {
        if (c == '+' && at_ > 0 && pattern_[at_ - 1] == '}' && interval_) refuse("{n,m}+");
        if (c == '{') interval_ = true;
        if (c != '{' && c != '}' && c != ',' && !(c >= '0' && c <= '9')) interval_ = false;
        copy(1);
      }
    }
    return std::move(result_);
  }

 private:
  void copy(std::size_t count) {
    result_ += pattern_.substr(at_, count);
    at_ += count;
  }
  void put(std::string_view text, std::size_t consumed) {
    result_ += text;
    at_ += consumed;
  }
  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(ErrorKind::data, "regular expression with " + std::string(what) + ", which is not supported: " + std::string(pattern_),
                where_);
  }

  void escape() {
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

  void open_class() {
    in_class_ = true;
    interval_ = false;
    copy(1);
    if (pattern_.substr(at_, 1) == "^") copy(1);
    if (pattern_.substr(at_, 1) == "]") copy(1);
  }

  void class_member(char c) {
    if (c == ']') in_class_ = false;
    if (c == '[') {
      const std::size_t end = pattern_.find(":]", at_);
      if (pattern_.substr(at_, 2) != "[:" || end == std::string_view::npos) refuse("a class inside a class");
      return copy(end + 2 - at_);
    }
    if (pattern_.substr(at_, 2) == "&&") refuse("&& inside a class");
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

  std::string_view pattern_;
  const std::string& where_;
  std::size_t at_ = 0;
  bool in_class_ = false;
  bool interval_ = false;  // inside or right behind {n,m}
  std::string result_;
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

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

struct TokenizerRegex::Code {
  pcre2_code* compiled = nullptr;

  Code(const std::string& pattern, std::string_view original, const std::string& where) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    // Multi-line: in Ruby ^ and $ always are.
    compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error,
                             &offset, nullptr);
    if (compiled == nullptr) {
      PCRE2_UCHAR message[256];
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorKind::data,
                  "regular expression: " + std::string(reinterpret_cast<const char*>(message)) + ": " + std::string(original), where);
    }
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // where there is no JIT it is interpreted
  }
  ~Code() { pcre2_code_free(compiled); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  // The first match at or after `start`; false when there is none.
  bool match(std::string_view text, std::size_t start, pcre2_match_data* data, const std::string& where) const {
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    int result = pcre2_match(compiled, subject, text.size(), start, PCRE2_NO_UTF_CHECK, data, nullptr);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {
      result = pcre2_match(compiled, subject, text.size(), start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, nullptr);
    }
    if (result == PCRE2_ERROR_NOMATCH) return false;
    if (result < 0)
      throw Error(ErrorKind::data, "regular expression: a text is too hard to match (PCRE2 error " + std::to_string(result) + ")", where);
    return true;
  }
};

TokenizerRegex::TokenizerRegex(std::string_view pattern, const std::string& where)
    : code_(std::make_shared<const Code>(Translation(pattern, where).run(), pattern, where)), where_(where) {}

void TokenizerRegex::find_all(std::string_view text, std::vector<Range>& matches) const {
  const auto stand_ins = with_stand_ins(text);
  if (stand_ins) text = *stand_ins;
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  const PCRE2_SIZE* found = pcre2_get_ovector_pointer(data.get());
  std::size_t start = 0;
  std::size_t last_end = std::string_view::npos;
  while (start <= text.size() && code_->match(text, start, data.get(), where_)) {
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
