// The expressions of the interpreter.
#include <fmt/format.h>

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/interpreter_level.h"
#include "jinja/lexer.h"
#include "jinja/operators.h"

namespace iteralign::jinja {
namespace {

constexpr std::size_t kWorkOfAnExpression = 32;

std::optional<Value> loop_attribute(const Loop& loop, const std::string& name) {
  const auto& items = loop.items->items;
  const std::size_t i = loop.index0, n = items.size();
  if (name == "index") return Value(i + 1);
  if (name == "index0") return Value(i);
  if (name == "first") return Value(i == 0);
  if (name == "last") return Value(i + 1 == n);
  if (name == "length") return Value(n);
  if (name == "revindex") return Value(n - i);
  if (name == "revindex0") return Value(n - i - 1);
  if (name == "previtem") return i > 0 ? items[i - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem") return i + 1 < n ? items[i + 1] : Value::undefined("there is no next item");
  if (name == "depth") return Value(1);  // only recursive loops, which there are none of, go deeper
  if (name == "depth0") return Value(0);
  return std::nullopt;
}

}  // namespace

Value Interpreter::evaluate(const Expression& expression, const ScopePtr& scope) {
  try {
    const Level level(*this);
    charge(kWorkOfAnExpression);
    Value value = std::visit([&](const auto& node) { return evaluate_node(node, scope); }, expression.node);
    if (const Text* text = value.text()) charge(text->size());
    return value;
  } catch (const Fault& fault) {
    refuse_at(template_name_, expression.at, fault.message);
  }
}

Value Interpreter::evaluate_node(const Literal& node, const ScopePtr&) { return node.value; }

Value Interpreter::evaluate_node(const Name& node, const ScopePtr& scope) {
  for (const Scope* s = scope.get(); s != nullptr; s = s->parent.get())
    if (const auto found = s->variables.find(node.name); found != s->variables.end()) return found->second;
  return Value::undefined("'" + node.name + "' is undefined");
}

Value Interpreter::evaluate_node(const ListDisplay& node, const ScopePtr& scope) {
  std::vector<Value> items;
  for (const auto& item : node.items) items.push_back(evaluate(*item, scope));
  return Value::list(std::move(items), node.tuple ? ListKind::tuple : ListKind::list);
}

Value Interpreter::evaluate_node(const DictDisplay& node, const ScopePtr& scope) {
  std::vector<std::pair<Value, Value>> entries;
  charge(node.entries.size() * node.entries.size());
  for (const auto& [key, value] : node.entries) {
    Value evaluated_key = evaluate(*key, scope);
    entries.emplace_back(std::move(evaluated_key), evaluate(*value, scope));
  }
  return Value::dict(std::move(entries));
}

Value Interpreter::evaluate_node(const Negation& node, const ScopePtr& scope) {
  const Value operand = evaluate(*node.operand, scope);
  const Value negative = negate(operand);
  return node.minus ? negative : negate(negative);
}

Value Interpreter::evaluate_node(const Not& node, const ScopePtr& scope) { return !evaluate(*node.operand, scope).truthy(); }

Value Interpreter::evaluate_node(const Logical& node, const ScopePtr& scope) {
  Value left = evaluate(*node.left, scope);
  return left.truthy() == node.is_and ? evaluate(*node.right, scope) : left;
}

Value Interpreter::evaluate_node(const Arithmetic& node, const ScopePtr& scope) {
  const Value left = evaluate(*node.left, scope);
  const Value right = evaluate(*node.right, scope);
  Value result = arithmetic(node.op, left, right);
  if (result.list() != nullptr) charge(result.list()->items.size() * sizeof(Value));
  return result;
}

Value Interpreter::evaluate_node(const Concatenation& node, const ScopePtr& scope) {
  Text joined;
  for (const auto& part : node.parts) {
    const Value value = evaluate(*part, scope);
    charge(value.weight());
    joined.append(value.str());
  }
  return joined;
}

bool Interpreter::compare_once(const std::string& op, const Value& a, const Value& b) {
  charge(a.weight() + b.weight());
  if (op == "==") return equal(a, b);
  if (op == "!=") return !equal(a, b);
  if (op == "in") return contains(b, a);
  if (op == "not in") return !contains(b, a);
  const int order = compare(a, b, op.c_str());
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return op == ">" ? order > 0 : order >= 0;
}

Value Interpreter::evaluate_node(const Comparison& node, const ScopePtr& scope) {
  Value left = evaluate(*node.first, scope);
  for (const auto& [op, operand] : node.rest) {
    Value right = evaluate(*operand, scope);
    if (!compare_once(op, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_node(const Conditional& node, const ScopePtr& scope) {
  if (evaluate(*node.test, scope).truthy()) return evaluate(*node.then, scope);
  if (node.otherwise) return evaluate(*node.otherwise, scope);
  return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
}

// --- Look-ups: a.b tries the attribute first, a['b'] the item ---

Value Interpreter::attribute(const Value& object, const std::string& name) {
  if (object.is_undefined()) throw Fault{object.undefined_what()};
  if (const Namespace* ns = object.name_space()) {
    const auto found = ns->attributes.find(name);
    return found != ns->attributes.end() ? found->second : Value::undefined("the namespace has no attribute '" + name + "'");
  }
  if (const Loop* loop = object.loop())
    if (auto value = loop_attribute(*loop, name)) return *value;
  if (auto method = find_method(object, name)) return *method;
  if (object.dict() != nullptr) charge(object.dict()->entries.size());
  return item_of(object, name);
}

Value Interpreter::item(const Value& object, const Value& index) {
  if (object.is_undefined()) throw Fault{object.undefined_what()};
  if (object.dict() != nullptr) charge(object.dict()->entries.size());
  Value found = item_of(object, index);
  const bool may_be_attribute = found.is_undefined() && index.is_string();
  return may_be_attribute && (object.dict() == nullptr || object.find(index) == nullptr) ? attribute(object, index.text()->bytes()) : found;
}

Value Interpreter::evaluate_node(const Attribute& node, const ScopePtr& scope) {
  return attribute(evaluate(*node.object, scope), node.name);
}

Value Interpreter::evaluate_node(const Item& node, const ScopePtr& scope) {
  const Value object = evaluate(*node.object, scope);
  return item(object, evaluate(*node.index, scope));
}

Value Interpreter::evaluate_node(const Slice& node, const ScopePtr& scope) {
  const auto bound = [&](const ExpressionPtr& e) { return e ? evaluate(*e, scope) : Value(); };
  const Value object = evaluate(*node.object, scope);
  const Value begin = bound(node.begin), end = bound(node.end), step = bound(node.step);
  Value part = slice_of(object, begin, end, step);
  if (part.list() != nullptr) charge(part.list()->items.size() * sizeof(Value));
  return part;
}

// --- Calls, filters and tests ---

Arguments Interpreter::evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope) {
  Arguments evaluated;
  for (const auto& argument : arguments.positional) evaluated.positional.push_back(evaluate(*argument, scope));
  if (arguments.star)
    for (Value& value : evaluate(*arguments.star, scope).iterate()) evaluated.positional.push_back(std::move(value));
  for (const auto& [name, argument] : arguments.keyword) evaluated.keyword.emplace_back(name, evaluate(*argument, scope));
  if (arguments.double_star) {
    const Value dict = evaluate(*arguments.double_star, scope);
    if (dict.dict() == nullptr) throw Fault{"argument after ** must be a mapping, not " + dict.type_name()};
    for (const auto& [key, value] : dict.dict()->entries) evaluated.keyword.emplace_back(key.str().bytes(), value);
  }
  for (const Value& value : evaluated.positional) charge(value.weight());
  return evaluated;
}

Value Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (callee.is_undefined()) throw Fault{callee.undefined_what()};
  if (callee.callable() == nullptr) throw Fault{"'" + callee.type_name() + "' object is not callable"};
  Value result = callee.callable()->call(*this, arguments);
  charge(result.weight());
  return result;
}

Value Interpreter::evaluate_node(const Call& node, const ScopePtr& scope) {
  const Value callee = evaluate(*node.callee, scope);
  return call(callee, evaluate_arguments(node.arguments, scope));
}

Value Interpreter::filter(const std::string& name, const Value& operand, const Arguments& arguments) {
  const FilterFunction function = find_filter(name);
  if (function == nullptr) throw Fault{"no filter named '" + name + "'"};
  if (operand.is_string()) charge(operand.weight());
  return function(*this, operand, arguments);
}

bool Interpreter::test(const std::string& name, const Value& operand, const Arguments& arguments) {
  const TestFunction function = find_test(name);
  if (function == nullptr) throw Fault{"no test named '" + name + "'"};
  return function(*this, operand, arguments);
}

Value Interpreter::evaluate_node(const Filter& node, const ScopePtr& scope) {
  const Value operand = evaluate(*node.operand, scope);
  return filter(node.name, operand, evaluate_arguments(node.arguments, scope));
}

Value Interpreter::evaluate_node(const Test& node, const ScopePtr& scope) {
  const Value operand = evaluate(*node.operand, scope);
  return test(node.name, operand, evaluate_arguments(node.arguments, scope));
}

// The filters of {% filter %} and {% set x | ... %}: the innermost has no operand, and gets the block's text.
Value Interpreter::filter_text(const Expression& expression, const Text& text, const ScopePtr& scope) {
  const auto& node = std::get<Filter>(expression.node);
  const Value operand = node.operand ? filter_text(*node.operand, text, scope) : Value(text);
  try {
    return filter(node.name, operand, evaluate_arguments(node.arguments, scope));
  } catch (const Fault& fault) {
    refuse_at(template_name_, expression.at, fault.message);
  }
}

}  // namespace iteralign::jinja
