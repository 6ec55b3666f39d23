#pragma once
// The special tokens by role, and what tokenizer_config.json says about adding them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/json.h"
#include "text/declared_tokens.h"
#include "text/post_processor.h"

namespace iteralign {

struct RoleToken {
  std::string text;                // empty: the tokenizer has none
  std::optional<std::int32_t> id;  // nullopt: none, or not in the vocabulary
};

struct TokenRoles {
  RoleToken bos, eos, pad, unk;

  TokenRoles() = default;
  TokenRoles(const DeclaredTokens& declared, const std::function<std::optional<std::int32_t>(const std::string&)>& id_of);

  // For the Llama and Gemma classes, add_bos_token and add_eos_token of the configuration replace the post-processor.
  void apply_class_rule(const Json& config, PostProcessor& post_processor) const;
};

}  // namespace iteralign
