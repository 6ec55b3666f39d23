#pragma once
// Values of the Jinja interpreter: Python's, as far as templates see them.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/json.h"
#include "jinja/text.h"

namespace iteralign::jinja {

class Value;
class Interpreter;

// Prints as nothing and is false; nearly every other use is a Fault that says what was looked for.
struct Undefined {
  std::string what;  // "'x' is undefined"
};
struct None {};
struct String {
  std::shared_ptr<const Text> text;
  bool safe = false;  // markupsafe.Markup: what is added to it is HTML-escaped
};

enum class ListKind {
  list,
  tuple,
  view,      // dict.items() and so on: has a length but no index
  generator  // what map, select and so on give: can be walked through once, has neither length nor index
};
struct ListData {
  std::vector<Value> items;
  ListKind kind = ListKind::list;
  int depth = 1;                  // levels of lists and dicts
  std::size_t weight = 0;         // bytes, roughly, of everything in it
  mutable bool consumed = false;  // generator only
};
struct DictData {
  std::vector<std::pair<Value, Value>> entries;  // in order of insertion
  int depth = 1;
  std::size_t weight = 0;
};
// Mutable by {% set ns.x = ... %}; lives as long as the rendering.
struct Namespace {
  std::map<std::string, Value, std::less<>> attributes;
};
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
};
struct Callable {
  std::string name;
  std::function<Value(Interpreter&, const Arguments&)> call;
  int depth = 0;  // of the object that a method is bound to
};
// The `loop` variable.
struct Loop {
  std::shared_ptr<const ListData> items;
  std::size_t index0 = 0;
};

class Value {
 public:
  using List = std::shared_ptr<const ListData>;
  using Dict = std::shared_ptr<const DictData>;
  using Any = std::variant<Undefined, None, bool, std::int64_t, double, String, List, Dict, Namespace*, std::shared_ptr<const Callable>,
                           std::shared_ptr<const Loop>>;

  Value() : any_(None{}) {}
  Value(bool b) : any_(b) {}
  Value(std::int64_t i) : any_(i) {}
  Value(int i) : any_(static_cast<std::int64_t>(i)) {}
  Value(std::size_t n) : any_(static_cast<std::int64_t>(n)) {}
  Value(double d) : any_(d) {}
  Value(Text text, bool safe = false) : any_(String{std::make_shared<const Text>(std::move(text)), safe}) {}
  Value(const char* text) : Value(Text(text)) {}
  Value(const std::string& text) : Value(Text(text)) {}
  explicit Value(Namespace* ns) : any_(ns) {}
  explicit Value(Callable callable) : any_(std::make_shared<const Callable>(std::move(callable))) {}
  explicit Value(std::shared_ptr<const Loop> loop) : any_(std::move(loop)) {}
  static Value undefined(std::string what);
  // Nesting deeper than kMaxDepth is a Fault.
  static constexpr int kMaxDepth = 64;
  static Value list(std::vector<Value> items, ListKind kind = ListKind::list);
  // A later entry with the same key replaces the value of the earlier one.
  static Value dict(std::vector<std::pair<Value, Value>> entries);

  [[nodiscard]] bool is_undefined() const { return std::holds_alternative<Undefined>(any_); }
  [[nodiscard]] bool is_none() const { return std::holds_alternative<None>(any_); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<String>(any_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(any_); }
  [[nodiscard]] bool is_float() const { return std::holds_alternative<double>(any_); }
  [[nodiscard]] bool is_integer() const { return is_bool() || std::holds_alternative<std::int64_t>(any_); }  // as Python: bool is an int
  [[nodiscard]] bool is_number() const { return is_integer() || is_float(); }

  [[nodiscard]] const Text* text() const;  // null when it is no string; likewise below
  [[nodiscard]] bool is_safe() const;
  [[nodiscard]] const ListData* list() const;
  [[nodiscard]] List shared_list() const { return std::get<List>(any_); }
  [[nodiscard]] const DictData* dict() const;
  [[nodiscard]] Namespace* name_space() const;
  [[nodiscard]] const Callable* callable() const;
  [[nodiscard]] const Loop* loop() const;
  [[nodiscard]] std::int64_t integer() const;  // of a bool or an integer
  [[nodiscard]] double number() const;         // of any number

  [[nodiscard]] std::string type_name() const;              // as Python says it: "int", "str", "NoneType", ...
  [[nodiscard]] const std::string& undefined_what() const;  // of an undefined value: what was looked for
  [[nodiscard]] bool truthy() const;
  [[nodiscard]] int depth() const;
  [[nodiscard]] std::size_t weight() const;  // bytes, roughly, with everything in it

  [[nodiscard]] const Value* find(const Value& key) const;  // in a dict; null when it is not there
  [[nodiscard]] std::size_t length() const;                 // len(); Fault when there is none
  [[nodiscard]] std::vector<Value> iterate() const;         // Fault when it is not iterable
  [[nodiscard]] bool iterable() const;
  [[nodiscard]] Text str() const;   // str()
  [[nodiscard]] Text repr() const;  // repr()

 private:
  Any any_;
};

bool equal(const Value& a, const Value& b);                   // ==
int compare(const Value& a, const Value& b, const char* op);  // < 0, 0, > 0; Fault when there is no order
bool contains(const Value& container, const Value& item);     // item in container

// Strings inside get `origin`; those that are the `role` of an object and an ordinary role name count as the template's.
Value from_json(const Json& json, Origin origin);

struct JsonStyle {
  std::optional<std::string> indent;
  std::string item_separator = ", ", key_separator = ": ";
  bool sort_keys = false, ensure_ascii = false;
};
Text to_json(const Value& value, const JsonStyle& style);  // json.dumps

}  // namespace iteralign::jinja
