#pragma once
// What a run made, in the formats of others.

#include <string>

#include "actions/export_model.h"
#include "data/dataset_formats.h"

namespace iteralign {

// The weights that the run in this folder ended with, beside them the card that says so; of `wanted` all but the model. Error usage when
// it has none yet, Error gate when every iteration was rolled back.
void export_run(const std::string& folder, ModelExport wanted);

// Its training pairs as a data set in the folder `wanted.out`, with a card. Error usage when it has none yet.
void export_dataset(const std::string& folder, DatasetFormat format, const ModelExport& wanted);

}  // namespace iteralign
