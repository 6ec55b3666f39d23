// iteralign init: a commented configuration.

#include <memory>

#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/log.h"
#include "iteralign/error.h"

namespace iteralign {

void add_init(CLI::App& app) {
  struct Flags {
    std::string name = "openai", file;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("init", "write a commented configuration");
  verb->add_option("--template", flags->name, "smollm2, lab, paper or openai")
      ->check(CLI::IsMember({"smollm2", "lab", "paper", "openai"}))
      ->capture_default_str();
  verb->add_option("file", flags->file, "YAML file; never overwritten")->required();
  verb->callback([flags] {
    if (exists(flags->file)) throw Error(ErrorKind::usage, "is there already", flags->file, "choose another name, or remove it");
    write_file_atomic(flags->file, config_template(flags->name));
    log_info("written: {}\nnext: edit it, then iteralign plan {}", flags->file, flags->file);
  });
}

}  // namespace iteralign
