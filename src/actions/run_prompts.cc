#include "actions/run_prompts.h"

#include <memory>

#include "core/files.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"
#include "lab/lab_prompts.h"
#include "text/renderer.h"

namespace iteralign {
namespace {

PromptLimit prompt_limit(const ModelOptions& options) {
  const std::string folder = resolve_model_path(options.path), config = join_path(folder, "config.json");
  const auto tokenizer = std::make_shared<const Tokenizer>(Tokenizer::from_folder(folder));
  const auto renderer = std::make_shared<const Renderer>(tokenizer, ChatTemplate::chosen(options.chat_template, folder));
  return {[renderer](const Messages& messages) { return static_cast<std::int64_t>(renderer->prompt(messages).size()); },
          parse_model_config(read_json(config), config).max_position_embeddings};
}

}  // namespace

RunInputs lab_inputs() {
  return {.red_team = lab_red_team_prompts(),
          .heldout = lab_heldout_prompts(),
          .benign = lab_benign_prompts(),
          .lookalike = lab_lookalike_prompts(),
          .replay = lab_replay_prompts(),
          .replay_lookalike = lab_replay_lookalike_prompts()};
}

RunInputs run_prompts(const Config& config) { return gather_inputs(config, {lab_inputs}, prompt_limit(config.model)); }

}  // namespace iteralign
