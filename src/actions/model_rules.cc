#include "actions/model_rules.h"

#include "formats/model_files.h"

namespace iteralign {
namespace {

const std::vector<std::string> kAdapterFiles = {"adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"};

}  // namespace

OutputRules model_rules(std::vector<std::string> inputs, bool overwrite) {
  return {.inputs = std::move(inputs), .overwrite = overwrite, .superseded = model_file_patterns(), .never_beside = kAdapterFiles};
}

OutputRules adapter_rules(std::vector<std::string> inputs, bool overwrite) {
  return {.inputs = std::move(inputs),
          .overwrite = overwrite,
          .superseded = kAdapterFiles,
          .never_beside = {"model*.safetensors", "pytorch_model*.bin"}};
}

}  // namespace iteralign
