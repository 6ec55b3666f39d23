// Global functions, and how arguments meet parameters.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"

namespace iteralign::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100000;  // as in Jinja2's sandbox

Value function_range(Interpreter& in, const Arguments& a) {
  const Bound b("range", a, {"start", "stop", "step"}, 1);
  const bool one = b[1] == nullptr;
  const std::int64_t start = one ? 0 : b.integer(0, 0), stop = one ? b.integer(0, 0) : b.integer(1, 0), step = b.integer(2, 1);
  if (step == 0) throw Fault{"range() arg 3 must not be zero"};
  std::vector<Value> numbers;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(numbers.size()) >= kMaxRange) throw Fault{fmt::format("a range has more than {} numbers", kMaxRange)};
    numbers.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  in.charge(numbers.size() * sizeof(Value));
  return Value::list(std::move(numbers));
}

// dict(mapping or pairs, key=value, ...)
std::vector<std::pair<Value, Value>> dict_entries(const Arguments& a) {
  if (a.positional.size() > 1) throw Fault{"dict expected at most 1 argument"};
  std::vector<std::pair<Value, Value>> entries;
  if (!a.positional.empty()) {
    const Value& source = a.positional.front();
    if (source.dict() != nullptr) {
      entries = source.dict()->entries;
    } else {
      for (const Value& pair : source.iterate()) {
        const auto two = pair.iterate();
        if (two.size() != 2) throw Fault{"dict() takes a mapping or pairs"};
        entries.emplace_back(two[0], two[1]);
      }
    }
  }
  for (const auto& [name, value] : a.keyword) entries.emplace_back(name, value);
  return entries;
}

Value function_dict(Interpreter& in, const Arguments& a) {
  auto entries = dict_entries(a);
  in.charge(entries.size() * entries.size());
  return Value::dict(std::move(entries));
}

Value function_namespace(Interpreter& in, const Arguments& a) {
  Namespace* ns = in.new_namespace();
  in.charge(256);
  for (const auto& [key, value] : dict_entries(a)) {
    const std::string name = key.str().bytes();
    if (!name.empty() && name.front() == '_') throw Fault{"a namespace takes no attribute that begins with an underscore"};
    ns->attributes.insert_or_assign(name, value);
  }
  return Value(ns);
}

Value function_raise(Interpreter&, const Arguments& a) {
  const Bound b("raise_exception", a, {"message"}, 1);
  throw Fault{b[0]->str().bytes()};
}

// datetime.strftime of a time without a zone and without microseconds. Each code is formatted alone, for one too long or without
// a text of its own gives none.
std::string format_time(const std::string& format, const std::tm& time) {
  std::string result;
  for (std::size_t at = 0; at < format.size();) {
    const std::size_t code = format[at] == '%' ? format.find_first_not_of("-_0^#:", at + 1) : at;
    const std::string part = format.substr(at, code == std::string::npos ? code : code + 1 - at);
    at += part.size();
    if (part[0] != '%' || part == "%") {
      result += part;
    } else if (part == "%f") {
      result += "000000";
    } else if (part.back() != 'z' && part.back() != 'Z') {
      char text[128];
      result.append(text, std::strftime(text, sizeof text, part.c_str(), &time));
    }
  }
  return result;
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions() {
  std::vector<std::pair<std::string, Value>> functions;
  functions.emplace_back("range", Value(Callable{"range", function_range}));
  functions.emplace_back("dict", Value(Callable{"dict", function_dict}));
  functions.emplace_back("namespace", Value(Callable{"namespace", function_namespace}));
  functions.emplace_back("raise_exception", Value(Callable{"raise_exception", function_raise}));
  return functions;
}

Value strftime_function(const std::string& date) {
  std::tm time{};
  const char* end = ::strptime(date.c_str(), "%Y-%m-%d", &time);
  if (end != nullptr && *end != '\0') end = ::strptime(end, " %H:%M:%S", &time);
  if (end == nullptr || *end != '\0') throw Fault{"'" + date + "' is no date of the form 2026-01-31"};
  return Value(Callable{"strftime_now", [time](Interpreter&, const Arguments& a) {
                          const Bound b("strftime_now", a, {"format"}, 1);
                          if (b.text(0) == nullptr) throw Fault{"strftime_now takes a string"};
                          return Value(format_time(b.text(0)->bytes(), time));
                        }});
}

Bound::Bound(const std::string& function, const Arguments& arguments, std::initializer_list<const char*> parameters, std::size_t required)
    : function_(function), values_(parameters.size()) {
  if (arguments.positional.size() > parameters.size())
    throw Fault{fmt::format("{}() takes at most {} argument(s), {} given", function, parameters.size(), arguments.positional.size())};
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = arguments.positional[i];
  for (const auto& [name, value] : arguments.keyword) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) throw Fault{fmt::format("{}() got an unexpected keyword argument '{}'", function, name)};
    auto& slot = values_[static_cast<std::size_t>(found - parameters.begin())];
    if (slot) throw Fault{fmt::format("{}() got multiple values for argument '{}'", function, name)};
    slot = value;
  }
  for (std::size_t i = 0; i < required; ++i)
    if (!values_[i]) throw Fault{fmt::format("{}() misses its argument '{}'", function, *(parameters.begin() + i))};
}

bool Bound::flag(std::size_t i, bool otherwise) const { return values_[i] ? values_[i]->truthy() : otherwise; }

std::int64_t Bound::integer(std::size_t i, std::int64_t otherwise) const {
  if (!values_[i]) return otherwise;
  if (!values_[i]->is_integer()) throw Fault{fmt::format("{}() needs an integer, not {}", function_, values_[i]->type_name())};
  return values_[i]->integer();
}

const Text* Bound::text(std::size_t i) const {
  if (!values_[i] || values_[i]->is_none()) return nullptr;
  if (!values_[i]->is_string()) throw Fault{fmt::format("{}() needs a string, not {}", function_, values_[i]->type_name())};
  return values_[i]->text();
}

}  // namespace iteralign::jinja
