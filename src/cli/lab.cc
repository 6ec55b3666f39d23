// iteralign lab: the embedded world's model and prompts.

#include <fmt/format.h>

#include <memory>

#include "actions/model_rules.h"
#include "actions/open_model.h"
#include "actions/run_prompts.h"
#include "cli/model_flags.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/progress.h"
#include "lab/lab_prompts.h"
#include "lab/recipe.h"

namespace iteralign {
namespace {

void print_prompts() {
  const RunInputs inputs = lab_inputs();
  const auto print_list = [](const char* list, const std::vector<Prompt>& prompts) {
    for (const auto& prompt : prompts)
      print_json({{"list", list}, {"category", prompt.category}, {"prompt", prompt.messages.back().content}, {"id", prompt.id}});
  };
  print_list("red_team", inputs.red_team);
  print_list("heldout", inputs.heldout);
  print_list("benign", inputs.benign);
  print_list("lookalike", inputs.lookalike);
  print_list("replay", inputs.replay);
  print_list("replay_lookalike", inputs.replay_lookalike);
}

void build_model(const std::string& path, std::uint64_t seed, bool overwrite) {
  OutputFolder out(path, model_rules({}, overwrite));
  std::unique_ptr<Progress> progress;
  build_lab_model(
      out.path(), seed,
      [](const std::string& untrained) {
        ModelOptions options;
        options.path = untrained;
        options.dtype = "float32";
        return open_model(options);
      },
      [&](const TrainStep& step) {
        if (!progress) progress = std::make_unique<Progress>("lab build", step.max_steps, "steps");
        progress->add(1, fmt::format("loss {:.3f}", step.loss));
      },
      interrupted);
  progress.reset();
  out.commit();
  log_info("written: {}", path);
}

}  // namespace

void add_lab(CLI::App& app) {
  struct Flags {
    std::string out = "models/lab";
    std::uint64_t seed = 1;
    bool overwrite = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* verb = app.add_subcommand("lab", "the embedded world: a synthetic one, with ground truth");
  verb->require_subcommand(1);
  auto* build = verb->add_subcommand("build", "make the lab's base model from random weights");
  build->add_option("--out", flags->out, "folder")->capture_default_str();
  build->add_option("--seed", flags->seed, "of weights and dialogues")->capture_default_str();
  add_overwrite_flag(*build, flags->overwrite);
  build->callback([flags] { build_model(flags->out, flags->seed, flags->overwrite); });
  verb->add_subcommand("prompts", "the lab's prompts, one JSON object a line")->callback(print_prompts);
}

}  // namespace iteralign
