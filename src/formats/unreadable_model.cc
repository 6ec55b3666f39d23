#include "formats/unreadable_model.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "core/files.h"
#include "iteralign/error.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}

[[noreturn]] void is_adapter(const std::string& folder) {
  const Json config = read_json(join_path(folder, "adapter_config.json"));
  const Json base = config.is_object() ? config.value("base_model_name_or_path", Json()) : Json();
  const std::string model = base.is_string() && !base.get<std::string>().empty() ? base.get<std::string>() : "ITS_MODEL";
  throw Error(ErrorKind::data, "this is an adapter, not a model", folder, "--model " + model + " --adapter " + folder);
}

[[noreturn]] void is_quantised(const std::string& method, const std::string& where) {
  throw Error(ErrorKind::data, "this checkpoint is quantised (" + method + "), which is not read", where,
              "fetch the one in bfloat16 or float16 that it was made from");
}

}  // namespace

void no_weights(const std::string& folder) {
  if (exists(join_path(folder, "adapter_config.json"))) is_adapter(folder);
  refuse_broken_links(folder);
  for (const auto& file : list_files(folder)) {
    const std::string name = fs::path(file).filename().string();
    if (name.starts_with("consolidated.")) {
      throw Error(ErrorKind::data, "the weights are in the layout of their makers, not in that of transformers", file,
                  "fetch model.safetensors, or convert it: transformers has a script for each such model");
    }
    if (ends_with_any(name, {".bin", ".pt", ".pth", ".ckpt", ".pkl"})) {
      throw Error(ErrorKind::data, "the weights are a pickle file, which can run any code when it is opened and is refused", file,
                  "save the model as safetensors: AutoModelForCausalLM.from_pretrained(...).save_pretrained(...) in transformers");
    }
    if (name.ends_with(".gguf")) {
      throw Error(ErrorKind::data, "the weights are a GGUF file", file, "iteralign import " + file + " --out FOLDER");
    }
  }
  throw Error(ErrorKind::data, "has neither model.safetensors nor model.safetensors.index.json", folder, "fetch the weights of the model");
}

void refuse_quantised(const Json& config, const std::string& where) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const Json quantisation = config.value(key, Json());
    if (quantisation.is_null()) continue;
    const Json method = quantisation.is_object() ? quantisation.value("quant_method", Json()) : Json();
    const bool bitsandbytes = quantisation.is_object() && (quantisation.contains("load_in_4bit") || quantisation.contains("load_in_8bit"));
    is_quantised(method.is_string() ? method.get<std::string>() : bitsandbytes ? "bitsandbytes" : key, where);
  }
  if (config.value("quantization", Json()).is_object()) is_quantised("MLX", where);
}

void refuse_quantised(const std::map<std::string, TensorView>& tensors, const std::string& folder) {
  const std::pair<const char*, const char*> marks[] = {
      {".qweight", "gptq or awq"},      {".absmax", "bitsandbytes"},  {".SCB", "bitsandbytes"}, {".weight_packed", "compressed-tensors"},
      {".weight_scale", "fp8 or int8"}, {".weight_scale_inv", "fp8"}, {".W_q", "hqq"}};
  for (const auto& [name, tensor] : tensors)
    for (const auto& [end, method] : marks)
      if (name.ends_with(end)) is_quantised(method, folder);
}

void refuse_broken_links(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string path = entry.path().string();
    if (entry.is_symlink(ignored) && !fs::exists(entry.path(), ignored) &&
        ends_with_any(path, {".safetensors", ".json", ".jinja", ".model", ".txt", ".gguf"}))
      throw Error(ErrorKind::data, "is a link to nothing (" + fs::read_symlink(entry.path(), ignored).string() + ")", path,
                  "download the file again, or mend the link");
  }
}

}  // namespace iteralign
