#pragma once
// Python's operators on values of the Jinja interpreter. What Python refuses is a Fault.

#include "jinja/value.h"

namespace iteralign::jinja {

// `op` is one of + - * / // % **.
Value arithmetic(const std::string& op, const Value& a, const Value& b);
Value negate(const Value& a);

// container[index] with the look-ups of Jinja: undefined when there is nothing. Attributes are not looked at.
Value item_of(const Value& container, const Value& index);
// container[begin:end:step]; None stands for what is left out.
Value slice_of(const Value& container, const Value& begin, const Value& end, const Value& step);

// printf-style formatting: "%s has %d" % (a, b), and the filter `format`.
Value format_percent(const Text& format, const Value& arguments);
// str.format with {}, {0} and {name}; a Fault names any other field.
Text format_braces(const Text& format, const Arguments& arguments);

// As markupsafe.escape: & < > " ' of HTML.
Text escape_html(const Text& text);
// a + b of strings, where one may be Markup.
Value concatenate(const Value& a, const Value& b);

}  // namespace iteralign::jinja
