// iteralign import: a GGUF file as a Hugging Face folder.

#include <memory>

#include "actions/model_rules.h"
#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "core/log.h"
#include "core/progress.h"
#include "formats/gguf_import.h"

namespace iteralign {

void add_import(CLI::App& app) {
  struct Flags {
    std::string file, out;
    bool overwrite = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("import", "a GGUF file as a Hugging Face folder");
  verb->add_option("file", flags->file, "GGUF file of the Llama family")->required();
  verb->add_option("--out", flags->out, "folder; not there yet, or empty")->required();
  add_overwrite_flag(*verb, flags->overwrite);
  verb->callback([flags] {
    OutputFolder out(flags->out, model_rules({flags->file}, flags->overwrite));
    std::unique_ptr<Progress> progress;
    std::uint64_t before = 0;
    import_gguf(flags->file, out.path(), [&](std::uint64_t done, std::uint64_t total) {
      if (!progress) progress = std::make_unique<Progress>("import", static_cast<std::int64_t>(total >> 20), "MiB");
      progress->add(static_cast<std::int64_t>((done >> 20) - (before >> 20)));
      before = done;
    });
    progress.reset();
    out.commit();
    log_info("{}: a Hugging Face folder with weights in bfloat16", flags->out);
  });
}

}  // namespace iteralign
