#include "jinja/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "jinja/expression_parser.h"

namespace iteralign::jinja {
namespace {

class Parser {
 public:
  Parser(const std::string& source, const std::string& name) : in_(tokenize(source, name), name) {}

  Body run() { return body({}); }

 private:
  // Statements up to one of the tags `ends`, of which the name is then current; up to the end of the template when there are none.
  Body body(const std::vector<std::string>& ends) {
    const ExpressionParser::Level level(in_);
    Body statements;
    for (;;) {
      const Token token = in_.current();
      if (token.kind == TokenKind::end) {
        if (!ends.empty()) in_.refuse(token.at, fmt::format("the template ends where '{}' is missing", ends.back()));
        return statements;
      }
      in_.take();
      if (token.kind == TokenKind::data) {
        statements.push_back({token.at, Data{token.text}});
      } else if (token.kind == TokenKind::print_begin) {
        statements.push_back({token.at, Print{in_.tuple(true)}});
        in_.expect(TokenKind::print_end, "'}}'");
      } else {
        const Token& tag = in_.current();
        if (tag.kind == TokenKind::name && std::find(ends.begin(), ends.end(), tag.text) != ends.end()) return statements;
        statements.push_back(statement(token.at));
        close_tag();
      }
    }
  }

  void close_tag() { in_.expect(TokenKind::block_end, "'%}'"); }

  // The rest of an opening tag, the statements, and the name of the tag that ends them; that tag is left open.
  std::pair<Body, std::string> block(const std::vector<std::string>& ends) {
    in_.skip_op(":");
    close_tag();
    Body statements = body(ends);
    return {std::move(statements), in_.take().text};
  }

  Statement statement(Position at) {
    const Token tag = in_.expect(TokenKind::name, "the name of a tag");
    if (tag.text == "if") return {at, if_statement()};
    if (tag.text == "for") return {at, for_statement()};
    if (tag.text == "set") return set_statement(at);
    if (tag.text == "macro") return {at, macro()};
    if (tag.text == "call") return {at, call_block()};
    if (tag.text == "with") return {at, with_block()};
    if (tag.text == "filter") {
      ExpressionPtr filter = in_.filters(in_.filter(nullptr));
      return {at, FilterBlock{std::move(filter), function_body("endfilter")}};
    }
    if (tag.text == "generation") return {at, Generation{function_body("endgeneration")}};
    if (tag.text == "break" || tag.text == "continue") {
      if (loops_ == 0) in_.refuse(tag.at, "'" + tag.text + "' outside of a loop");
      return tag.text == "break" ? Statement{at, Break{}} : Statement{at, Continue{}};
    }
    in_.refuse(tag.at, fmt::format("the tag '{}' is unknown here or not supported", tag.text));
  }

  If if_statement() {
    If result;
    for (;;) {
      ExpressionPtr test = in_.tuple(false);
      auto [statements, end] = block({"elif", "else", "endif"});
      result.branches.emplace_back(std::move(test), std::move(statements));
      if (end == "endif") return result;
      if (end == "else") {
        result.otherwise = block({"endif"}).first;
        return result;
      }
    }
  }

  For for_statement() {
    For loop;
    const Position at = in_.current().at;
    loop.target = in_.target(false, "in");
    if (loop.target.name == "loop") in_.refuse(at, "cannot assign to the special variable 'loop'");
    in_.expect_name("in");
    loop.items = in_.tuple(false, "recursive");
    if (in_.skip_name("if")) loop.test = in_.expression();
    if (in_.current().is_name("recursive")) in_.refuse(in_.current().at, "recursive loops are not supported");
    ++loops_;
    auto [statements, end] = block({"else", "endfor"});
    --loops_;
    loop.body = std::move(statements);
    if (end == "else") loop.otherwise = block({"endfor"}).first;
    return loop;
  }

  Statement set_statement(Position at) {
    Target target = in_.target(true);
    if (in_.skip_op("=")) return {at, Set{std::move(target), in_.tuple(true)}};
    ExpressionPtr filter;
    if (in_.skip_op("|")) filter = in_.filters(in_.filter(nullptr));
    return {at, SetBlock{std::move(target), std::move(filter), block({"endset"}).first}};
  }

  With with_block() {
    With with;
    while (in_.current().kind != TokenKind::block_end) {
      if (!with.variables.empty()) in_.expect_op(",");
      Target target = in_.target(false);
      in_.expect_op("=");
      with.variables.emplace_back(std::move(target), in_.expression());
    }
    with.body = block({"endwith"}).first;
    return with;
  }

  void signature(Signature& result) {
    in_.expect_op("(");
    while (!in_.current().is_op(")")) {
      if (!result.parameters.empty()) in_.expect_op(",");
      result.parameters.push_back(in_.expect(TokenKind::name, "the name of a parameter").text);
      if (in_.skip_op("="))
        result.defaults.push_back(in_.expression());
      else if (!result.defaults.empty())
        in_.refuse(in_.current().at, "a parameter without a default follows one with a default");
    }
    in_.expect_op(")");
  }

  // A body that runs as a function of its own: no break or continue reaches out of it.
  Body function_body(const std::string& end) {
    const int loops = std::exchange(loops_, 0);
    Body statements = block({end}).first;
    loops_ = loops;
    return statements;
  }

  // The body, with what it reads of the arguments that have no names.
  void finish_function(Macro& result, const std::string& end) {
    std::set<std::string> outer = std::exchange(in_.names_read, {});
    result.body = function_body(end);
    result.signature.uses_varargs = in_.names_read.count("varargs") > 0;
    result.signature.uses_kwargs = in_.names_read.count("kwargs") > 0;
    result.signature.uses_caller = in_.names_read.count("caller") > 0;
    in_.names_read.merge(outer);
  }

  Macro macro() {
    Macro result{in_.expect(TokenKind::name, "the name of a macro").text, {}, {}};
    signature(result.signature);
    finish_function(result, "endmacro");
    return result;
  }

  CallBlock call_block() {
    CallBlock result{{"caller", {}, {}}, nullptr};
    if (in_.current().is_op("(")) signature(result.caller.signature);
    const Position at = in_.current().at;
    result.call = in_.expression();
    if (!std::holds_alternative<Call>(result.call->node)) in_.refuse(at, "expected a call");
    finish_function(result.caller, "endcall");
    return result;
  }

  ExpressionParser in_;
  int loops_ = 0;
};

}  // namespace

Body parse(const std::string& source, const std::string& name) { return Parser(source, name).run(); }

}  // namespace iteralign::jinja
