#pragma once
// The same benchmark as different programs compute it. A number without its variant says nothing.

#include <string>

namespace iteralign {

enum class Variant {
  lm_eval,  // as lm-evaluation-harness does
  paper,    // as the paper's scripts do, with their faults
  fixed,    // the paper's prompts without the faults
};

// What is added to a task's name: "", "_paper", "_fixed".
inline std::string suffix(Variant variant) { return variant == Variant::lm_eval ? "" : variant == Variant::paper ? "_paper" : "_fixed"; }

}  // namespace iteralign
