#pragma once
// The filters, tests, functions and methods of Jinja2 that chat templates may use.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/value.h"

namespace iteralign::jinja {

class Interpreter;

using FilterFunction = Value (*)(Interpreter&, const Value& operand, const Arguments&);
using TestFunction = bool (*)(Interpreter&, const Value& operand, const Arguments&);
FilterFunction find_filter(std::string_view name);  // null when there is none; likewise below
TestFunction find_test(std::string_view name);

// "abc".upper, d.items, loop.cycle and so on, bound to its object; nothing when there is no such method. What would change
// the object (list.append, dict.update) does not exist, as in Jinja2's immutable sandbox.
std::optional<Value> find_method(const Value& object, const std::string& name);

// range, dict, namespace, raise_exception.
std::vector<std::pair<std::string, Value>> global_functions();
// strftime_now, which formats this time as Python's datetime.strftime does: "2026-01-31 12:00:00", or a day; Fault when it is neither.
Value strftime_function(const std::string& date);

// Arguments as Python gives them to parameters. Fault for one too many, twice given, unknown or missing.
class Bound {
 public:
  Bound(const std::string& function, const Arguments& arguments, std::initializer_list<const char*> parameters, std::size_t required = 0);

  [[nodiscard]] const Value* operator[](std::size_t i) const { return values_[i] ? &*values_[i] : nullptr; }  // null when not given
  [[nodiscard]] bool flag(std::size_t i, bool otherwise) const;
  [[nodiscard]] std::int64_t integer(std::size_t i, std::int64_t otherwise) const;  // Fault when it is none
  [[nodiscard]] const Text* text(std::size_t i) const;  // null when not given or None; Fault when it is no string

 private:
  std::string function_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace iteralign::jinja
