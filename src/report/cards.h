#pragma once
// The README.md that goes with a model or a data set: what it is, where it comes from, what was measured, what it is not.
// Format: the cards of the Hugging Face hub, Markdown with a YAML head.

#include <string>

#include "data/dataset_formats.h"
#include "report/run_info.h"
#include "store/run_store.h"

namespace iteralign {

// Of the weights of an iteration; an adapter or a whole model. Says what is measured so far.
std::string model_card(RunStore& store, const RunInfo& info, int iteration, bool adapter);

// Of the pairs of all iterations.
std::string dataset_card(RunStore& store, const RunInfo& info, DatasetFormat format);

// The pairs of all iterations, in order.
std::vector<SftPair> all_pairs(RunStore& store);

}  // namespace iteralign
