// Filters: x | name(...).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/operators.h"
#include "jinja/strings.h"

namespace iteralign::jinja {
namespace {

// --- Helpers ---

Value folded(const Value& value) { return value.is_string() ? Value(lower(*value.text())) : value; }

// The item as `attribute` (a name, a path with dots, a number; null: the item itself) finds it.
Value look_up(Interpreter& in, Value value, const Value* attribute) {
  if (attribute == nullptr || attribute->is_none()) return value;
  if (!attribute->is_string()) return in.item(value, *attribute);
  for (const Text& part : split(*attribute->text(), std::make_unique<Text>(".").get(), -1, false)) {
    const auto index = parse_integer(part.bytes(), 10);
    value = in.item(value, index ? Value(*index) : Value(part));
  }
  return value;
}

// What `sort`, `unique`, `min` and `max` compare.
Value key_of(Interpreter& in, const Value& item, const Value* attribute, bool case_sensitive) {
  const Value key = look_up(in, item, attribute);
  return case_sensitive ? key : folded(key);
}

Value with_safety(Text text, const Value& like) { return {std::move(text), like.is_safe()}; }

std::vector<Value> walk(Interpreter& in, const Value& value) {
  in.charge(value.weight());
  return value.iterate();
}

// --- Text ---

Value filter_trim(Interpreter&, const Value& x, const Arguments& a) {
  return with_safety(strip(x.str(), Bound("trim", a, {"chars"}).text(0), Side::both), x);
}
Value filter_upper(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("upper", a, {});
  return with_safety(upper(x.str()), x);
}
Value filter_lower(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("lower", a, {});
  return with_safety(lower(x.str()), x);
}
Value filter_capitalize(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("capitalize", a, {});
  return with_safety(capitalize(x.str()), x);
}
Value filter_title(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("title", a, {});
  return title_filter(x.str());
}
Value filter_string(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound none("string", a, {});
  in.charge(x.weight());
  return with_safety(x.str(), x);
}
Value filter_safe(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("safe", a, {});
  return {x.str(), true};
}
Value filter_escape(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("escape", a, {});
  return x.is_safe() ? x : Value(escape_html(x.str()), true);
}

Value filter_replace(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("replace", a, {"old", "new", "count"}, 2);
  const std::int64_t count = b[2] == nullptr || b[2]->is_none() ? -1 : b.integer(2, -1);
  return replace(x.str(), b[0]->str(), b[1]->str(), count);
}

Value filter_indent(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("indent", a, {"width", "first", "blank"});
  if (!x.is_string()) throw Fault{"indent needs a string, not " + x.type_name()};
  Text indention;
  if (b[0] != nullptr && b[0]->is_string())
    indention = *b[0]->text();
  else
    indention = Text(std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(b.integer(0, 4), 0, 4096)), ' '));
  Text ended = *x.text();
  ended.append("\n");
  Text indented;
  const auto lines = split_lines(ended, false);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) indented.append("\n");
    if (i == 0 ? b.flag(1, false) : (b.flag(2, false) || !lines[i].empty())) indented.append(indention);
    indented.append(lines[i]);
  }
  return with_safety(std::move(indented), x);
}

Value filter_format(Interpreter&, const Value& x, const Arguments& a) {
  if (!a.positional.empty() && !a.keyword.empty()) throw Fault{"format takes positional or keyword arguments, not both"};
  if (a.keyword.empty()) return format_percent(x.str(), Value::list(a.positional, ListKind::tuple));
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, value] : a.keyword) entries.emplace_back(name, value);
  return format_percent(x.str(), Value::dict(std::move(entries)));
}

Value filter_wordcount(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("wordcount", a, {});
  std::size_t words = 0;
  bool inside = false;
  const std::string text = x.str().bytes();
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size) {
    const auto c = character_at(text, at).code_point;
    const bool in_word = is_alphanumeric(c) || c == '_';
    words += in_word && !inside ? 1 : 0;
    inside = in_word;
  }
  return words;
}

