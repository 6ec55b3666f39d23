// Methods of strings, dicts and lists, and of the `loop` variable.
#include <fmt/format.h>

#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/operators.h"
#include "jinja/strings.h"

namespace iteralign::jinja {
namespace {

using Method = Value (*)(const Value& self, const Arguments&);
struct NamedMethod {
  std::string_view name;
  Method function;
};
using Args = const Arguments&;

Value text_like(Text text, const Value& self) { return {std::move(text), self.is_safe()}; }

template <Side side>
Value method_strip(const Value& self, Args a) {
  return text_like(strip(*self.text(), Bound("strip", a, {"chars"}).text(0), side), self);
}

template <bool from_right>
Value method_split(const Value& self, Args a) {
  const Bound b("split", a, {"sep", "maxsplit"});
  std::vector<Value> parts;
  for (Text& part : split(*self.text(), b.text(0), b.integer(1, -1), from_right)) parts.push_back(text_like(std::move(part), self));
  return Value::list(std::move(parts));
}

Value method_splitlines(const Value& self, Args a) {
  std::vector<Value> lines;
  for (Text& line : split_lines(*self.text(), Bound("splitlines", a, {"keepends"}).flag(0, false)))
    lines.push_back(text_like(std::move(line), self));
  return Value::list(std::move(lines));
}

// startswith and endswith: one string or a tuple of them.
bool has_affix(const Value& self, const Value& affix, bool at_end) {
  if (affix.list() != nullptr && affix.list()->kind == ListKind::tuple)
    return std::any_of(affix.list()->items.begin(), affix.list()->items.end(),
                       [&](const Value& one) { return has_affix(self, one, at_end); });
  if (!affix.is_string()) throw Fault{"startswith and endswith take a string or a tuple of strings, not " + affix.type_name()};
  const std::string &text = self.text()->bytes(), &part = affix.text()->bytes();
  return text.size() >= part.size() && text.compare(at_end ? text.size() - part.size() : 0, part.size(), part) == 0;
}

Value method_replace(const Value& self, Args a) {
  const Bound b("replace", a, {"old", "new", "count"}, 2);
  if (b.text(0) == nullptr || b.text(1) == nullptr) throw Fault{"replace() takes strings"};
  return text_like(replace(*self.text(), *b.text(0), *b.text(1), b.integer(2, -1)), self);
}

Value method_join(const Value& self, Args a) {
  const Bound b("join", a, {"iterable"}, 1);
  std::vector<Text> parts;
  for (const Value& item : b[0]->iterate()) {
    if (!item.is_string()) throw Fault{"join: expected a string, " + item.type_name() + " found"};
    parts.push_back(*item.text());
  }
  return text_like(join(*self.text(), parts), self);
}

// In characters; -1 when it is not there.
std::int64_t find_in(const Value& self, Args a, bool last) {
  const Bound b("find", a, {"sub"}, 1);
  if (b.text(0) == nullptr) throw Fault{"find() takes a string"};
  const std::string &text = self.text()->bytes(), &part = b.text(0)->bytes();
  const std::size_t found = last ? text.rfind(part) : text.find(part);
  return found == std::string::npos ? -1 : static_cast<std::int64_t>(count_characters(std::string_view(text).substr(0, found)));
}

Value method_index(const Value& self, Args a) {
  const std::int64_t found = find_in(self, a, false);
  if (found < 0) throw Fault{"substring not found"};
  return found;
}

Value method_count(const Value& self, Args a) {
  const Bound b("count", a, {"sub"}, 1);
  if (b.text(0) == nullptr) throw Fault{"count() takes a string"};
  const std::string &text = self.text()->bytes(), &part = b.text(0)->bytes();
  if (part.empty()) return count_characters(text) + 1;
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

Value remove_affix(const Value& self, Args a, bool at_end) {
  const Bound b("removeprefix", a, {"affix"}, 1);
  if (!has_affix(self, *b[0], at_end)) return self;
  const Text& text = *self.text();
  const std::size_t size = b.text(0)->size();
  return text_like(at_end ? text.substr(0, text.size() - size) : text.substr(size, text.size()), self);
}

// isdigit, isspace, isalnum: a character at least, and all of the kind.
bool all_characters(const Value& self, bool (*of_kind)(std::int32_t)) {
  const std::string& text = self.text()->bytes();
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size)
    if (!of_kind(character_at(text, at).code_point)) return false;
  return !text.empty();
}

bool is_digit(std::int32_t c) { return c >= '0' && c <= '9'; }
bool is_letter(std::int32_t c) { return is_alphanumeric(c) && !is_digit(c); }

constexpr NamedMethod kStringMethods[] = {
    {"strip", method_strip<Side::both>},
    {"lstrip", method_strip<Side::left>},
    {"rstrip", method_strip<Side::right>},
    {"split", method_split<false>},
    {"rsplit", method_split<true>},
    {"splitlines", method_splitlines},
    {"startswith", [](const Value& self, Args a) -> Value { return has_affix(self, *Bound("startswith", a, {"prefix"}, 1)[0], false); }},
    {"endswith", [](const Value& self, Args a) -> Value { return has_affix(self, *Bound("endswith", a, {"suffix"}, 1)[0], true); }},
    {"removeprefix", [](const Value& self, Args a) { return remove_affix(self, a, false); }},
    {"removesuffix", [](const Value& self, Args a) { return remove_affix(self, a, true); }},
    {"replace", method_replace},
    {"format", [](const Value& self, Args a) { return text_like(format_braces(*self.text(), a), self); }},
    {"join", method_join},
    {"find", [](const Value& self, Args a) -> Value { return find_in(self, a, false); }},
    {"rfind", [](const Value& self, Args a) -> Value { return find_in(self, a, true); }},
    {"index", method_index},
    {"count", method_count},
    {"upper", [](const Value& self, Args) { return text_like(upper(*self.text()), self); }},
    {"lower", [](const Value& self, Args) { return text_like(lower(*self.text()), self); }},
    {"title", [](const Value& self, Args) { return text_like(title_method(*self.text()), self); }},
    {"capitalize", [](const Value& self, Args) { return text_like(capitalize(*self.text()), self); }},
    {"isdigit", [](const Value& self, Args) -> Value { return all_characters(self, is_digit); }},
    {"isspace", [](const Value& self, Args) -> Value { return all_characters(self, is_space); }},
    {"isalpha", [](const Value& self, Args) -> Value { return all_characters(self, is_letter); }},
    {"isalnum", [](const Value& self, Args) -> Value { return all_characters(self, is_alphanumeric); }},
};

Value dict_view(const Value& self, bool keys, bool values) {
  std::vector<Value> items;
  for (const auto& [key, value] : self.dict()->entries)
    items.push_back(keys && values ? Value::list({key, value}, ListKind::tuple) : (keys ? key : value));
  return Value::list(std::move(items), ListKind::view);
}

Value method_get(const Value& self, Args a) {
  const Bound b("get", a, {"key", "default"}, 1);
  const Value* found = self.find(*b[0]);
  if (found != nullptr) return *found;
  return b[1] != nullptr ? *b[1] : Value();
}

constexpr NamedMethod kDictMethods[] = {
    {"get", method_get},
    {"items", [](const Value& self, Args) { return dict_view(self, true, true); }},
    {"keys", [](const Value& self, Args) { return dict_view(self, true, false); }},
    {"values", [](const Value& self, Args) { return dict_view(self, false, true); }},
    {"copy", [](const Value& self, Args) { return self; }},
};

Value list_index(const Value& self, Args a) {
  const Bound b("index", a, {"value"}, 1);
  const auto& items = self.list()->items;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (equal(items[i], *b[0])) return i;
  throw Fault{"the value is not in the list"};
}

Value list_count(const Value& self, Args a) {
  const Bound b("count", a, {"value"}, 1);
  const auto& items = self.list()->items;
  return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), [&](const Value& item) { return equal(item, *b[0]); }));
}

