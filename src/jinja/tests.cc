// Tests: x is name(...).
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/operators.h"

namespace iteralign::jinja {
namespace {

bool sequence(const Value& x) {
  if (x.list() != nullptr) return x.list()->kind == ListKind::list || x.list()->kind == ListKind::tuple;
  return x.is_string() || x.dict() != nullptr;
}

std::int64_t remainder_of(const Value& x, const Value& divisor) {
  const Value rest = arithmetic("%", x, divisor);
  if (!rest.is_integer()) throw Fault{"an integer is needed, not " + x.type_name()};
  return rest.integer();
}

const Value& other(const Arguments& a) {
  if (a.positional.size() != 1 || !a.keyword.empty()) throw Fault{"this test takes one argument"};
  return a.positional.front();
}

// One case at least, and no letter of the other.
bool has_case(const Value& x, std::string (*to_case)(std::string_view), std::string (*from_case)(std::string_view)) {
  const std::string text = x.str().bytes();
  return to_case(text) == text && from_case(text) != text;
}

// True when the values are one and the same object in Python: small constants, and what shares its data here.
bool same_object(const Value& a, const Value& b) {
  if (a.type_name() != b.type_name()) return false;
  if (a.text() != nullptr) return a.text() == b.text() || a.text()->bytes() == b.text()->bytes();
  return a.list() == b.list() && a.dict() == b.dict() && equal(a, b);
}

using Args = const Arguments&;
struct NamedTest {
  std::string_view name;
  TestFunction function;
};
constexpr TestFunction kEqual = [](Interpreter&, const Value& x, Args a) { return equal(x, other(a)); };
constexpr TestFunction kUnequal = [](Interpreter&, const Value& x, Args a) { return !equal(x, other(a)); };
constexpr TestFunction kLess = [](Interpreter&, const Value& x, Args a) { return compare(x, other(a), "<") < 0; };
constexpr TestFunction kLessEqual = [](Interpreter&, const Value& x, Args a) { return compare(x, other(a), "<=") <= 0; };
constexpr TestFunction kGreater = [](Interpreter&, const Value& x, Args a) { return compare(x, other(a), ">") > 0; };
constexpr TestFunction kGreaterEqual = [](Interpreter&, const Value& x, Args a) { return compare(x, other(a), ">=") >= 0; };

constexpr NamedTest kTests[] = {
    {"defined", [](Interpreter&, const Value& x, Args) { return !x.is_undefined(); }},
    {"undefined", [](Interpreter&, const Value& x, Args) { return x.is_undefined(); }},
    {"none", [](Interpreter&, const Value& x, Args) { return x.is_none(); }},
    {"string", [](Interpreter&, const Value& x, Args) { return x.is_string(); }},
    {"mapping", [](Interpreter&, const Value& x, Args) { return x.dict() != nullptr; }},
    {"iterable", [](Interpreter&, const Value& x, Args) { return x.iterable(); }},
    {"sequence", [](Interpreter&, const Value& x, Args) { return sequence(x); }},
    {"number", [](Interpreter&, const Value& x, Args) { return x.is_number(); }},
    {"integer", [](Interpreter&, const Value& x, Args) { return x.is_integer() && !x.is_bool(); }},
    {"float", [](Interpreter&, const Value& x, Args) { return x.is_float(); }},
    {"boolean", [](Interpreter&, const Value& x, Args) { return x.is_bool(); }},
    {"true", [](Interpreter&, const Value& x, Args) { return x.is_bool() && x.truthy(); }},
    {"false", [](Interpreter&, const Value& x, Args) { return x.is_bool() && !x.truthy(); }},
    {"callable", [](Interpreter&, const Value& x, Args) { return x.callable() != nullptr; }},
    {"sameas", [](Interpreter&, const Value& x, Args a) { return same_object(x, other(a)); }},
    {"odd", [](Interpreter&, const Value& x, Args) { return remainder_of(x, 2) == 1; }},
    {"even", [](Interpreter&, const Value& x, Args) { return remainder_of(x, 2) == 0; }},
    {"divisibleby", [](Interpreter&, const Value& x, Args a) { return remainder_of(x, other(a)) == 0; }},
    {"lower", [](Interpreter&, const Value& x, Args) { return has_case(x, lower, upper); }},
    {"upper", [](Interpreter&, const Value& x, Args) { return has_case(x, upper, lower); }},
    {"escaped", [](Interpreter&, const Value& x, Args) { return x.is_safe(); }},
    {"filter", [](Interpreter&, const Value& x, Args) { return x.is_string() && find_filter(x.text()->bytes()) != nullptr; }},
    {"test", [](Interpreter&, const Value& x, Args) { return x.is_string() && find_test(x.text()->bytes()) != nullptr; }},
    {"in",
     [](Interpreter& in, const Value& x, Args a) {
       in.charge(other(a).weight());
       return contains(other(a), x);
     }},
    {"equalto", kEqual},
    {"eq", kEqual},
    {"==", kEqual},
    {"ne", kUnequal},
    {"!=", kUnequal},
    {"lt", kLess},
    {"lessthan", kLess},
    {"<", kLess},
    {"le", kLessEqual},
    {"<=", kLessEqual},
    {"gt", kGreater},
    {"greaterthan", kGreater},
    {">", kGreater},
    {"ge", kGreaterEqual},
    {">=", kGreaterEqual},
};

}  // namespace

TestFunction find_test(std::string_view name) {
  for (const NamedTest& test : kTests)
    if (test.name == name) return test.function;
  return nullptr;
}

}  // namespace iteralign::jinja
