#include "jinja/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace iteralign::jinja {
namespace {

constexpr int kMaxLevels = 100;  // of brackets and blocks inside each other
constexpr int kMaxDepth = 500;   // of an expression's tree: a + b + c + ... is as deep as it is long

std::string described(const Token& token) {
  switch (token.kind) {
    case TokenKind::data:
      return "template text";
    case TokenKind::print_begin:
      return "'{{'";
    case TokenKind::print_end:
      return "'}}'";
    case TokenKind::block_begin:
      return "'{%'";
    case TokenKind::block_end:
      return "'%}'";
    case TokenKind::end:
      return "the end of the template";
    default:
      return "'" + token.text + "'";
  }
}

int deepest(const std::vector<ExpressionPtr>& expressions) {
  int depth = 0;
  for (const auto& e : expressions) depth = std::max(depth, e ? e->depth : 0);
  return depth;
}

// Where a node's children are in lists, its depth comes from here.
int depth_of(const CallArguments& a) {
  int depth = deepest(a.positional);
  for (const auto& [name, value] : a.keyword) depth = std::max(depth, value->depth);
  if (a.star) depth = std::max(depth, a.star->depth);
  if (a.double_star) depth = std::max(depth, a.double_star->depth);
  return depth;
}
int depth_of(const Call& n) { return depth_of(n.arguments); }
int depth_of(const Filter& n) { return depth_of(n.arguments); }
int depth_of(const Test& n) { return depth_of(n.arguments); }
int depth_of(const ListDisplay& n) { return deepest(n.items); }
int depth_of(const Concatenation& n) { return deepest(n.parts); }
int depth_of(const DictDisplay& n) {
  int depth = 0;
  for (const auto& [key, value] : n.entries) depth = std::max({depth, key->depth, value->depth});
  return depth;
}
int depth_of(const Comparison& n) {
  int depth = 0;
  for (const auto& [op, value] : n.rest) depth = std::max(depth, value->depth);
  return depth;
}
template <class Node>
int depth_of(const Node&) {
  return 0;
}

}  // namespace

ExpressionParser::Level::Level(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.levels_ > kMaxLevels) {
    --parser_.levels_;
    parser_.refuse(parser_.current().at, "brackets or blocks nest too deep");
  }
}

template <class Node>
ExpressionPtr ExpressionParser::make(Position at, Node node, std::initializer_list<const Expression*> children) {
  int depth = depth_of(node);
  for (const Expression* child : children) depth = std::max(depth, child != nullptr ? child->depth : 0);
  if (++depth > kMaxDepth) refuse(at, "this expression is too long");
  return std::make_unique<const Expression>(Expression{at, depth, std::move(node)});
}

// --- The stream of tokens ---

Token ExpressionParser::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool ExpressionParser::skip_name(std::string_view name) {
  const bool there = current().is_name(name);
  if (there) take();
  return there;
}

bool ExpressionParser::skip_op(std::string_view op) {
  const bool there = current().is_op(op);
  if (there) take();
  return there;
}

void ExpressionParser::refuse_current(const std::string& expected) const {
  refuse(current().at, fmt::format("expected {}, found {}", expected, described(current())));
}

Token ExpressionParser::expect(TokenKind kind, const std::string& what) {
  if (current().kind != kind) refuse_current(what);
  return take();
}

void ExpressionParser::expect_name(std::string_view name) {
  if (!skip_name(name)) refuse_current(fmt::format("'{}'", name));
}

void ExpressionParser::expect_op(std::string_view op) {
  if (!skip_op(op)) refuse_current(fmt::format("'{}'", op));
}

// --- From the loosest to the tightest ---

ExpressionPtr ExpressionParser::expression() {
  const Level level(*this);
  ExpressionPtr value = logical_or();
  while (current().is_name("if")) {
    const Position at = take().at;
    ExpressionPtr condition = logical_or(), otherwise;
    if (skip_name("else")) otherwise = expression();
    const std::initializer_list<const Expression*> children = {condition.get(), value.get(), otherwise.get()};
    value = make(at, Conditional{std::move(condition), std::move(value), std::move(otherwise)}, children);
  }
  return value;
}

ExpressionPtr ExpressionParser::expression_without_conditional() {
  const Level level(*this);
  return logical_or();
}

