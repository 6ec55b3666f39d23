#pragma once
// A parsed Jinja template.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "jinja/value.h"

namespace iteralign::jinja {

struct Position {
  int line = 1, column = 1;  // of the template's source, from 1; columns are characters
};

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct ListDisplay {  // [a, b] or (a, b)
  std::vector<ExpressionPtr> items;
  bool tuple = false;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Negation {  // -a; +a
  bool minus = true;
  ExpressionPtr operand;
};
struct Not {
  ExpressionPtr operand;
};
struct Logical {  // a and b, a or b
  bool is_and = true;
  ExpressionPtr left, right;
};
struct Arithmetic {
  std::string op;
  ExpressionPtr left, right;
};
struct Concatenation {  // a ~ b ~ c
  std::vector<ExpressionPtr> parts;
};
struct Comparison {  // a < b <= c, a in b
  ExpressionPtr first;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;
};
struct Conditional {                    // a if test else b
  ExpressionPtr test, then, otherwise;  // otherwise may be null
};
struct Attribute {  // a.name
  ExpressionPtr object;
  std::string name;
};
struct Item {  // a[index]
  ExpressionPtr object, index;
};
struct Slice {  // a[begin:end:step]; each may be null
  ExpressionPtr object, begin, end, step;
};
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr star, double_star;  // *list, **dict; may be null
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct Filter {
  ExpressionPtr operand;  // null in {% filter %} and {% set x | filter %}: the block's text
  std::string name;
  CallArguments arguments;
};
struct Test {
  ExpressionPtr operand;
  std::string name;
  CallArguments arguments;
};

struct Expression {
  Position at;
  int depth = 1;  // levels of expressions
  std::variant<Literal, Name, ListDisplay, DictDisplay, Negation, Not, Logical, Arithmetic, Concatenation, Comparison, Conditional,
               Attribute, Item, Slice, Call, Filter, Test>
      node;
};

struct Statement;
using Body = std::vector<Statement>;

// What is assigned to: a name, an attribute of a namespace, or several targets.
struct Target {
  std::string name, attribute;
  std::vector<Target> parts;
};
struct Signature {
  std::vector<std::string> parameters;
  std::vector<ExpressionPtr> defaults;  // of the last parameters
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

struct Data {
  std::string text;
};
struct Print {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr items, test;  // test may be null
  Body body, otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  // may be null
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Body body;
};
struct Macro {
  std::string name;
  Signature signature;
  Body body;
};
struct CallBlock {
  Macro caller;
  ExpressionPtr call;  // a Call
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
struct Generation {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  Position at;
  std::variant<Data, Print, If, For, Set, SetBlock, With, Macro, CallBlock, FilterBlock, Generation, Break, Continue> node;
};

}  // namespace iteralign::jinja
