// iteralign export: a model, or what a run made, in the formats of others.

#include <algorithm>
#include <memory>

#include "actions/export_model.h"
#include "actions/export_run.h"
#include "cli/model_flags.h"
#include "cli/run_argument.h"
#include "cli/verbs.h"
#include "core/log.h"
#include "core/strings.h"
#include "data/dataset_formats.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

struct Flags {
  ModelExport model;
  std::string run;
};

void run_export(const Flags& flags) {
  if (flags.run.empty() == flags.model.model.path.empty()) throw Error(ErrorKind::usage, "needs either --model or --run", "export");
  if (const auto format = named<DatasetFormat>(flags.model.format)) {
    if (flags.run.empty())
      throw Error(ErrorKind::usage, "needs --run: it is a form of a run's training pairs", "export --format " + flags.model.format);
    export_dataset(find_run(flags.run), *format, flags.model);
  } else if (!flags.run.empty()) {
    export_run(find_run(flags.run), flags.model);
  } else {
    export_model(flags.model);
  }
  log_info("written: {}", flags.model.out);
}

}  // namespace

void add_export(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("export",
                                  "a model as a Hugging Face folder with the adapter merged (--dtype: of the written weights; auto: as "
                                  "they are), a PEFT folder, a GGUF "
                                  "file, a GGUF adapter or an Ollama folder; the training pairs of a run as a data set");
  add_model_flags(*verb, flags->model.model);
  verb->get_option("--model")->required(false);
  verb->add_option("--run", flags->run, "in place of --model: the weights that a run ended with, or its training pairs");
  auto formats = model_format_names();
  std::ranges::copy(kNames<DatasetFormat>, std::back_inserter(formats));
  flags->model.format = "merged";
  verb->add_option("--format", flags->model.format, join(formats, ", "))->check(CLI::IsMember(formats))->capture_default_str();
  verb->add_option("--type", flags->model.type, "of the matrices in a GGUF file: f32, f16, bf16, q8_0 or q4_0")->capture_default_str();
  verb->add_option("--out", flags->model.out, "folder or file; not there yet, or an empty folder")->required();
  add_overwrite_flag(*verb, flags->model.overwrite);
  verb->callback([flags] { run_export(*flags); });
}

}  // namespace iteralign
