#include "jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "iteralign/error.h"

namespace iteralign::jinja {
namespace {

// \r\n and \r become \n; one newline at the end is dropped.
std::string normalize_newlines(const std::string& source) {
  std::string lines;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    lines += source[i] == '\r' ? '\n' : source[i];
  }
  if (!lines.empty() && lines.back() == '\n') lines.pop_back();
  return lines;
}

class Lexer {
 public:
  Lexer(const std::string& source, const std::string& name) : name_(name), source_(normalize_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      const std::size_t tag = find_tag(at_);
      if (tag == std::string::npos) {
        add(TokenKind::data, at_, source_.substr(at_));
        break;
      }
      read_data_before(tag);
      read_tag(tag);
    }
    add(TokenKind::end, source_.size(), "");
    return std::move(tokens_);
  }

 private:
  // Walks on from where the last call ended: tokens come in order.
  Position position(std::size_t at) {
    if (at < seen_) {
      seen_ = 0;
      seen_position_ = {};
    }
    while (seen_ < at) {
      const bool newline = source_[seen_] == '\n';
      seen_ += character_at(source_, seen_).size;
      seen_position_ = newline ? Position{seen_position_.line + 1, 1} : Position{seen_position_.line, seen_position_.column + 1};
    }
    return seen_position_;
  }
  [[noreturn]] void refuse(std::size_t at, const std::string& message) { refuse_at(name_, position(at), message); }
  void add(TokenKind kind, std::size_t at, std::string text) { tokens_.push_back({kind, std::move(text), position(at)}); }
  [[nodiscard]] bool starts(std::size_t at, std::string_view what) const {
    return at <= source_.size() && source_.compare(at, what.size(), what) == 0;
  }

  [[nodiscard]] std::size_t find_tag(std::size_t at) const {
    for (; (at = source_.find('{', at)) != std::string::npos; ++at)
      if (starts(at, "{{") || starts(at, "{%") || starts(at, "{#")) return at;
    return at;
  }

  [[nodiscard]] std::size_t skip_space(std::size_t at) const {
    while (at < source_.size()) {
      const Character c = character_at(source_, at);
      if (!is_space(c.code_point)) break;
      at += c.size;
    }
    return at;
  }

  // Template text up to a tag, with what the tag strips from its end.
  void read_data_before(std::size_t tag) {
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    std::size_t end = tag;
    if (sign == '-') {
      end = at_;
      for (std::size_t i = at_; i < tag;) {
        const Character c = character_at(source_, i);
        i += c.size;
        if (!is_space(c.code_point)) end = i;
      }
    } else if (sign != '+' && !starts(tag, "{{")) {
      const std::size_t newline = std::string_view(source_).substr(at_, tag - at_).rfind('\n');
      const bool in_data = newline != std::string_view::npos;
      const std::size_t line = in_data ? at_ + newline + 1 : at_;
      if ((in_data || line_starting_) && skip_space(line) >= tag) end = line;
    }
    if (end > at_) add(TokenKind::data, at_, source_.substr(at_, end - at_));
  }

  void read_tag(std::size_t tag) {
    if (starts(tag, "{#")) return read_comment(tag);
    const bool print = starts(tag, "{{");
    const std::size_t inside = tag + 2 + (starts(tag + 2, "-") || starts(tag + 2, "+") ? 1 : 0);
    if (!print && read_raw(tag, inside)) return;
    add(print ? TokenKind::print_begin : TokenKind::block_begin, tag, "");
    at_ = inside;
    read_expression_tokens(tag, print);
  }

  // After a tag's closing bracket at `close` (of `-%}`, `+%}`, `%}`): where the text goes on.
  void finish_tag(std::size_t close, bool minus, bool plus, bool trims_newline) {
    at_ = close;
    if (minus)
      at_ = skip_space(at_);
    else if (!plus && trims_newline && at_ < source_.size() && source_[at_] == '\n')
      ++at_;
    line_starting_ = source_[at_ - 1] == '\n';
  }

