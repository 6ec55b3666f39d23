#pragma once
// Runs a parsed Jinja template as Jinja2's sandbox does in transformers. A template is foreign code: nesting, memory and work
// are bounded, and it reaches nothing but its values.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.h"

namespace iteralign::jinja {

// Immutable; safe from many threads.
class Template {
 public:
  // Throws Error data with `name`, line and column.
  Template(std::string source, std::string name);
  // Throws Error data with name, line and column for everything that goes wrong.
  [[nodiscard]] Text render(std::vector<std::pair<std::string, Value>> variables) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  std::string source_, name_;
  Body body_;
};

// One rendering. Filters, tests and methods use its public half.
class Interpreter {
 public:
  Interpreter(const std::string& template_name, std::vector<std::pair<std::string, Value>> variables);
  Text run(const Body& body);

  Value call(const Value& callee, const Arguments& arguments);
  Value filter(const std::string& name, const Value& operand, const Arguments& arguments);
  bool test(const std::string& name, const Value& operand, const Arguments& arguments);
  Value attribute(const Value& object, const std::string& name);  // object.name
  Value item(const Value& object, const Value& index);            // object[index]
  Namespace* new_namespace() { return &namespaces_.emplace_back(); }
  void charge(std::size_t work);  // in bytes touched, roughly; Fault when a template has done too much

 private:
  struct Scope {
    std::shared_ptr<const Scope> parent;
    std::map<std::string, Value, std::less<>> variables;
  };
  using ScopePtr = std::shared_ptr<Scope>;
  // A macro and where it was defined. Kept here, not by the macro's value: a scope that holds its own macro would never be freed.
  struct Closure {
    const Macro* macro;
    ScopePtr scope;
  };
  enum class Flow { normal, break_loop, continue_loop };
  class Level;

  // Statements write to `out`.
  Flow execute(const Body& body, const ScopePtr& scope, Text& out);
  Flow execute(const Statement& statement, const ScopePtr& scope, Text& out);
  Flow execute_node(const Data& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Print& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const If& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const For& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Set& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const SetBlock& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const With& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Macro& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const CallBlock& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const FilterBlock& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Generation& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Break& node, const ScopePtr& scope, Text& out);
  Flow execute_node(const Continue& node, const ScopePtr& scope, Text& out);
  Text capture(const Body& body, const ScopePtr& scope);
  std::vector<Value> loop_items(const For& node, const ScopePtr& scope);
  void assign(const Target& target, const Value& value, Scope& scope);
  Value macro_value(const Macro& macro, const ScopePtr& scope);
  Value call_macro(const Closure& closure, const Arguments& arguments);
  void bind_parameters(const Closure& closure, const Arguments& arguments, const ScopePtr& scope);
  ScopePtr inner(const ScopePtr& scope) const;

  // Expressions.
  Value evaluate(const Expression& expression, const ScopePtr& scope);
  Value evaluate_node(const Literal& node, const ScopePtr& scope);
  Value evaluate_node(const Name& node, const ScopePtr& scope);
  Value evaluate_node(const ListDisplay& node, const ScopePtr& scope);
  Value evaluate_node(const DictDisplay& node, const ScopePtr& scope);
  Value evaluate_node(const Negation& node, const ScopePtr& scope);
  Value evaluate_node(const Not& node, const ScopePtr& scope);
  Value evaluate_node(const Logical& node, const ScopePtr& scope);
  Value evaluate_node(const Arithmetic& node, const ScopePtr& scope);
  Value evaluate_node(const Concatenation& node, const ScopePtr& scope);
  Value evaluate_node(const Comparison& node, const ScopePtr& scope);
  Value evaluate_node(const Conditional& node, const ScopePtr& scope);
  Value evaluate_node(const Attribute& node, const ScopePtr& scope);
  Value evaluate_node(const Item& node, const ScopePtr& scope);
  Value evaluate_node(const Slice& node, const ScopePtr& scope);
  Value evaluate_node(const Call& node, const ScopePtr& scope);
  Value evaluate_node(const Filter& node, const ScopePtr& scope);
  Value evaluate_node(const Test& node, const ScopePtr& scope);
  Arguments evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope);
  Value filter_text(const Expression& filter, const Text& text, const ScopePtr& scope);
  bool compare_once(const std::string& op, const Value& a, const Value& b);

  const std::string& template_name_;
  ScopePtr globals_;
  std::deque<Namespace> namespaces_;
  std::deque<Closure> closures_;
  std::size_t work_ = 0;
  int levels_ = 0;
};

}  // namespace iteralign::jinja
