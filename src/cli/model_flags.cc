#include "cli/model_flags.h"

#ifdef ITERALIGN_ENGINE_MODULE
#include <dlfcn.h>
#endif

#include <filesystem>

#include "iteralign/error.h"

namespace iteralign {

#ifdef ITERALIGN_ENGINE_MODULE
namespace {

using OpenBaseModel = BaseModel*(const ModelOptions&);

// The engine lies beside the program and stays loaded.
OpenBaseModel* load_engine() {
  const std::string path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / ITERALIGN_ENGINE_MODULE;
  void* engine = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* open = engine == nullptr ? nullptr : ::dlsym(engine, "iteralign_open_base_model");
  if (open == nullptr)
    throw Error(ErrorKind::failed, std::string("the engine cannot be loaded: ") + ::dlerror(), path, "build the program again");
  return reinterpret_cast<OpenBaseModel*>(open);
}

}  // namespace
#endif

void add_model_flags(CLI::App& verb, ModelOptions& options) {
  verb.add_option("--model", options.path, "Hugging Face folder, or org/name in the local Hugging Face cache")->required();
  verb.add_option("--adapter", options.adapter, "PEFT folder, or org/name in that cache");
  verb.add_option("--dtype", options.dtype, "auto, float32 or bfloat16; for export float16 too")->capture_default_str();
  verb.add_option("--device", options.device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}))->capture_default_str();
  verb.add_option("--chat-template", options.chat_template, "a template file, or the name of a built-in format");
  verb.add_option("--batch-size", options.batch_size, "sequences decoded at once")->check(CLI::Range(1, 4096))->capture_default_str();
}

bool can_open_models() {
#ifdef ITERALIGN_ENGINE_MODULE
  return true;
#else
  return false;
#endif
}

std::unique_ptr<BaseModel> open_model(const ModelOptions& options) {
#ifdef ITERALIGN_ENGINE_MODULE
  static OpenBaseModel* const open = load_engine();
  return std::unique_ptr<BaseModel>(open(options));
#else
  throw Error(ErrorKind::usage, "this build has no engine, so it opens no model", options.path, "build the release preset");
#endif
}

}  // namespace iteralign
