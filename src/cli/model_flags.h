#pragma once
// The flags that say which model a verb works with, and the model behind them.

#include <CLI/CLI.hpp>
#include <memory>

#include "iteralign/base_model.h"

namespace iteralign {

// --model, --adapter, --dtype, --device, --chat-template, --batch-size
void add_model_flags(CLI::App& verb, ModelOptions& options);

// Is the engine in this build?
bool can_open_models();
// Error usage in a build without the engine.
std::unique_ptr<BaseModel> open_model(const ModelOptions& options);

}  // namespace iteralign
