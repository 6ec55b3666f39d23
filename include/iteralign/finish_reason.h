#pragma once
// How an answer ends.

#include "iteralign/enum_names.h"

namespace iteralign {

enum class FinishReason {
  stop,     // with an end token or a stop string
  length,   // cut by its length limit
  too_long  // nothing was generated: the prompt leaves no room for an answer in the model's context
};

template <>
inline constexpr std::array<const char*, 3> kNames<FinishReason> = {"stop", "length", "too_long"};

}  // namespace iteralign
