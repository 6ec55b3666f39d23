// iteralign init: a commented configuration.

#include <memory>

#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/log.h"

namespace iteralign {

void add_init(CLI::App& app) {
  struct Flags {
    std::string name = "openai", file;
    bool overwrite = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("init", "write a commented configuration");
  verb->add_option("--template", flags->name, "smollm2, lab, paper or openai")
      ->check(CLI::IsMember({"smollm2", "lab", "paper", "openai"}))
      ->capture_default_str();
  verb->add_option("file", flags->file, "YAML file, not there yet")->required();
  add_overwrite_flag(*verb, flags->overwrite);
  verb->callback([flags] {
    check_output_file(flags->file, {.overwrite = flags->overwrite});
    write_file_atomic(flags->file, config_template(flags->name));
    log_info("written: {}\nnext: edit it, then iteralign plan {}", flags->file, flags->file);
  });
}

}  // namespace iteralign
