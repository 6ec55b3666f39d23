// iteralign export: a model, or what a run made, in the formats of others.

#include <algorithm>
#include <memory>

#include "cli/export_model.h"
#include "cli/model_flags.h"
#include "cli/model_output.h"
#include "cli/run_argument.h"
#include "cli/run_files_writer.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/log.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "pipeline/weights.h"
#include "report/cards.h"
#include "report/run_summary.h"
#include "stages/gate_coverage.h"

namespace iteralign {
namespace {

struct Flags {
  ModelExport model;
  std::string run;
};

void export_dataset(const std::string& run, DatasetFormat format, const ModelExport& wanted) {
  const std::string database = join_path(find_run(run), "run.db");
  OutputFolder folder(wanted.out, {.inputs = {database}, .overwrite = wanted.overwrite});
  RunStore store(database);
  const auto pairs = all_pairs(store);
  if (dataset_size(format, pairs) == 0) throw Error(ErrorKind::usage, "has no training pairs yet", run, "let it finish an iteration");
  if (all_rolled_back(store))
    log_warning("{}: no weights that were trained on these pairs were accepted: every iteration was rolled back", run);
  make_directories(folder.path());
  write_file_atomic(join_path(folder.path(), dataset_file_name(format)), dataset_text(format, pairs));
  write_file_atomic(join_path(folder.path(), "README.md"), dataset_card(store, run_info(store), format));
  folder.commit();
}

// The weights that a run ended with, and the card that says so.
void export_run(const std::string& run, ModelExport wanted) {
  const std::string folder = find_run(run);
  RunStore store(join_path(folder, "run.db"));
  const RunInfo info = run_info(store);
  const Config config = parse_config(info.config, "run.db");
  const int iteration = accepted_iteration(store);
  const auto [path, adapter] = trained_weights(folder, iteration);
  if (path.empty() && all_rolled_back(store))
    throw Error(ErrorKind::gate, "every iteration was rolled back: there are no aligned weights, the result is the base model", run,
                "`iteralign show` says what the gate found; the base model itself is exported with --model");
  if (path.empty()) throw Error(ErrorKind::usage, "has no trained weights yet", run, "let it finish an iteration");
  wanted.model.path = adapter ? config.model.path : path;
  wanted.model.adapter = adapter ? path : "";
  if (wanted.model.chat_template.empty()) wanted.model.chat_template = config.model.chat_template;
  wanted.inputs = {path, join_path(folder, "run.db")};
  wanted.card = model_card(store, info, iteration, wanted.format == "peft");
  export_model(wanted);
}

void run_export(const Flags& flags) {
  if (flags.run.empty() == flags.model.model.path.empty()) throw Error(ErrorKind::usage, "needs either --model or --run", "export");
  if (const auto format = named<DatasetFormat>(flags.model.format)) {
    if (flags.run.empty())
      throw Error(ErrorKind::usage, "needs --run: it is a form of a run's training pairs", "export --format " + flags.model.format);
    export_dataset(flags.run, *format, flags.model);
  } else if (!flags.run.empty()) {
    export_run(flags.run, flags.model);
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
