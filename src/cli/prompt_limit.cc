#include "cli/prompt_limit.h"

#include <memory>

#include "core/files.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"
#include "text/renderer.h"

namespace iteralign {

PromptLimit prompt_limit(const ModelOptions& options) {
  const std::string folder = resolve_model_path(options.path), config = join_path(folder, "config.json");
  const auto tokenizer = std::make_shared<const Tokenizer>(Tokenizer::from_folder(folder));
  const auto renderer = std::make_shared<const Renderer>(tokenizer, ChatTemplate::chosen(options.chat_template, folder));
  return {[renderer](const Messages& messages) { return static_cast<std::int64_t>(renderer->prompt(messages).size()); },
          parse_model_config(read_json(config), config).max_position_embeddings};
}

}  // namespace iteralign
