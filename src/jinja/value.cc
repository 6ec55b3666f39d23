#include "jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace iteralign::jinja {
namespace {

constexpr std::size_t kMaxItems = std::size_t{1} << 18;
constexpr std::size_t kMaxEntries = std::size_t{1} << 13;
constexpr std::size_t kMaxWeight = std::size_t{1} << 40;  // beyond it nothing is counted: the interpreter refuses far less

template <class Items, class Each>
void measure(const Items& items, int& depth, std::size_t& weight, Each&& each) {
  if (items.size() > kMaxItems) throw Fault{fmt::format("a list grows beyond {} items", kMaxItems)};
  for (const auto& item : items)
    each(item, [&](const Value& value) {
      depth = std::max(depth, value.depth() + 1);
      weight = std::min(kMaxWeight, weight + value.weight() + sizeof(Value));
    });
  if (depth > Value::kMaxDepth) throw Fault{fmt::format("lists and dicts nest deeper than {} levels", Value::kMaxDepth)};
}

// Python's repr(float): the shortest digits that give the number back.
std::string float_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::scientific).ptr;
  const std::string text(buffer, end);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  if (exponent < -4 || exponent >= 16) return text;
  const auto fixed_end = std::to_chars(buffer, buffer + sizeof buffer, d, std::chars_format::fixed).ptr;
  const std::string fixed(buffer, fixed_end);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

// What stands for a character inside repr(str); `quote` is the quote around it.
std::string escaped_character(std::string_view bytes, std::int32_t code_point, char quote) {
  if (code_point == quote || code_point == '\\') return std::string("\\") + static_cast<char>(code_point);
  if (code_point == '\n') return "\\n";
  if (code_point == '\r') return "\\r";
  if (code_point == '\t') return "\\t";
  if (code_point < 0 || is_printable(code_point)) return std::string(bytes);
  if (code_point < 0x100) return fmt::format("\\x{:02x}", code_point);
  return code_point < 0x10000 ? fmt::format("\\u{:04x}", code_point) : fmt::format("\\U{:08x}", code_point);
}

Text string_repr(const Text& text) {
  const std::string& all = text.bytes();
  const char quote = all.find('\'') != std::string::npos && all.find('"') == std::string::npos ? '"' : '\'';
  Text repr(std::string_view(&quote, 1));
  repr.append(text.map([quote](std::string_view run) {
    std::string escaped;
    for (std::size_t at = 0; at < run.size();) {
      const Character c = character_at(run, at);
      escaped += escaped_character(run.substr(at, c.size), c.code_point, quote);
      at += c.size;
    }
    return escaped;
  }));
  repr.append(std::string_view(&quote, 1));
  return repr;
}

Text list_repr(const ListData& list) {
  const bool tuple = list.kind == ListKind::tuple;
  Text repr(tuple ? "(" : "[");
  for (const Value& item : list.items) {
    if (&item != &list.items.front()) repr.append(", ");
    repr.append(item.repr());
  }
  if (tuple && list.items.size() == 1) repr.append(",");
  repr.append(tuple ? ")" : "]");
  return repr;
}

Text dict_repr(const DictData& dict) {
  Text repr("{");
  for (const auto& entry : dict.entries) {
    if (&entry != &dict.entries.front()) repr.append(", ");
    repr.append(entry.first.repr());
    repr.append(": ");
    repr.append(entry.second.repr());
  }
  repr.append("}");
  return repr;
}

std::vector<Value> characters(const Text& text) {
  const auto starts = character_starts(text.bytes());
  if (starts.size() > kMaxItems) throw Fault{"a string is too long to be walked through"};
  std::vector<Value> items;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) items.emplace_back(text.substr(starts[i], starts[i + 1]));
  return items;
}

}  // namespace

Value Value::undefined(std::string what) {
  Value value;
  value.any_ = Undefined{std::move(what)};
  return value;
}

Value Value::list(std::vector<Value> items, ListKind kind) {
  auto data = std::make_shared<ListData>();
  measure(items, data->depth, data->weight, [](const Value& item, auto&& count) { count(item); });
  data->items = std::move(items);
  data->kind = kind;
  Value value;
  value.any_ = List(std::move(data));
  return value;
}

Value Value::dict(std::vector<std::pair<Value, Value>> entries) {
  auto data = std::make_shared<DictData>();
  if (entries.size() > kMaxEntries) throw Fault{fmt::format("a dict grows beyond {} entries", kMaxEntries)};
  for (auto& [key, item] : entries) {
    if (key.dict() != nullptr || (key.list() != nullptr && key.list()->kind != ListKind::tuple))
      throw Fault{"unhashable type: '" + key.type_name() + "'"};
    const auto same = std::find_if(data->entries.begin(), data->entries.end(), [&k = key](const auto& e) { return equal(e.first, k); });
    if (same == data->entries.end())
      data->entries.emplace_back(std::move(key), std::move(item));
    else
      same->second = std::move(item);
  }
  measure(data->entries, data->depth, data->weight, [](const auto& entry, auto&& count) {
    count(entry.first);
    count(entry.second);
  });
  Value value;
  value.any_ = Dict(std::move(data));
  return value;
}

