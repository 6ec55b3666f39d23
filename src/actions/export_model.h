#pragma once
// A model, with or without an adapter, in the formats of others.

#include <string>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

struct ModelExport {
  ModelOptions model;
  std::string format;        // one of model_format_names()
  std::string type = "f16";  // of the matrices in a GGUF file
  std::string out;
  std::vector<std::string> inputs = {};  // that are read beside the model
  bool overwrite = false;
  std::string card = {};  // README.md of a folder; empty: none
};

// merged, peft: folders; gguf, gguf-adapter: a file; ollama: a folder with a GGUF file and a Modelfile.
std::vector<std::string> model_format_names();

// Error usage before any work where something is in the way.
void export_model(const ModelExport& wanted);

}  // namespace iteralign
