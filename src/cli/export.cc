// iteralign export: a model in the formats of others.

#include <memory>
#include <utility>

#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "core/log.h"
#include "iteralign/error.h"

namespace iteralign {

void add_export(CLI::App& app) {
  struct Flags {
    ModelOptions model;
    std::string format = "merged", out;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand(
      "export",
      "merged weights as a Hugging Face folder (--dtype: of the written weights; auto: as they are), or the adapter as a PEFT folder");
  add_model_flags(*verb, flags->model);
  verb->add_option("--format", flags->format, "merged or peft")->check(CLI::IsMember({"merged", "peft"}))->capture_default_str();
  verb->add_option("--out", flags->out, "folder; replaced when it is there")->required();
  verb->callback([flags] {
    // The merge is computed in float32 whatever is written.
    flags->model.save_dtype = std::exchange(flags->model.dtype, "float32");
    const bool peft = flags->format == "peft";
    if (peft && flags->model.adapter.empty()) throw Error(ErrorKind::usage, "needs --adapter", "export --format peft");
    open_model(flags->model)->save(flags->out, peft ? SaveFormat::adapter : SaveFormat::merged);
    log_info("written: {}", flags->out);
  });
}

}  // namespace iteralign
