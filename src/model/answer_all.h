#pragma once
// Many requests at once, for those who want all answers before they go on.

#include <cstddef>
#include <functional>
#include <vector>

#include "iteralign/answerer.h"

namespace iteralign {

using OnGenerated = std::function<void(std::size_t index, const Generation&)>;

// The answers in the order of the requests. `on_done` is called as each is finished. `should_stop` is asked between steps: the unfinished
// ones are cancelled then, as behind every other failure, and Error interrupted is thrown. The answerer steps on the calling thread.
std::vector<Generation> answer_all(Answerer& answerer, const std::vector<GenerateRequest>& requests, const OnGenerated& on_done = {},
                                   const std::function<bool()>& should_stop = {});

}  // namespace iteralign
