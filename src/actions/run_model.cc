#include "actions/run_model.h"

#include "iteralign/error.h"
#include "pipeline/run_folder.h"
#include "report/run_summary.h"
#include "stages/gate_coverage.h"

namespace iteralign {

RunModel run_model(const std::string& folder, RunStore& store, const Config& config) {
  const int iteration = accepted_iteration(store);
  const auto [path, adapter] = trained_weights(folder, iteration);
  if (path.empty() && all_rolled_back(store))
    throw Error(ErrorKind::gate, "every iteration was rolled back: there are no aligned weights, the result is the base model", folder,
                "`iteralign show` says what the gate found; the base model itself is taken with --model");
  if (path.empty()) throw Error(ErrorKind::usage, "has no trained weights yet", folder, "let it finish an iteration");
  RunModel model{config.model, iteration};
  if (!adapter) model.options.path = path;
  model.options.adapter = adapter ? path : "";
  return model;
}

}  // namespace iteralign