ExpressionPtr ExpressionParser::logical_or() {
  ExpressionPtr left = logical_and();
  while (current().is_name("or")) {
    const Position at = take().at;
    ExpressionPtr right = logical_and();
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    left = make(at, Logical{false, std::move(left), std::move(right)}, children);
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_and() {
  ExpressionPtr left = logical_not();
  while (current().is_name("and")) {
    const Position at = take().at;
    ExpressionPtr right = logical_not();
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    left = make(at, Logical{true, std::move(left), std::move(right)}, children);
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_not() {
  if (!current().is_name("not")) return comparison();
  const Level level(*this);
  const Position at = take().at;
  ExpressionPtr operand = logical_not();
  const auto* child = operand.get();
  return make(at, Not{std::move(operand)}, {child});
}

std::string ExpressionParser::comparison_operator() {
  static constexpr std::array<std::string_view, 6> kOperators = {"==", "!=", "<", "<=", ">", ">="};
  if (current().kind == TokenKind::op && std::find(kOperators.begin(), kOperators.end(), current().text) != kOperators.end())
    return take().text;
  if (skip_name("in")) return "in";
  if (current().is_name("not") && following().is_name("in")) {
    take();
    take();
    return "not in";
  }
  return {};
}

ExpressionPtr ExpressionParser::comparison() {
  ExpressionPtr first = sum();
  const Position at = current().at;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;
  for (std::string op; !(op = comparison_operator()).empty();) rest.emplace_back(op, sum());
  if (rest.empty()) return first;
  const auto* child = first.get();
  return make(at, Comparison{std::move(first), std::move(rest)}, {child});
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (current().is_op("+") || current().is_op("-")) {
    const Token op = take();
    ExpressionPtr right = concatenation();
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    left = make(op.at, Arithmetic{op.text, std::move(left), std::move(right)}, children);
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  std::vector<ExpressionPtr> parts;
  parts.push_back(product());
  const Position at = current().at;
  while (skip_op("~")) parts.push_back(product());
  return parts.size() == 1 ? std::move(parts.front()) : make(at, Concatenation{std::move(parts)}, {});
}

ExpressionPtr ExpressionParser::product() {
  ExpressionPtr left = power();
  while (current().is_op("*") || current().is_op("/") || current().is_op("//") || current().is_op("%")) {
    const Token op = take();
    ExpressionPtr right = power();
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    left = make(op.at, Arithmetic{op.text, std::move(left), std::move(right)}, children);
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {  // from the left, unlike Python
  ExpressionPtr left = unary(true);
  while (current().is_op("**")) {
    const Token op = take();
    ExpressionPtr right = unary(true);
    const std::initializer_list<const Expression*> children = {left.get(), right.get()};
    left = make(op.at, Arithmetic{op.text, std::move(left), std::move(right)}, children);
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  ExpressionPtr value;
  if (current().is_op("-") || current().is_op("+")) {
    const Level level(*this);
    const Token sign = take();
    ExpressionPtr operand = unary(false);
    const auto* child = operand.get();
    value = make(sign.at, Negation{sign.text == "-", std::move(operand)}, {child});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

// --- What follows an operand ---

ExpressionPtr ExpressionParser::postfix(ExpressionPtr operand) {
  for (;;) {
    if (current().is_op("."))
      operand = dot(std::move(operand));
    else if (current().is_op("["))
      operand = subscript(std::move(operand));
    else if (current().is_op("("))
      operand = call(std::move(operand));
    else
      return operand;
  }
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr operand) {
  for (;;) {
    if (current().is_op("|"))
      operand = filters(std::move(operand));
    else if (current().is_name("is"))
      operand = test(std::move(operand));
    else if (current().is_op("("))
      operand = call(std::move(operand));
    else
      return operand;
  }
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr operand) {
  while (skip_op("|")) operand = filter(std::move(operand));
  return operand;
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr operand) {
  const Token name = expect(TokenKind::name, "the name of a filter");
  CallArguments args;
  if (current().is_op("(")) args = arguments();
  const auto* child = operand.get();
  return make(name.at, Filter{std::move(operand), name.text, std::move(args)}, {child});
}

ExpressionPtr ExpressionParser::test(ExpressionPtr operand) {
  const Position at = take().at;
  const bool negated = skip_name("not");
  const Token name = expect(TokenKind::name, "the name of a test");
  CallArguments args;
  const Token& next = current();
  const bool starts_operand = next.kind == TokenKind::name || next.kind == TokenKind::string || next.kind == TokenKind::integer ||
                              next.kind == TokenKind::floating || next.is_op("[") || next.is_op("{");
  if (next.is_op("(")) {
    args = arguments();
  } else if (starts_operand && !next.is_name("else") && !next.is_name("or") && !next.is_name("and")) {
    if (next.is_name("is")) refuse(next.at, "tests with 'is' cannot be chained");
    args.positional.push_back(postfix(primary()));
  }
  const auto* child = operand.get();
  ExpressionPtr result = make(at, Test{std::move(operand), name.text, std::move(args)}, {child});
  if (!negated) return result;
  child = result.get();
  return make(at, Not{std::move(result)}, {child});
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee) {
  const Position at = current().at;
  CallArguments args = arguments();
  const auto* child = callee.get();
  return make(at, Call{std::move(callee), std::move(args)}, {child});
}

CallArguments ExpressionParser::arguments() {
  const Position at = current().at;
  CallArguments args;
  expect_op("(");
  for (bool first = true; !current().is_op(")"); first = false) {
    if (!first) {
      expect_op(",");
      if (current().is_op(")")) break;
    }
    const bool keywords_begun = !args.keyword.empty() || args.double_star;
    if (skip_op("*")) {
      if (args.star || args.double_star) refuse(at, "invalid syntax for function call expression");
      args.star = expression();
    } else if (skip_op("**")) {
      if (args.double_star) refuse(at, "invalid syntax for function call expression");
      args.double_star = expression();
    } else if (current().kind == TokenKind::name && following().is_op("=")) {
      if (args.double_star) refuse(at, "invalid syntax for function call expression");
      const std::string name = take().text;
      take();
      args.keyword.emplace_back(name, expression());
    } else {
      if (keywords_begun || args.star) refuse(at, "a positional argument follows keyword arguments");
      args.positional.push_back(expression());
    }
  }
  expect_op(")");
  return args;
}

ExpressionPtr ExpressionParser::dot(ExpressionPtr object) {
  const Position at = take().at;
  const auto* child = object.get();
  const Token name = take();
  if (name.kind == TokenKind::name) return make(at, Attribute{std::move(object), name.text}, {child});
  if (name.kind != TokenKind::integer) refuse(name.at, "expected name or number");
  std::int64_t index = 0;
  std::from_chars(name.text.data(), name.text.data() + name.text.size(), index);
  return make(at, Item{std::move(object), make(name.at, Literal{index}, {})}, {child});
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const Position at = take().at;
  const auto* child = object.get();
  ExpressionPtr begin, end, step;
  if (!current().is_op(":")) {
    begin = expression();
    if (skip_op("]")) {
      const auto* index = begin.get();
      return make(at, Item{std::move(object), std::move(begin)}, {child, index});
    }
  }
  if (!skip_op(":")) refuse_current("']' or ':'");
  if (!current().is_op(":") && !current().is_op("]")) end = expression();
  if (skip_op(":") && !current().is_op("]")) step = expression();
  expect_op("]");
  const std::initializer_list<const Expression*> children = {child, begin.get(), end.get(), step.get()};
  return make(at, Slice{std::move(object), std::move(begin), std::move(end), std::move(step)}, children);
}

// --- Operands ---

ExpressionPtr ExpressionParser::primary() {
  const Level level(*this);
  const Token& token = current();
  if (token.kind == TokenKind::name) {
    const Token name = take();
    if (name.text == "true" || name.text == "True") return make(name.at, Literal{true}, {});
    if (name.text == "false" || name.text == "False") return make(name.at, Literal{false}, {});
    if (name.text == "none" || name.text == "None") return make(name.at, Literal{Value()}, {});
    names_read.insert(name.text);
    return make(name.at, Name{name.text}, {});
  }
  if (token.is_op("(")) {
    take();
    ExpressionPtr inner = tuple(true, {}, true);
    expect_op(")");
    return inner;
  }
  if (token.is_op("[")) return list_display();
  if (token.is_op("{")) return dict_display();
  return literal();
}

ExpressionPtr ExpressionParser::literal() {
  const Token token = current();
  if (token.kind == TokenKind::string) {
    Text joined;
    while (current().kind == TokenKind::string) joined.append(take().text);
    return make(token.at, Literal{Value(std::move(joined))}, {});
  }
  if (token.kind == TokenKind::integer) {
    take();
    const bool prefixed = token.text.size() > 2 && token.text[0] == '0' && std::isalpha(static_cast<unsigned char>(token.text[1])) != 0;
    const int base = !prefixed ? 10 : (std::tolower(token.text[1]) == 'x' ? 16 : (std::tolower(token.text[1]) == 'o' ? 8 : 2));
    const char* begin = token.text.data() + (prefixed ? 2 : 0);
    const char* end = token.text.data() + token.text.size();
    std::int64_t value = 0;
    const auto [parsed, error] = std::from_chars(begin, end, value, base);
    if (error == std::errc::result_out_of_range) refuse(token.at, "this integer does not fit in 64 bits");
    const bool padded = !prefixed && token.text[0] == '0' && value != 0;
    if (parsed != end || padded) refuse(token.at, "this is no integer");
    return make(token.at, Literal{value}, {});
  }
  if (token.kind == TokenKind::floating) {
    take();
    double value = 0;
    if (std::from_chars(token.text.data(), token.text.data() + token.text.size(), value).ec != std::errc())
      refuse(token.at, "this number is out of range");
    return make(token.at, Literal{value}, {});
  }
  refuse_current("an expression");
}

ExpressionPtr ExpressionParser::list_display() {
  const Position at = take().at;
  ListDisplay list;
  while (!current().is_op("]")) {
    if (!list.items.empty()) expect_op(",");
    if (current().is_op("]")) break;
    list.items.push_back(expression());
  }
  expect_op("]");
  return make(at, std::move(list), {});
}

ExpressionPtr ExpressionParser::dict_display() {
  const Position at = take().at;
  DictDisplay dict;
  while (!current().is_op("}")) {
    if (!dict.entries.empty()) expect_op(",");
    if (current().is_op("}")) break;
    ExpressionPtr key = expression();
    expect_op(":");
    dict.entries.emplace_back(std::move(key), expression());
  }
  expect_op("}");
  return make(at, std::move(dict), {});
}

bool ExpressionParser::at_tuple_end(std::string_view end_name) const {
  return current().kind == TokenKind::print_end || current().kind == TokenKind::block_end || current().is_op(")") ||
         (!end_name.empty() && current().is_name(end_name));
}

ExpressionPtr ExpressionParser::tuple(bool with_conditional, std::string_view end_name, bool parentheses) {
  const Position at = current().at;
  ListDisplay items{{}, true};
  bool comma = false;
  while (!at_tuple_end(end_name)) {
    items.items.push_back(with_conditional ? expression() : expression_without_conditional());
    if (!skip_op(",")) break;
    comma = true;
  }
  if (!comma && items.items.size() == 1) return std::move(items.items.front());
  if (items.items.empty() && !parentheses) refuse_current("an expression");
  return make(at, std::move(items), {});
}

// --- Targets of assignments ---

Target ExpressionParser::single_target(bool with_attribute) {
  const Level level(*this);
  if (skip_op("(")) {
    Target inner = target(with_attribute);
    expect_op(")");
    return inner;
  }
  const Token name = expect(TokenKind::name, "a name to assign to");
  static constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none", "True", "False", "None"};
  if (std::find(kConstants.begin(), kConstants.end(), name.text) != kConstants.end())
    refuse(name.at, "cannot assign to '" + name.text + "'");
  if (!with_attribute || !skip_op(".")) return {name.text, {}, {}};
  names_read.insert(name.text);
  return {name.text, expect(TokenKind::name, "the name of an attribute").text, {}};
}

Target ExpressionParser::target(bool with_attribute, std::string_view end_name) {
  Target targets;
  while (!at_tuple_end(end_name)) {
    targets.parts.push_back(single_target(with_attribute));
    if (!skip_op(",")) {
      if (targets.parts.size() == 1) return std::move(targets.parts.front());
      return targets;
    }
  }
  if (targets.parts.empty()) refuse_current("a name to assign to");
  return targets;
}

}  // namespace iteralign::jinja