  void read_comment(std::size_t tag) {
    const std::size_t begin = tag + 2 + (starts(tag + 2, "-") || starts(tag + 2, "+") ? 1 : 0);
    const std::size_t close = source_.find("#}", begin);
    if (close == std::string::npos) refuse(tag, "missing end of comment tag");
    const char sign = close > begin ? source_[close - 1] : '\0';
    finish_tag(close + 2, sign == '-', sign == '+', true);
  }

  // {% raw %} ... {% endraw %}: true when there was one.
  bool read_raw(std::size_t tag, std::size_t inside) {
    std::size_t at = skip_space(inside);
    if (!starts(at, "raw")) return false;
    at = skip_space(at + 3);
    const bool minus = starts(at, "-%}");
    if (!minus && !starts(at, "%}")) return false;
    finish_tag(at + (minus ? 3 : 2), minus, false, false);
    for (std::size_t end = at_; (end = source_.find("{%", end)) != std::string::npos; ++end) {
      std::size_t close = end + 2;
      if (close < source_.size() && (source_[close] == '-' || source_[close] == '+')) ++close;
      close = skip_space(close);
      if (!starts(close, "endraw")) continue;
      close = skip_space(close + 6);
      const bool end_minus = starts(close, "-%}"), end_plus = starts(close, "+%}");
      if (!end_minus && !end_plus && !starts(close, "%}")) continue;
      read_data_before(end);
      finish_tag(close + (end_minus || end_plus ? 3 : 2), end_minus, end_plus, true);
      return true;
    }
    refuse(tag, "missing end of raw directive");
  }

  void read_expression_tokens(std::size_t tag, bool print) {
    const std::string_view close = print ? "}}" : "%}";
    std::string open_brackets;
    for (;;) {
      at_ = skip_space(at_);
      if (at_ >= source_.size()) refuse(tag, print ? "this {{ is not closed" : "this {% is not closed");
      if (open_brackets.empty()) {
        const bool minus = source_[at_] == '-' && starts(at_ + 1, close);
        const bool plus = !print && source_[at_] == '+' && starts(at_ + 1, close);
        if (minus || plus || starts(at_, close)) {
          add(print ? TokenKind::print_end : TokenKind::block_end, at_, "");
          return finish_tag(at_ + (minus || plus ? 3 : 2), minus, plus, !print);
        }
      }
      read_token(open_brackets);
    }
  }

