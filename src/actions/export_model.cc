#include "actions/export_model.h"

#include <memory>

#include "actions/model_rules.h"
#include "actions/open_model.h"
#include "core/files.h"
#include "core/progress.h"
#include "formats/checkpoint.h"
#include "formats/gguf_export.h"
#include "formats/gguf_lora.h"
#include "iteralign/error.h"
#include "text/ollama.h"

namespace iteralign {
namespace {

// The merge is computed in float32 whatever is written.
void save_merged(ModelOptions model, const std::string& save_dtype, const std::string& out) {
  model.save_dtype = save_dtype;
  model.dtype = "float32";
  open_model(model)->save(out, SaveFormat::merged);
}

void need_adapter(const ModelExport& wanted) {
  if (wanted.model.adapter.empty()) throw Error(ErrorKind::usage, "needs --adapter", "export --format " + wanted.format);
}

void write_gguf_file(const std::string& folder, const std::string& out, const std::string& type) {
  std::unique_ptr<Progress> progress;
  std::uint64_t shown = 0;
  export_gguf(folder, out, parse_gguf_type(type), [&](std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kMegabyte = 1'000'000;
    if (!progress) progress = std::make_unique<Progress>("export", static_cast<int>(total / kMegabyte), "MB");
    progress->add(static_cast<int>(done / kMegabyte - shown));
    shown = done / kMegabyte;
  });
}

// A GGUF file holds one model: an adapter is merged first, in float32.
void export_gguf_file(const ModelExport& wanted, const std::string& out) {
  (void)parse_gguf_type(wanted.type);
  if (wanted.model.adapter.empty()) return write_gguf_file(resolve_model_path(wanted.model.path), out, wanted.type);
  const ScratchDirectory merged(out + ".merged-");
  save_merged(wanted.model, "float32", merged.path());
  write_gguf_file(merged.path(), out, wanted.type);
}

void export_ollama(const ModelExport& wanted, const std::string& out) {
  make_directories(out);
  const std::string folder = resolve_model_path(wanted.model.path);
  const Renderer renderer(std::make_shared<const Tokenizer>(Tokenizer::from_folder(folder)),
                          ChatTemplate::chosen(wanted.model.chat_template, folder), /*date=*/"");  // the file is for any day
  export_gguf_file(wanted, join_path(out, "model.gguf"));
  const std::string sampling = join_path(folder, "generation_config.json");
  write_file_atomic(join_path(out, "Modelfile"),
                    ollama_modelfile(renderer, "model.gguf", exists(sampling) ? read_json(sampling) : Json::object()));
}

void save_peft(ModelOptions model, const std::string& out) {
  model.dtype = "float32";
  open_model(model)->save(out, SaveFormat::adapter);
}

std::vector<std::string> inputs_of(const ModelExport& wanted) {
  std::vector<std::string> inputs = {resolve_model_path(wanted.model.path), resolve_adapter_path(wanted.model.adapter),
                                     wanted.model.chat_template};
  inputs.insert(inputs.end(), wanted.inputs.begin(), wanted.inputs.end());
  return inputs;
}

void export_file(const ModelExport& wanted) {
  check_output_file(wanted.out, {.inputs = inputs_of(wanted), .overwrite = wanted.overwrite});
  if (wanted.format == "gguf") return export_gguf_file(wanted, wanted.out);
  export_gguf_adapter(resolve_model_path(wanted.model.path), resolve_adapter_path(wanted.model.adapter), wanted.out);
}

void export_folder(const ModelExport& wanted) {
  OutputRules rules = wanted.format == "merged" ? model_rules(inputs_of(wanted), wanted.overwrite)
                      : wanted.format == "peft" ? adapter_rules(inputs_of(wanted), wanted.overwrite)
                                                : OutputRules{.inputs = inputs_of(wanted), .overwrite = wanted.overwrite};
  OutputFolder out(wanted.out, std::move(rules));
  if (wanted.format == "ollama") export_ollama(wanted, out.path());
  if (wanted.format == "merged") save_merged(wanted.model, wanted.model.dtype, out.path());
  if (wanted.format == "peft") save_peft(wanted.model, out.path());
  if (!wanted.card.empty()) write_file_atomic(join_path(out.path(), "README.md"), wanted.card);
  out.commit();
}

}  // namespace

std::vector<std::string> model_format_names() { return {"merged", "peft", "gguf", "gguf-adapter", "ollama"}; }

void export_model(const ModelExport& wanted) {
  if (wanted.format == "peft" || wanted.format == "gguf-adapter") need_adapter(wanted);
  wanted.format.starts_with("gguf") ? export_file(wanted) : export_folder(wanted);
}

}  // namespace iteralign