Value filter_tojson(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("tojson", a, {"ensure_ascii", "indent", "separators", "sort_keys"});
  in.charge(x.weight());
  JsonStyle style;
  style.ensure_ascii = b.flag(0, false);
  style.sort_keys = b.flag(3, false);
  if (b[1] != nullptr && !b[1]->is_none()) {
    style.indent = b[1]->is_string() ? b[1]->text()->bytes()
                                     : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(b.integer(1, 0), 0, 64)), ' ');
    style.item_separator = ",";
  }
  if (b[2] != nullptr && !b[2]->is_none()) {
    const auto separators = b[2]->iterate();
    if (separators.size() != 2) throw Fault{"tojson: separators are a pair of strings"};
    style.item_separator = separators[0].str().bytes();
    style.key_separator = separators[1].str().bytes();
  }
  return to_json(x, style);
}

// --- Numbers ---

Value filter_int(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("int", a, {"default", "base"});
  const Value otherwise = b[0] != nullptr ? *b[0] : Value(0);
  if (x.is_undefined()) throw Fault{x.undefined_what()};
  if (x.is_integer()) return x.integer();
  if (x.is_string())
    if (const auto integer = parse_integer(x.text()->bytes(), static_cast<int>(b.integer(1, 10)))) return *integer;
  std::optional<double> number;
  if (x.is_float()) number = x.number();
  if (x.is_string()) number = parse_float(x.text()->bytes());
  if (!number || !std::isfinite(*number)) return otherwise;
  if (std::abs(*number) >= 9.2e18) throw Fault{"an integer grows beyond 64 bits"};
  return static_cast<std::int64_t>(*number);
}

Value filter_float(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("float", a, {"default"});
  if (x.is_undefined()) throw Fault{x.undefined_what()};
  if (x.is_number()) return x.number();
  if (x.is_string())
    if (const auto number = parse_float(x.text()->bytes())) return *number;
  return b[0] != nullptr ? *b[0] : Value(0.0);
}

Value filter_abs(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("abs", a, {});
  if (!x.is_number()) throw Fault{x.is_undefined() ? x.undefined_what() : "bad operand type for abs(): '" + x.type_name() + "'"};
  return compare(x, 0, "<") < 0 ? negate(x) : arithmetic("+", x, 0);
}

Value filter_round(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("round", a, {"precision", "method"});
  if (!x.is_number()) throw Fault{x.is_undefined() ? x.undefined_what() : "round needs a number, not " + x.type_name()};
  const std::string method = b.text(1) != nullptr ? b.text(1)->bytes() : "common";
  const double scale = std::pow(10.0, static_cast<double>(b.integer(0, 0)));
  const double scaled = x.number() * scale;
  if (method != "common" && method != "ceil" && method != "floor") throw Fault{"method must be common, ceil or floor"};
  const double rounded = method == "ceil" ? std::ceil(scaled) : (method == "floor" ? std::floor(scaled) : std::nearbyint(scaled));
  const double result = rounded / scale;
  return method == "common" && x.is_integer() ? Value(static_cast<std::int64_t>(result)) : Value(result);
}

// --- Lists ---

Value filter_length(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("length", a, {});
  return x.length();
}

Value filter_list(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound none("list", a, {});
  return Value::list(walk(in, x));
}

