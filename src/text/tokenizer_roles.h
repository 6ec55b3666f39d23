#pragma once
// The special tokens by role, and the rules of tokenizer_config.json about them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/json.h"
#include "text/post_processor.h"

namespace iteralign {

struct RoleToken {
  std::string text;                // empty: the tokenizer has none
  std::optional<std::int32_t> id;  // nullopt: none, or not in the vocabulary
};

struct TokenRoles {
  RoleToken bos, eos, pad, unk;

  TokenRoles() = default;
  // A token is a string or an object with `content`; the configuration goes before the map.
  TokenRoles(const Json& config, const Json& special_tokens_map,
             const std::function<std::optional<std::int32_t>(const std::string&)>& id_of);

  // For the Llama and Gemma classes, add_bos_token and add_eos_token of the configuration replace the post-processor.
  void apply_class_rule(const Json& config, PostProcessor& post_processor) const;
};

}  // namespace iteralign
