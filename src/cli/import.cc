// iteralign import: a GGUF file as a Hugging Face folder.

#include <memory>

#include "cli/verbs.h"
#include "core/log.h"
#include "core/progress.h"
#include "engine/files/gguf_import.h"

namespace iteralign {

void add_import(CLI::App& app) {
  struct Flags {
    std::string file, out;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("import", "a GGUF file as a Hugging Face folder");
  verb->add_option("file", flags->file, "GGUF file of the Llama family")->required();
  verb->add_option("--out", flags->out, "folder; replaced when it is there")->required();
  verb->callback([flags] {
    std::unique_ptr<Progress> progress;
    std::uint64_t before = 0;
    import_gguf(flags->file, flags->out, [&](std::uint64_t done, std::uint64_t total) {
      if (!progress) progress = std::make_unique<Progress>("import", static_cast<std::int64_t>(total >> 20), "MiB");
      progress->add(static_cast<std::int64_t>((done >> 20) - (before >> 20)));
      before = done;
    });
    progress.reset();
    log_info("{}: a Hugging Face folder with weights in bfloat16", flags->out);
  });
}

}  // namespace iteralign
