// The engine as the program loads it.
#include "iteralign/base_model.h"

// The caller owns the model. Throws what open_base_model() throws.
extern "C" iteralign::BaseModel* iteralign_open_base_model(const iteralign::ModelOptions& options) {
  return iteralign::open_base_model(options).release();
}
