// What runs a template: variables, statements and macros. Expressions are in expressions.cc.
#include "jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/interpreter_level.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"

namespace iteralign::jinja {

constexpr std::size_t kMaxWork = std::size_t{1} << 29;
constexpr std::size_t kWorkOfAScope = 256;  // its memory and what is assigned in it

Template::Template(std::string source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), body_(parse(source_, name_)) {}

Text Template::render(std::vector<std::pair<std::string, Value>> variables) const {
  return Interpreter(name_, std::move(variables)).run(body_);
}

Interpreter::Interpreter(const std::string& template_name, std::vector<std::pair<std::string, Value>> variables)
    : template_name_(template_name), globals_(std::make_shared<Scope>()) {
  for (auto& [name, value] : global_functions()) globals_->variables.insert_or_assign(name, std::move(value));
  for (auto& [name, value] : variables) globals_->variables.insert_or_assign(name, std::move(value));
}

Text Interpreter::run(const Body& body) {
  Text out;
  execute(body, inner(globals_), out);
  return out;
}

void Interpreter::charge(std::size_t work) {
  work_ += std::min(work, kMaxWork);
  if (work_ > kMaxWork) throw Fault{"the template does too much work"};
}

Interpreter::ScopePtr Interpreter::inner(const ScopePtr& scope) const {
  auto fresh = std::make_shared<Scope>();
  fresh->parent = scope;
  return fresh;
}

// --- Statements ---

Interpreter::Flow Interpreter::execute(const Body& body, const ScopePtr& scope, Text& out) {
  for (const Statement& statement : body)
    if (const Flow flow = execute(statement, scope, out); flow != Flow::normal) return flow;
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, const ScopePtr& scope, Text& out) {
  try {
    const Level level(*this);
    return std::visit([&](const auto& node) { return execute_node(node, scope, out); }, statement.node);
  } catch (const Fault& fault) {
    refuse_at(template_name_, statement.at, fault.message);
  }
}

Text Interpreter::capture(const Body& body, const ScopePtr& scope) {
  Text out;
  execute(body, inner(scope), out);
  return out;
}

Interpreter::Flow Interpreter::execute_node(const Data& node, const ScopePtr&, Text& out) {
  charge(node.text.size());
  out.append(node.text);
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const Print& node, const ScopePtr& scope, Text& out) {
  const Value value = evaluate(*node.value, scope);
  charge(value.weight());
  out.append(value.str());
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const If& node, const ScopePtr& scope, Text& out) {
  for (const auto& [test, body] : node.branches)
    if (evaluate(*test, scope).truthy()) return execute(body, scope, out);
  return execute(node.otherwise, scope, out);
}

std::vector<Value> Interpreter::loop_items(const For& node, const ScopePtr& scope) {
  std::vector<Value> items = evaluate(*node.items, scope).iterate();
  charge(items.size() * sizeof(Value));
  if (!node.test) return items;
  std::vector<Value> chosen;
  for (Value& item : items) {
    const ScopePtr test_scope = inner(scope);
    assign(node.target, item, *test_scope);
    if (evaluate(*node.test, test_scope).truthy()) chosen.push_back(std::move(item));
  }
  return chosen;
}

Interpreter::Flow Interpreter::execute_node(const For& node, const ScopePtr& scope, Text& out) {
  const Value items = Value::list(loop_items(node, scope));
  if (items.list()->items.empty()) {
    execute(node.otherwise, inner(scope), out);
    return Flow::normal;
  }
  for (std::size_t i = 0; i < items.list()->items.size(); ++i) {
    charge(kWorkOfAScope);
    const ScopePtr body_scope = inner(scope);
    body_scope->variables.emplace("loop", Value(std::make_shared<const Loop>(Loop{items.shared_list(), i})));
    assign(node.target, items.list()->items[i], *body_scope);
    if (execute(node.body, body_scope, out) == Flow::break_loop) break;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const Set& node, const ScopePtr& scope, Text&) {
  assign(node.target, evaluate(*node.value, scope), *scope);
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const SetBlock& node, const ScopePtr& scope, Text&) {
  const Text text = capture(node.body, scope);
  assign(node.target, node.filter ? filter_text(*node.filter, text, scope) : Value(text), *scope);
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const With& node, const ScopePtr& scope, Text& out) {
  const ScopePtr body_scope = inner(scope);
  for (const auto& [target, value] : node.variables) assign(target, evaluate(*value, scope), *body_scope);
  return execute(node.body, body_scope, out);
}

Interpreter::Flow Interpreter::execute_node(const FilterBlock& node, const ScopePtr& scope, Text& out) {
  out.append(filter_text(*node.filter, capture(node.body, scope), scope).str());
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const Generation& node, const ScopePtr& scope, Text& out) {
  out.append(capture(node.body, scope));
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const Break&, const ScopePtr&, Text&) { return Flow::break_loop; }
Interpreter::Flow Interpreter::execute_node(const Continue&, const ScopePtr&, Text&) { return Flow::continue_loop; }

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  if (!target.parts.empty()) {
    const std::vector<Value> values = value.iterate();
    if (values.size() != target.parts.size())
      throw Fault{fmt::format("cannot unpack {} values into {} names", values.size(), target.parts.size())};
    for (std::size_t i = 0; i < values.size(); ++i) assign(target.parts[i], values[i], scope);
  } else if (target.attribute.empty()) {
    scope.variables.insert_or_assign(target.name, value);
  } else {
    Namespace* ns = nullptr;
    for (const Scope* s = &scope; s != nullptr && ns == nullptr; s = s->parent.get())
      if (const auto found = s->variables.find(target.name); found != s->variables.end()) {
        ns = found->second.name_space();
        break;
      }
    if (ns == nullptr) throw Fault{"cannot assign attribute on non-namespace object"};
    if (target.attribute.front() == '_') throw Fault{"a namespace takes no attribute that begins with an underscore"};
    ns->attributes.insert_or_assign(target.attribute, value);
  }
}

// --- Macros ---

Interpreter::Flow Interpreter::execute_node(const Macro& node, const ScopePtr& scope, Text&) {
  scope->variables.insert_or_assign(node.name, macro_value(node, scope));
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_node(const CallBlock& node, const ScopePtr& scope, Text& out) {
  const auto& callee = std::get<Call>(node.call->node);
  Arguments arguments = evaluate_arguments(callee.arguments, scope);
  arguments.keyword.emplace_back("caller", macro_value(node.caller, scope));
  out.append(call(evaluate(*callee.callee, scope), arguments).str());
  return Flow::normal;
}

Value Interpreter::macro_value(const Macro& macro, const ScopePtr& scope) {
  charge(kWorkOfAScope);
  const Closure* closure = &closures_.emplace_back(Closure{&macro, scope});
  return Value(Callable{
      macro.name, [closure](Interpreter& interpreter, const Arguments& arguments) { return interpreter.call_macro(*closure, arguments); }});
}

Value Interpreter::call_macro(const Closure& closure, const Arguments& arguments) {
  charge(kWorkOfAScope);
  const ScopePtr scope = inner(closure.scope);
  bind_parameters(closure, arguments, scope);
  Text out;
  execute(closure.macro->body, scope, out);
  return out;
}

void Interpreter::bind_parameters(const Closure& closure, const Arguments& arguments, const ScopePtr& scope) {
  const Macro& macro = *closure.macro;
  const Signature& signature = macro.signature;
  const std::size_t given = std::min(arguments.positional.size(), signature.parameters.size());
  std::vector<std::pair<std::string, Value>> keyword = arguments.keyword;
  const auto take_keyword = [&keyword](const std::string& name) -> std::optional<Value> {
    const auto found = std::find_if(keyword.begin(), keyword.end(), [&](const auto& k) { return k.first == name; });
    if (found == keyword.end()) return std::nullopt;
    Value value = std::move(found->second);
    keyword.erase(found);
    return value;
  };

  const std::size_t without_default = signature.parameters.size() - signature.defaults.size();
  for (std::size_t i = 0; i < signature.parameters.size(); ++i) {
    const std::string& name = signature.parameters[i];
    std::optional<Value> value = i < given ? std::optional<Value>(arguments.positional[i]) : take_keyword(name);
    if (!value && i >= without_default) value = evaluate(*signature.defaults[i - without_default], scope);
    scope->variables.insert_or_assign(name, value ? *value : Value::undefined("parameter '" + name + "' was not provided"));
  }
  if (signature.uses_caller) {
    const auto caller = take_keyword("caller");
    scope->variables.insert_or_assign("caller", caller ? *caller : Value::undefined("No caller defined"));
  }
  if (signature.uses_kwargs) {
    std::vector<std::pair<Value, Value>> entries;
    for (auto& [name, value] : keyword) entries.emplace_back(name, value);
    scope->variables.insert_or_assign("kwargs", Value::dict(std::move(entries)));
  } else if (!keyword.empty()) {
    throw Fault{fmt::format("macro '{}' takes no keyword argument '{}'", macro.name, keyword.front().first)};
  }
  std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(given), arguments.positional.end());
  if (signature.uses_varargs)
    scope->variables.insert_or_assign("varargs", Value::list(std::move(rest), ListKind::tuple));
  else if (!rest.empty())
    throw Fault{fmt::format("macro '{}' takes not more than {} argument(s)", macro.name, signature.parameters.size())};
}

}  // namespace iteralign::jinja
