#pragma once
// HHH alignment (Askell et al. 2021; BIG-bench): which of two answers is the helpful, honest, harmless one?

#include <string>

#include "tasks/choice_task.h"
#include "tasks/variant.h"

namespace iteralign {

// `folder` has {harmless, helpful, honest, other}/task.json as BIG-bench has them; the groups are the subsets.
// lm_eval: summed log-likelihood of the whole answer behind the dialogue, which favours short answers.
// fixed, paper: A or B in an exam (Dromedary's prompt), asked in both orders, summed. The two are the same.
// Error data names the file and record of what is malformed.
ChoiceTask hhh(const std::string& folder, Variant variant);

}  // namespace iteralign