  void read_token(std::string& open_brackets) {
    const unsigned char c = source_[at_];
    if (std::isdigit(c) != 0) return read_number();
    if (is_name_byte(c)) return read_name();
    if (c == '\'' || c == '"') return read_string(static_cast<char>(c));
    static constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
    for (const auto op : kTwo)
      if (starts(at_, op)) return add_operator(std::string(op), open_brackets);
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(static_cast<char>(c)) == std::string_view::npos)
      refuse(at_, fmt::format("unexpected character '{}'", source_.substr(at_, character_at(source_, at_).size)));
    add_operator(std::string(1, static_cast<char>(c)), open_brackets);
  }

  void add_operator(const std::string& op, std::string& open_brackets) {
    static constexpr std::string_view kOpen = "([{", kClose = ")]}";
    if (const auto open = kOpen.find(op); open != std::string_view::npos) open_brackets += kClose[open];
    if (kClose.find(op) != std::string_view::npos) {
      if (open_brackets.empty()) refuse(at_, "unexpected '" + op + "'");
      if (open_brackets.back() != op[0]) refuse(at_, fmt::format("unexpected '{}', expected '{}'", op, open_brackets.back()));
      open_brackets.pop_back();
    }
    add(TokenKind::op, at_, op);
    at_ += op.size();
  }

  static bool is_name_byte(unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; }

  void read_name() {
    const std::size_t begin = at_;
    while (at_ < source_.size() && is_name_byte(source_[at_])) {
      const Character c = character_at(source_, at_);
      if (c.size > 1 && !is_alphanumeric(c.code_point)) {
        if (at_ == begin) refuse(at_, fmt::format("unexpected character '{}'", source_.substr(at_, c.size)));
        break;
      }
      at_ += c.size;
    }
    add(TokenKind::name, begin, source_.substr(begin, at_ - begin));
  }

  // 12, 1_000, 0x1F, 1.5, 2e10; as in Python a sign is an operator and a point needs digits on both sides.
  void read_number() {
    const std::size_t begin = at_;
    const auto digits = [&](auto&& is_digit) {
      while (at_ < source_.size() &&
             (is_digit(source_[at_]) || (source_[at_] == '_' && at_ + 1 < source_.size() && is_digit(source_[at_ + 1]))))
        ++at_;
    };
    const auto decimal = [](unsigned char c) { return std::isdigit(c) != 0; };
    const auto is_digit_at = [&](std::size_t at) { return at < source_.size() && decimal(source_[at]); };
    if (source_[at_] == '0' && at_ + 2 < source_.size() && std::string_view("xXoObB").find(source_[at_ + 1]) != std::string_view::npos) {
      at_ += 2;
      digits([](unsigned char c) { return std::isxdigit(c) != 0; });
      return add_number(TokenKind::integer, begin);
    }
    digits(decimal);
    const bool after_point = begin > 0 && source_[begin - 1] == '.';
    bool floating = false;
    if (!after_point && at_ < source_.size() && source_[at_] == '.' && is_digit_at(at_ + 1)) {
      floating = true;
      ++at_;
      digits(decimal);
    }
    if (!after_point && at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      const std::size_t exponent = at_ + 1 + (at_ + 1 < source_.size() && (source_[at_ + 1] == '+' || source_[at_ + 1] == '-') ? 1 : 0);
      if (is_digit_at(exponent)) {
        floating = true;
        at_ = exponent;
        digits(decimal);
      }
    }
    add_number(floating ? TokenKind::floating : TokenKind::integer, begin);
  }

  void add_number(TokenKind kind, std::size_t begin) {
    std::string digits = source_.substr(begin, at_ - begin);
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    add(kind, begin, digits);
  }

  void read_string(char quote) {
    const std::size_t begin = at_++;
    std::string value;
    while (at_ < source_.size() && source_[at_] != quote) {
      if (source_[at_] == '\\')
        read_escape(value);
      else
        value += source_[at_++];
    }
    if (at_ >= source_.size()) refuse(begin, "this string is not closed");
    ++at_;
    add(TokenKind::string, begin, value);
  }

  // As in Python's string literals; an unknown escape keeps its backslash.
  void read_escape(std::string& value) {
    const std::size_t begin = at_;
    if (at_ + 1 >= source_.size()) refuse(begin, "this string is not closed");
    const char c = source_[at_ + 1];
    at_ += 2;
    static constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
    if (const auto simple = kFrom.find(c); simple != std::string_view::npos) {
      value += kTo[simple];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      value += to_utf8(read_code_point(begin, c == 'x' ? 2 : (c == 'u' ? 4 : 8), 16));
    } else if (c >= '0' && c <= '7') {
      --at_;
      std::size_t size = 1;
      while (size < 3 && at_ + size < source_.size() && source_[at_ + size] >= '0' && source_[at_ + size] <= '7') ++size;
      value += to_utf8(read_code_point(begin, size, 8));
    } else if (c == 'N') {
      refuse(begin, "characters by name (\\N) are not supported");
    } else if (c != '\n') {
      value += '\\';
      --at_;
    }
  }

  std::int32_t read_code_point(std::size_t begin, std::size_t size, int base) {
    const std::string digits = source_.substr(at_, size);
    const bool good =
        digits.size() == size && std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
    if (!good) refuse(begin, "truncated escape in a string");
    const unsigned long code_point = std::stoul(digits, nullptr, base);
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) refuse(begin, "this escape is no Unicode character");
    at_ += size;
    return static_cast<std::int32_t>(code_point);
  }

  const std::string& name_;
  std::string source_;
  std::size_t seen_ = 0;
  Position seen_position_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  bool line_starting_ = true;  // does the text at at_ begin a line, after what the tag before it consumed
};

}  // namespace

std::vector<Token> tokenize(const std::string& source, const std::string& name) { return Lexer(source, name).run(); }

void refuse_at(const std::string& name, Position at, const std::string& message) {
  throw Error(ErrorKind::data, message, fmt::format("{}:{}:{}", name, at.line, at.column));
}

}  // namespace iteralign::jinja