Value filter_first(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("first", a, {});
  if (x.list() != nullptr && x.list()->kind == ListKind::list && !x.list()->items.empty()) return x.list()->items.front();
  const auto items = x.iterate();
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value filter_last(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("last", a, {});
  if (x.list() != nullptr && x.list()->kind == ListKind::generator) throw Fault{"'generator' object is not reversible"};
  if (x.list() != nullptr && !x.list()->items.empty()) return x.list()->items.back();
  const auto items = x.iterate();
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value filter_join(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("join", a, {"d", "attribute"});
  std::vector<Text> parts;
  for (const Value& item : walk(in, x)) parts.push_back(look_up(in, item, b[1]).str());
  return join(b[0] != nullptr ? b[0]->str() : Text(), parts);
}

Value filter_reverse(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound none("reverse", a, {});
  auto items = walk(in, x);
  std::reverse(items.begin(), items.end());
  if (!x.is_string()) return Value::list(std::move(items), ListKind::generator);
  Text reversed;
  for (const Value& c : items) reversed.append(*c.text());
  return with_safety(std::move(reversed), x);
}

Value filter_sort(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("sort", a, {"reverse", "case_sensitive", "attribute"});
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : walk(in, x)) keyed.emplace_back(key_of(in, item, b[2], b.flag(1, false)), item);
  in.charge(8 * x.weight() + keyed.size() * 256);
  const bool reverse = b.flag(0, false);
  std::stable_sort(keyed.begin(), keyed.end(), [reverse](const auto& l, const auto& r) {
    return reverse ? compare(r.first, l.first, "<") < 0 : compare(l.first, r.first, "<") < 0;
  });
  std::vector<Value> sorted;
  for (auto& [key, item] : keyed) sorted.push_back(std::move(item));
  return Value::list(std::move(sorted));
}

Value filter_unique(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("unique", a, {"case_sensitive", "attribute"});
  std::vector<Value> seen, kept;
  for (const Value& item : walk(in, x)) {
    const Value key = key_of(in, item, b[1], b.flag(0, false));
    in.charge(seen.size() * (1 + key.weight() / 8));
    if (std::any_of(seen.begin(), seen.end(), [&](const Value& s) { return equal(s, key); })) continue;
    seen.push_back(key);
    kept.push_back(item);
  }
  return Value::list(std::move(kept), ListKind::generator);
}

Value extreme(Interpreter& in, const Value& x, const Arguments& a, const std::string& name, int sign) {
  const Bound b(name, a, {"case_sensitive", "attribute"});
  const auto items = walk(in, x);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const Value* best = &items.front();
  for (const Value& item : items) {
    const int order = compare(key_of(in, item, b[1], b.flag(0, false)), key_of(in, *best, b[1], b.flag(0, false)), sign < 0 ? "<" : ">");
    if (order * sign > 0) best = &item;
  }
  return *best;
}
Value filter_min(Interpreter& in, const Value& x, const Arguments& a) { return extreme(in, x, a, "min", -1); }
Value filter_max(Interpreter& in, const Value& x, const Arguments& a) { return extreme(in, x, a, "max", 1); }

Value filter_sum(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("sum", a, {"attribute", "start"});
  Value sum = b[1] != nullptr ? *b[1] : Value(0);
  for (const Value& item : walk(in, x)) sum = arithmetic("+", sum, look_up(in, item, b[0]));
  return sum;
}

Value filter_items(Interpreter&, const Value& x, const Arguments& a) {
  const Bound none("items", a, {});
  if (x.dict() == nullptr && !x.is_undefined()) throw Fault{"Can only get item pairs from a mapping."};
  std::vector<Value> pairs;
  if (x.dict() != nullptr)
    for (const auto& [key, value] : x.dict()->entries) pairs.push_back(Value::list({key, value}, ListKind::tuple));
  return Value::list(std::move(pairs), ListKind::generator);
}

Value filter_dictsort(Interpreter& in, const Value& x, const Arguments& a) {
  const Bound b("dictsort", a, {"case_sensitive", "by", "reverse"});
  if (x.dict() == nullptr) throw Fault{"dictsort needs a mapping, not " + x.type_name()};
  const std::string by = b.text(1) != nullptr ? b.text(1)->bytes() : "key";
  if (by != "key" && by != "value") throw Fault{"You can only sort by either \"key\" or \"value\""};
  std::vector<Value> pairs;
  for (const auto& [key, value] : x.dict()->entries) pairs.push_back(Value::list({key, value}, ListKind::tuple));
  Arguments sorting;
  sorting.keyword = {{"reverse", b.flag(2, false)}, {"case_sensitive", b.flag(0, false)}, {"attribute", by == "key" ? 0 : 1}};
  return filter_sort(in, Value::list(std::move(pairs)), sorting);
}

Value filter_default(Interpreter&, const Value& x, const Arguments& a) {
  const Bound b("default", a, {"default_value", "boolean"});
  return x.is_undefined() || (b.flag(1, false) && !x.truthy()) ? (b[0] != nullptr ? *b[0] : Value("")) : x;
}

// --- map, select and their kin: each item by a filter, a test or an attribute ---

Arguments without_first(const Arguments& a, std::size_t count) {
  Arguments rest = a;
  rest.positional.erase(rest.positional.begin(), rest.positional.begin() + static_cast<std::ptrdiff_t>(count));
  return rest;
}

std::string name_argument(const Arguments& a, std::size_t i, const std::string& filter) {
  if (a.positional.size() <= i || !a.positional[i].is_string()) throw Fault{filter + " needs a name"};
  return a.positional[i].text()->bytes();
}

Value filter_map(Interpreter& in, const Value& x, const Arguments& a) {
  std::vector<Value> mapped;
  if (!x.truthy()) return Value::list({}, ListKind::generator);  // None too, as in Jinja2
  if (a.positional.empty() && !a.keyword.empty()) {
    const Bound b("map", a, {"attribute", "default"}, 1);
    for (const Value& item : walk(in, x)) {
      const Value found = look_up(in, item, b[0]);
      mapped.push_back(found.is_undefined() && b[1] != nullptr ? *b[1] : found);
    }
  } else {
    const std::string name = name_argument(a, 0, "map");
    const Arguments rest = without_first(a, 1);
    for (const Value& item : walk(in, x)) {
      mapped.push_back(in.filter(name, item, rest));
      in.charge(32 + mapped.back().weight());
    }
  }
  return Value::list(std::move(mapped), ListKind::generator);
}

Value choose(Interpreter& in, const Value& x, const Arguments& a, const std::string& filter, bool by_attribute, bool keep) {
  if (!x.truthy()) return Value::list({}, ListKind::generator);
  const std::size_t at = by_attribute ? 1 : 0;
  if (by_attribute && a.positional.empty()) throw Fault{"Missing parameter for attribute name"};
  const bool has_test = a.positional.size() > at;
  const std::string test = has_test ? name_argument(a, at, filter) : "";
  const Arguments rest = has_test ? without_first(a, at + 1) : Arguments();
  std::vector<Value> chosen;
  for (const Value& item : walk(in, x)) {
    const Value subject = look_up(in, item, by_attribute ? &a.positional[0] : nullptr);
    in.charge(32 + subject.weight());
    if ((has_test ? in.test(test, subject, rest) : subject.truthy()) == keep) chosen.push_back(item);
  }
  return Value::list(std::move(chosen), ListKind::generator);
}
Value filter_select(Interpreter& in, const Value& x, const Arguments& a) { return choose(in, x, a, "select", false, true); }
Value filter_reject(Interpreter& in, const Value& x, const Arguments& a) { return choose(in, x, a, "reject", false, false); }
Value filter_selectattr(Interpreter& in, const Value& x, const Arguments& a) { return choose(in, x, a, "selectattr", true, true); }
Value filter_rejectattr(Interpreter& in, const Value& x, const Arguments& a) { return choose(in, x, a, "rejectattr", true, false); }

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};
constexpr NamedFilter kFilters[] = {{"abs", filter_abs},
                                    {"capitalize", filter_capitalize},
                                    {"count", filter_length},
                                    {"d", filter_default},
                                    {"default", filter_default},
                                    {"dictsort", filter_dictsort},
                                    {"e", filter_escape},
                                    {"escape", filter_escape},
                                    {"first", filter_first},
                                    {"float", filter_float},
                                    {"format", filter_format},
                                    {"indent", filter_indent},
                                    {"int", filter_int},
                                    {"items", filter_items},
                                    {"join", filter_join},
                                    {"last", filter_last},
                                    {"length", filter_length},
                                    {"list", filter_list},
                                    {"lower", filter_lower},
                                    {"map", filter_map},
                                    {"max", filter_max},
                                    {"min", filter_min},
                                    {"reject", filter_reject},
                                    {"rejectattr", filter_rejectattr},
                                    {"replace", filter_replace},
                                    {"reverse", filter_reverse},
                                    {"round", filter_round},
                                    {"safe", filter_safe},
                                    {"select", filter_select},
                                    {"selectattr", filter_selectattr},
                                    {"sort", filter_sort},
                                    {"string", filter_string},
                                    {"sum", filter_sum},
                                    {"title", filter_title},
                                    {"tojson", filter_tojson},
                                    {"trim", filter_trim},
                                    {"unique", filter_unique},
                                    {"upper", filter_upper},
                                    {"wordcount", filter_wordcount}};

}  // namespace

FilterFunction find_filter(std::string_view name) {
  for (const NamedFilter& filter : kFilters)
    if (filter.name == name) return filter.function;
  return nullptr;
}

}  // namespace iteralign::jinja
