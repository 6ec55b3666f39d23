#pragma once
// Generation whose results go on to a pool of threads while it runs.

#include <vector>

#include "core/task_pool.h"
#include "model/answer_all.h"
#include "stages/stage.h"

namespace iteralign {

// Generates, calls on_done for each finished answer, then waits for the pool. When either fails, what is in flight is finished first (and
// so kept in the store); then the first Error is thrown.
void generate_into_pool(const Stage& stage, const std::vector<GenerateRequest>& requests, TaskPool& pool, const OnGenerated& on_done);

}  // namespace iteralign
