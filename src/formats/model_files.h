#pragma once
// The files that a model is made of, and which model they are.

#include <map>
#include <string>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

// Tokenizer, template and generation files that lie beside the weights.
std::vector<std::string> companion_names();

// Shell patterns of all files that write_checkpoint and import_gguf may write.
std::vector<std::string> model_file_patterns();

// A hash of each file by its name ("adapter/..." for those of its adapter): configuration, tokenizer, template and weights. A file above
// 1 GiB is hashed by its size and 64 KiB of every MiB, which meets every matrix in it. Error data when there is no such folder.
std::map<std::string, std::string> model_file_hashes(const ModelOptions& model);

}  // namespace iteralign
