#include "text/tokenizer_roles.h"

namespace iteralign {
namespace {

std::string token_text(const Json& source, const std::string& key) {
  const auto member = source.find(key);
  if (member == source.end()) return {};
  if (member->is_string()) return member->get<std::string>();
  if (member->is_object() && member->contains("content") && (*member)["content"].is_string())
    return (*member)["content"].get<std::string>();
  return {};
}

std::optional<bool> flag(const Json& config, const std::string& key) {
  const auto member = config.find(key);
  if (member == config.end() || !member->is_boolean()) return std::nullopt;
  return member->get<bool>();
}

}  // namespace

TokenRoles::TokenRoles(const Json& config, const Json& special_tokens_map,
                       const std::function<std::optional<std::int32_t>(const std::string&)>& id_of) {
  const auto role = [&](const std::string& key) {
    RoleToken token{token_text(config, key), std::nullopt};
    if (token.text.empty()) token.text = token_text(special_tokens_map, key);
    if (!token.text.empty()) token.id = id_of(token.text);
    return token;
  };
  bos = role("bos_token");
  eos = role("eos_token");
  pad = role("pad_token");
  unk = role("unk_token");
}

void TokenRoles::apply_class_rule(const Json& config, PostProcessor& post_processor) const {
  const std::string name = token_text(config, "tokenizer_class");
  const bool has_rule =
      name == "LlamaTokenizer" || name == "LlamaTokenizerFast" || name == "GemmaTokenizer" || name == "GemmaTokenizerFast";
  const auto add_bos = flag(config, "add_bos_token"), add_eos = flag(config, "add_eos_token");
  if (!has_rule || (!add_bos && !add_eos)) return;
  post_processor.before.clear();
  post_processor.behind.clear();
  if (add_bos.value_or(true) && bos.id) post_processor.before.push_back(*bos.id);
  if (add_eos.value_or(false) && eos.id) post_processor.behind.push_back(*eos.id);
}

}  // namespace iteralign
