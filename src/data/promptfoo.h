#pragma once
// promptfoo's configurations: prompt templates, filled in with the variables of each test.

#include <string>
#include <vector>

#include "data/record_shapes.h"

namespace iteralign {

// An object with `tests`, and `prompts` or the tests' `vars`.
bool is_promptfoo(const Json& object);

// Every template filled in with the variables of every test; without templates the variables themselves are the prompts. A variable that is
// a list stands for each of its values. Throws Error data at `path` for a reference to another file and for a placeholder that nothing
// fills.
std::vector<ShapedRecord> promptfoo_records(const Json& object, const std::string& path);

}  // namespace iteralign