const Text* Value::text() const {
  const auto* string = std::get_if<String>(&any_);
  return string != nullptr ? string->text.get() : nullptr;
}

bool Value::is_safe() const {
  const auto* string = std::get_if<String>(&any_);
  return string != nullptr && string->safe;
}

const ListData* Value::list() const {
  const auto* list = std::get_if<List>(&any_);
  return list != nullptr ? list->get() : nullptr;
}

const DictData* Value::dict() const {
  const auto* dict = std::get_if<Dict>(&any_);
  return dict != nullptr ? dict->get() : nullptr;
}

Namespace* Value::name_space() const {
  const auto* ns = std::get_if<Namespace*>(&any_);
  return ns != nullptr ? *ns : nullptr;
}

const Callable* Value::callable() const {
  const auto* callable = std::get_if<std::shared_ptr<const Callable>>(&any_);
  return callable != nullptr ? callable->get() : nullptr;
}

const Loop* Value::loop() const {
  const auto* loop = std::get_if<std::shared_ptr<const Loop>>(&any_);
  return loop != nullptr ? loop->get() : nullptr;
}

std::int64_t Value::integer() const {
  if (const auto* b = std::get_if<bool>(&any_)) return *b ? 1 : 0;
  return std::get<std::int64_t>(any_);
}

double Value::number() const {
  if (const auto* d = std::get_if<double>(&any_)) return *d;
  return static_cast<double>(integer());
}

const std::string& Value::undefined_what() const { return std::get<Undefined>(any_).what; }

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (is_bool()) return "bool";
  if (is_integer()) return "int";
  if (is_float()) return "float";
  if (is_string()) return is_safe() ? "Markup" : "str";
  if (dict() != nullptr) return "dict";
  if (name_space() != nullptr) return "Namespace";
  if (callable() != nullptr) return "function";
  if (loop() != nullptr) return "LoopContext";
  switch (list()->kind) {
    case ListKind::list:
      return "list";
    case ListKind::tuple:
      return "tuple";
    case ListKind::view:
      return "dict view";
    case ListKind::generator:
      return "generator";
  }
  return "list";
}

bool Value::truthy() const {
  if (is_undefined() || is_none()) return false;
  if (is_integer()) return integer() != 0;
  if (is_float()) return number() != 0.0;
  if (const Text* string = text()) return !string->empty();
  if (const ListData* items = list()) return items->kind == ListKind::generator || !items->items.empty();
  if (const DictData* entries = dict()) return !entries->entries.empty();
  return true;
}

int Value::depth() const {
  if (const ListData* items = list()) return items->depth;
  if (const DictData* entries = dict()) return entries->depth;
  if (const Loop* l = loop()) return l->items->depth + 1;
  if (const Callable* c = callable()) return c->depth;
  return 0;
}

std::size_t Value::weight() const {
  if (const Text* string = text()) return string->size();
  if (const ListData* items = list()) return items->weight;
  if (const DictData* entries = dict()) return entries->weight;
  return 0;
}

const Value* Value::find(const Value& key) const {
  for (const auto& entry : dict()->entries)
    if (equal(entry.first, key)) return &entry.second;
  return nullptr;
}

std::size_t Value::length() const {
  if (is_undefined()) return 0;
  if (const Text* string = text()) return count_characters(string->bytes());
  if (const DictData* entries = dict()) return entries->entries.size();
  if (const Loop* l = loop()) return l->items->items.size();
  if (const ListData* items = list(); items != nullptr && items->kind != ListKind::generator) return items->items.size();
  throw Fault{"object of type '" + type_name() + "' has no len()"};
}

bool Value::iterable() const { return is_undefined() || is_string() || list() != nullptr || dict() != nullptr; }

std::vector<Value> Value::iterate() const {
  if (is_undefined()) return {};
  if (const Text* string = text()) return characters(*string);
  if (const ListData* items = list()) {
    if (items->kind != ListKind::generator) return items->items;
    return std::exchange(items->consumed, true) ? std::vector<Value>{} : items->items;
  }
  if (const DictData* entries = dict()) {
    std::vector<Value> keys;
    for (const auto& entry : entries->entries) keys.push_back(entry.first);
    return keys;
  }
  throw Fault{"'" + type_name() + "' object is not iterable"};
}

Text Value::str() const {
  if (is_undefined()) return {};
  if (const Text* string = text()) return *string;
  return repr();
}

Text Value::repr() const {
  if (is_undefined()) return Text("Undefined");
  if (is_none()) return Text("None");
  if (is_bool()) return Text(truthy() ? "True" : "False");
  if (is_integer()) return Text(std::to_string(integer()));
  if (is_float()) return Text(float_repr(number()));
  if (const Text* string = text()) {
    Text repr(is_safe() ? "Markup(" : "");
    repr.append(string_repr(*string));
    repr.append(is_safe() ? ")" : "");
    return repr;
  }
  if (const DictData* entries = dict()) return dict_repr(*entries);
  if (const ListData* items = list(); items != nullptr && (items->kind == ListKind::list || items->kind == ListKind::tuple))
    return list_repr(*items);
  throw Fault{"a " + type_name() + " cannot be printed"};
}

}  // namespace iteralign::jinja
