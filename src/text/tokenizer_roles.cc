#include "text/tokenizer_roles.h"

namespace iteralign {
namespace {

std::optional<bool> flag(const Json& config, const std::string& key) {
  const auto member = config.find(key);
  if (member == config.end() || !member->is_boolean()) return std::nullopt;
  return member->get<bool>();
}

}  // namespace

TokenRoles::TokenRoles(const DeclaredTokens& declared, const std::function<std::optional<std::int32_t>(const std::string&)>& id_of) {
  for (const auto& [name, text] : declared.named) {
    const RoleToken token{text, id_of(text)};
    if (name == "bos_token") bos = token;
    if (name == "eos_token") eos = token;
    if (name == "pad_token") pad = token;
    if (name == "unk_token") unk = token;
  }
}

void TokenRoles::apply_class_rule(const Json& config, PostProcessor& post_processor) const {
  const auto found = config.find("tokenizer_class");
  const std::string name = found != config.end() && found->is_string() ? found->get<std::string>() : "";
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
