#pragma once
// The engine's models. The program loads the engine, a module that lies beside it, when the first model is opened.

#include <memory>

#include "iteralign/base_model.h"

namespace iteralign {

// Is the engine in this build?
bool can_open_models();
// Error usage in a build without the engine.
std::unique_ptr<BaseModel> open_model(const ModelOptions& options);

}  // namespace iteralign
