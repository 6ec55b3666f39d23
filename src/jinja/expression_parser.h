#pragma once
// The expressions of Jinja2's grammar, in its order of precedence.

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"
#include "jinja/lexer.h"

namespace iteralign::jinja {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const std::string& name) : tokens_(std::move(tokens)), name_(name) {}

  ExpressionPtr expression();  // with `a if b else c`
  ExpressionPtr expression_without_conditional();
  // One expression, or several with commas: a tuple. It ends before `end_name`, a closing bracket or tag.
  ExpressionPtr tuple(bool with_conditional, std::string_view end_name = {}, bool parentheses = false);
  ExpressionPtr filters(ExpressionPtr operand);  // | name | name(...)
  ExpressionPtr filter(ExpressionPtr operand);   // name or name(...), without a bar
  Target target(bool with_attribute, std::string_view end_name = {});
  CallArguments arguments();

  // The stream of tokens.
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool skip_name(std::string_view name);
  bool skip_op(std::string_view op);
  Token expect(TokenKind kind, const std::string& what);
  void expect_name(std::string_view name);
  void expect_op(std::string_view op);
  [[noreturn]] void refuse(Position at, const std::string& message) const { refuse_at(name_, at, message); }
  [[noreturn]] void refuse_current(const std::string& expected) const;

  // The names that the macro in hand reads (varargs, kwargs and caller make it take such arguments).
  std::set<std::string> names_read;

  // Counts one level of nesting, of expressions or of blocks, while it lives.
  class Level {
   public:
    explicit Level(ExpressionParser& parser);
    ~Level() { --parser_.levels_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser& parser_;
  };

 private:
  template <class Node>
  ExpressionPtr make(Position at, Node node, std::initializer_list<const Expression*> children);
  ExpressionPtr logical_or();
  ExpressionPtr logical_and();
  ExpressionPtr logical_not();
  ExpressionPtr comparison();
  std::string comparison_operator();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr postfix(ExpressionPtr operand);
  ExpressionPtr filters_and_tests(ExpressionPtr operand);
  ExpressionPtr test(ExpressionPtr operand);
  ExpressionPtr call(ExpressionPtr callee);
  ExpressionPtr dot(ExpressionPtr object);
  ExpressionPtr subscript(ExpressionPtr object);
  ExpressionPtr primary();
  ExpressionPtr literal();
  ExpressionPtr list_display();
  ExpressionPtr dict_display();
  Target single_target(bool with_attribute);
  [[nodiscard]] bool at_tuple_end(std::string_view end_name) const;

  std::vector<Token> tokens_;
  const std::string& name_;
  std::size_t at_ = 0;
  int levels_ = 0;
};

}  // namespace iteralign::jinja
