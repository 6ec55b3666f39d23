#pragma once
// What the models of a configuration take of the machine's memory.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "iteralign/config.h"
#include "model/in_turn.h"

namespace iteralign {

// Of a model's folder, from the heads of its files.
std::int64_t count_parameters(const std::string& path);

// Bytes: weights as they are computed with, and the keys and values of what is generated side by side.
struct MemoryNeed {
  std::int64_t base_model = 0;
  std::int64_t beside = 0;                // models of the oracle and of a guard on this machine
  std::optional<std::int64_t> available;  // nothing: not known
};

// `training`: the base model is trained too. Nothing where it is alone. Error usage as check_models().
MemoryNeed memory_need(const Config& config, bool training);

// Is there room for all of them? Where that is not known, too.
bool fit_together(const MemoryNeed& need);

// The turns that the models of a configuration have to take; null: they fit together. Error usage, with the figures, where there is another
// model beside the base model and not even one at a time fits.
std::shared_ptr<Turns> needed_turns(const MemoryNeed& need);

}  // namespace iteralign
