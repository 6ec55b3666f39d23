#pragma once
// The stages of an iteration.

#include "iteralign/enum_names.h"

namespace iteralign {

// In their order.
enum class IterationStage { respond, judge, propose, revise, finetune, evaluate };

template <>
inline constexpr std::array<const char*, 6> kNames<IterationStage> = {"respond", "judge", "propose", "revise", "finetune", "evaluate"};

// The moment at which a stage of an iteration is done. Iterations count from 1.
struct StageEnd {
  int iteration = 1;
  IterationStage stage = IterationStage::respond;
};

}  // namespace iteralign
