#pragma once
// promptfoo's configurations: prompt templates, filled in with the variables of each test.

#include <string>
#include <vector>

#include "data/record_shapes.h"

namespace iteralign {

// An object with `tests`, and `prompts` or the tests' `vars`.
bool is_promptfoo(const Json& object);

// Every template with the variables of every test; without a template what the variables themselves say. A variable that is a list stands
// for each of its values. Throws Error data at `path` for files that it refers to and for placeholders that stay open.
std::vector<ShapedRecord> promptfoo_records(const Json& object, const std::string& path);

}  // namespace iteralign
