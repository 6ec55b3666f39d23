// iteralign finetune: fine-tuning alone, supervised or by preferences.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "actions/model_rules.h"
#include "actions/open_model.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/files.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "data/sft_files.h"
#include "formats/checkpoint.h"
#include "formats/trainer_state.h"
#include "iteralign/error.h"
#include "model/finetune.h"

namespace iteralign {
namespace {

struct FinetuneFlags {
  ModelOptions model;
  std::string data, out;
  std::vector<std::string> overrides;
  std::uint64_t seed = 42;
  bool json = false, overwrite = false;
};

// Where the training keeps what it goes on from, until it is done: OUT.training. Error usage when the files there are not a training's.
std::string state_folder(const FinetuneFlags& flags, const std::vector<std::string>& inputs) {
  const std::string out = flags.out.substr(0, flags.out.find_last_not_of('/') + 1), folder = out + ".training";
  check_is_no_input(folder, inputs);
  if (!exists(folder)) return folder;
  const std::vector<std::string> names = {"fingerprint", "trainer_state.json", "optimizer.safetensors"};  // engine/training_state.h
  if (!is_directory(folder))
    throw Error(ErrorKind::usage, "is where a training keeps its state, and is a file", folder, "choose another --out");
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (std::ranges::find(names, entry.path().filename().string()) == names.end())
      throw Error(ErrorKind::usage, "is where a training keeps its state, and holds other files", folder,
                  "move them, or choose another --out");
  return folder;
}

void run_finetune(const FinetuneFlags& flags) {
  FinetuneConfig config;
  apply_finetune_overrides(config, flags.overrides);
  if (config.options.method == FinetuneMethod::none)
    throw Error(ErrorKind::usage, "nothing is trained with method none", "finetune.method", "use lora or full");
  const std::vector<std::string> inputs = {resolve_model_path(flags.model.path), resolve_adapter_path(flags.model.adapter),
                                           flags.model.chat_template, flags.data};
  FinetuneOptions options = config.options;
  options.seed = flags.seed;
  const TrainingFolders folders{.state = state_folder(flags, inputs)};
  // A training that was stopped was let in when it began, and may have got as far as its result.
  const bool goes_on = exists(join_path(folders.state, "fingerprint")) && exists(join_path(flags.out, "trainer_state.json"));
  const bool overwrite = flags.overwrite || goes_on;
  const bool full = options.method == FinetuneMethod::full;
  OutputFolder out(flags.out, full ? model_rules(inputs, overwrite) : adapter_rules(inputs, overwrite));
  const auto [examples, left_out] = read_sft_file(flags.data);
  if (!left_out.empty()) log_warning("{}: {} examples; left out are {}", flags.data, examples.size(), left_out);
  const auto model = open_model(flags.model);
  std::unique_ptr<Progress> progress;
  std::vector<TrainStep> steps;
  const auto train = finetune(
      *model, examples, options, folders,
      [&](const TrainStep& step) {
        steps.push_back(step);
        if (flags.json) print_json(to_json(step));
        if (!progress) progress = std::make_unique<Progress>("finetune", step.max_steps, "steps");
        progress->add(1, fmt::format("loss {:.4f}", step.loss));
      },
      interrupted);
  progress.reset();
  model->save(out.path(), full ? SaveFormat::merged : SaveFormat::adapter);
  write_file_atomic(join_path(out.path(), "trainer_state.json"), trainer_state(steps, options));
  out.commit();
  std::error_code ignored;  // what the training kept to go on from is not needed any more
  std::filesystem::remove_all(folders.state, ignored);
  log_info("{} steps, loss {:.4f} -> {:.4f}, {} tokens in {:.1f} s; saved to {}", train.steps, train.loss_first, train.loss_last,
           train.tokens, train.seconds, flags.out);
}

}  // namespace

void add_finetune(CLI::App& app) {
  auto flags = std::make_shared<FinetuneFlags>();
  auto* verb = app.add_subcommand("finetune", "fine-tuning alone, supervised or by preferences");
  add_model_flags(*verb, flags->model);
  verb->add_option("--data", flags->data,
                   "SFT file (messages, prompt and completion, ShareGPT or Alpaca) or preference file (prompt, chosen and rejected)")
      ->required();
  verb->add_option("--out", flags->out, "folder for the adapter (lora) or the model (full); not there yet, or empty")->required();
  add_overwrite_flag(*verb, flags->overwrite);
  verb->add_option("--seed", flags->seed, "of adapter, order and dropout")->capture_default_str();
  verb->add_flag("--json", flags->json, "one JSON object a step");
  verb->add_option("overrides", flags->overrides, "key=value of the section finetune: learning_rate=1e-4 method=full ...");
  verb->callback([flags] { run_finetune(*flags); });
}

}  // namespace iteralign
