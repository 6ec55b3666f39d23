#pragma once
// Jinja source to a syntax tree: the grammar of Jinja2 without includes, inheritance and translations.

#include <string>

#include "jinja/ast.h"

namespace iteralign::jinja {

// Throws Error data with `name`, line and column.
Body parse(const std::string& source, const std::string& name);

}  // namespace iteralign::jinja
