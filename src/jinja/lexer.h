#pragma once
// Jinja source to tokens, with the white-space rules of trim_blocks and lstrip_blocks.

#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"

namespace iteralign::jinja {

enum class TokenKind { data, print_begin, print_end, block_begin, block_end, name, string, integer, floating, op, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;  // data, the name, the operator, the digits; of a string its value
  Position at;

  [[nodiscard]] bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
  [[nodiscard]] bool is_op(std::string_view op) const { return kind == TokenKind::op && text == op; }
};

// Throws Error data with `name`, line and column.
std::vector<Token> tokenize(const std::string& source, const std::string& name);

// Throws Error data "NAME:LINE:COLUMN: message".
[[noreturn]] void refuse_at(const std::string& name, Position at, const std::string& message);

}  // namespace iteralign::jinja