constexpr NamedMethod kListMethods[] = {
    {"index", list_index},
    {"count", list_count},
    {"copy", [](const Value& self, Args) { return self; }},
};

Value loop_cycle(const Value& self, Args a) {
  if (a.positional.empty()) throw Fault{"no items for cycling given"};
  return a.positional[self.loop()->index0 % a.positional.size()];
}

constexpr NamedMethod kLoopMethods[] = {{"cycle", loop_cycle}};

}  // namespace

std::optional<Value> find_method(const Value& object, const std::string& name) {
  const auto bind = [&](const auto& methods) -> std::optional<Value> {
    for (const NamedMethod& method : methods)
      if (method.name == name)
        return Value(Callable{name,
                              [function = method.function, object](Interpreter& in, Args a) {
                                in.charge(object.weight());
                                return function(object, a);
                              },
                              object.depth() + 1});
    return std::nullopt;
  };
  if (object.is_string()) return bind(kStringMethods);
  if (object.dict() != nullptr) return bind(kDictMethods);
  if (object.list() != nullptr && (object.list()->kind == ListKind::list || object.list()->kind == ListKind::tuple))
    return bind(kListMethods);
  if (object.loop() != nullptr) return bind(kLoopMethods);
  return std::nullopt;
}

}  // namespace iteralign::jinja
