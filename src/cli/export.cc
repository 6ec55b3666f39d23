// iteralign export: a model in the formats of others.

#include <filesystem>
#include <memory>
#include <utility>

#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "engine/files/checkpoint.h"
#include "engine/files/gguf_export.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

struct Flags {
  ModelOptions model;
  std::string format = "merged", type = "f16", out;
};

void write_gguf_file(const std::string& folder, const Flags& flags) {
  std::unique_ptr<Progress> progress;
  std::uint64_t shown = 0;
  export_gguf(folder, flags.out, parse_gguf_type(flags.type), [&](std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kMegabyte = 1'000'000;
    if (!progress) progress = std::make_unique<Progress>("export", static_cast<int>(total / kMegabyte), "MB");
    progress->add(static_cast<int>(done / kMegabyte - shown));
    shown = done / kMegabyte;
  });
}

// A file holds one model: an adapter is merged first, in float32, into a folder that goes again.
void export_gguf_file(Flags& flags) {
  (void)parse_gguf_type(flags.type);
  if (flags.model.adapter.empty()) return write_gguf_file(resolve_model_path(flags.model.path), flags);
  const std::string merged = flags.out + ".merged";
  if (exists(merged)) throw Error(ErrorKind::usage, "is in the way", merged, "remove it, or give another --out");
  flags.model.dtype = flags.model.save_dtype = "float32";
  open_model(flags.model)->save(merged, SaveFormat::merged);
  const std::shared_ptr<void> remove_at_the_end(nullptr, [&](void*) {
    std::error_code ignored;
    std::filesystem::remove_all(merged, ignored);
  });
  write_gguf_file(merged, flags);
}

}  // namespace

void add_export(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  auto* verb =
      app.add_subcommand("export",
                         "merged weights as a Hugging Face folder (--dtype: of the written weights; auto: as they are), the adapter "
                         "as a PEFT folder, or merged weights as a GGUF file for llama.cpp");
  add_model_flags(*verb, flags->model);
  verb->add_option("--format", flags->format, "merged, peft or gguf")
      ->check(CLI::IsMember({"merged", "peft", "gguf"}))
      ->capture_default_str();
  verb->add_option("--type", flags->type, "of the matrices in a GGUF file: f32, f16, bf16, q8_0 or q4_0")->capture_default_str();
  verb->add_option("--out", flags->out, "folder or file; replaced when it is there")->required();
  verb->callback([flags] {
    if (flags->format == "gguf") {
      export_gguf_file(*flags);
    } else {
      // The merge is computed in float32 whatever is written.
      flags->model.save_dtype = std::exchange(flags->model.dtype, "float32");
      const bool peft = flags->format == "peft";
      if (peft && flags->model.adapter.empty()) throw Error(ErrorKind::usage, "needs --adapter", "export --format peft");
      open_model(flags->model)->save(flags->out, peft ? SaveFormat::adapter : SaveFormat::merged);
    }
    log_info("written: {}", flags->out);
  });
}

}  // namespace iteralign
