#include "doctor/token_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/chat_checks.h"

namespace iteralign {
namespace {

// Ids that prompts and answers are made with, whatever the text.
std::vector<TokenId> needed_ids(const Renderer& renderer) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  std::vector<TokenId> ids;
  for (const auto& id : {tokenizer.bos_id(), tokenizer.eos_id(), end_of_turn_id(renderer)})
    if (id) ids.push_back(*id);
  for (const std::string& token : control_tokens(renderer))
    if (const auto id = tokenizer.id_of(token)) ids.push_back(*id);
  return ids;
}

// Token ids in config.json and generation_config.json that the embedding does not have.
std::vector<std::string> ids_out_of_range(const ModelFiles& files) {
  std::vector<std::string> bad;
  const auto look = [&](const char* file, const Json& json) {
    for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
      const Json value = json.is_object() ? json.value(key, Json()) : Json();
      for (const Json& id : value.is_array() ? value : Json::array({value}))
        if (id.is_number_integer() && id.get<std::int64_t>() >= files.config->vocab_size)
          bad.push_back(fmt::format("{} {} of {}", key, id.get<std::int64_t>(), file));
    }
  };
  look("config.json", files.config_json);
  look("generation_config.json", files.generation_config);
  return bad;
}

}  // namespace

void check_stop_tokens(const ModelFiles& files, Findings& findings) {
  const Tokenizer& tokenizer = files.renderer->tokenizer();
  const auto end = end_of_turn_id(*files.renderer);
  if (!end) {
    findings.fault("stop_tokens", "neither the template nor the tokenizer has a token that ends an answer: generation never stops",
                   "name an eos_token in tokenizer_config.json");
    return;
  }
  const bool of_generation = files.generation_config.is_object() && files.generation_config.contains("eos_token_id");
  const char* file = of_generation ? "generation_config.json" : "config.json";
  const auto stops = eos_token_ids(files.generation_config, files.config_json, files.file(file));
  if (std::ranges::find(stops, *end) != stops.end()) {
    findings.ok("stop_tokens", fmt::format("{} stops generation at {}", file, quoted(tokenizer, *end)));
  } else {
    findings.fault("stop_tokens",
                   fmt::format("eos_token_id of {} is [{}], but an answer ends with {}: other programs will not stop there", file,
                               fmt::join(stops, ", "), quoted(tokenizer, *end)),
                   fmt::format("add {} to eos_token_id of generation_config.json", *end));
  }
}

void check_pad_token(const ModelFiles& files, Findings& findings) {
  const Tokenizer& tokenizer = files.renderer->tokenizer();
  const auto pad = tokenizer.pad_id();
  if (pad && pad == end_of_turn_id(*files.renderer)) {
    findings.warn("pad_token",
                  fmt::format("the pad token {} is the end of turn too: trainers that mask padding by its id mask the end of turn out",
                              quoted(tokenizer, *pad)),
                  "name another pad_token in tokenizer_config.json before training elsewhere");
  } else {
    findings.ok("pad_token", pad ? quoted(tokenizer, *pad) + " is not the end of turn" : "the tokenizer has none");
  }
}

void check_vocabulary(const ModelFiles& files, Findings& findings) {
  const Tokenizer& tokenizer = files.renderer->tokenizer();
  const std::int64_t rows = files.config->vocab_size;
  std::vector<std::string> outside = ids_out_of_range(files), spare;
  const auto needed = needed_ids(*files.renderer);
  for (std::int64_t id = rows; id < tokenizer.size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (tokenizer.token_of(token).empty()) continue;
    // Some published tokenizers have one special token, for pictures, more than their model.
    const bool unused = tokenizer.is_special(token) && std::ranges::find(needed, token) == needed.end();
    (unused ? spare : outside).push_back(quoted(tokenizer, token));
  }
  const std::string mend = "resize the embedding, or take the tokenizer and the weights from the same model";
  if (!outside.empty()) {
    findings.fault(
        "vocabulary",
        fmt::format("the vocabulary is larger than the embedding of {} rows (vocab_size): {} have none", rows, enumerate(outside)), mend);
  } else if (!spare.empty()) {
    findings.warn("vocabulary", fmt::format("special tokens without a row in the embedding of {} rows: {}", rows, enumerate(spare)), mend);
  } else {
    findings.ok("vocabulary", fmt::format("{} tokens in an embedding of {} rows", tokenizer.size(), rows));
  }
}

}  // namespace iteralign
