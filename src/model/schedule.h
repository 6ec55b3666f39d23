#pragma once
// Learning rate schedules, with the names and formulas of transformers' get_scheduler.

#include <cmath>
#include <cstdint>
#include <numbers>

#include "iteralign/finetune_options.h"

namespace iteralign {

struct Schedule {
  LrScheduler type = LrScheduler::cosine;
  std::int64_t warmup_steps = 0, max_steps = 1;

  Schedule(LrScheduler scheduler, double warmup_ratio, std::int64_t steps)
      : type(scheduler), warmup_steps(static_cast<std::int64_t>(std::ceil(warmup_ratio * static_cast<double>(steps)))), max_steps(steps) {}

  // What the learning rate of the step is multiplied with; the first step is 0.
  [[nodiscard]] double multiplier(std::int64_t step) const {
    if (type == LrScheduler::constant) return 1.0;
    const auto at_least_one = [](std::int64_t n) { return static_cast<double>(n > 1 ? n : 1); };
    if (step < warmup_steps) return static_cast<double>(step) / at_least_one(warmup_steps);
    if (type == LrScheduler::constant_with_warmup) return 1.0;
    const double left = 1.0 - static_cast<double>(step - warmup_steps) / at_least_one(max_steps - warmup_steps);
    if (type == LrScheduler::linear) return left > 0 ? left : 0.0;
    return 0.5 * (1.0 + std::cos(std::numbers::pi * (1.0 - left)));
  }
};

}  // namespace iteralign
