#include "formats/gguf_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/families/families.h"
#include "formats/gguf_rope.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void refuse(const GgufFile& file, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::data, what, file.path(), hint);
}

const Family& family_of(const GgufFile& file) {
  const std::string& architecture = file.text("general.architecture");
  if (const Family* family = find_gguf_family(architecture)) return *family;
  std::set<std::string_view> known;
  for (const Family* family : all_families()) known.insert(family->gguf.architecture);
  refuse(file, "the architecture \"" + architecture + "\" is not supported", fmt::format("supported: {}", fmt::join(known, ", ")));
}

std::int64_t head_dim(const GgufFile& file, const GgufKeys& keys, bool partial_rope, std::int64_t hidden, std::int64_t heads) {
  std::optional<std::int64_t> dimension;
  for (const char* key : {"rope.dimension_count", "attention.key_length", "attention.value_length"}) {
    if (!keys.has(key) || (partial_rope && std::string_view(key) == "rope.dimension_count")) continue;
    if (dimension && *dimension != keys.integer(key))
      refuse(file, keys.full(key) + " differs from the size of a head", "this variant is not supported");
    dimension = keys.integer(key);
  }
  return dimension.value_or(heads > 0 ? hidden / heads : 0);
}

// The token ids of the named kinds, in this order, without repetition.
std::vector<std::int64_t> token_ids(const GgufFile& file, std::initializer_list<const char*> kinds) {
  std::vector<std::int64_t> ids;
  for (const char* kind : kinds) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", kind);
    if (file.has(key) && std::find(ids.begin(), ids.end(), file.integer(key)) == ids.end()) ids.push_back(file.integer(key));
  }
  return ids;
}

// null, one id, or a list.
Json one_or_list(const std::vector<std::int64_t>& ids) { return ids.empty() ? Json() : ids.size() == 1 ? Json(ids[0]) : Json(ids); }

Json stop_tokens(const GgufFile& file) { return one_or_list(token_ids(file, {"eos", "eot", "eom"})); }

}  // namespace

Json gguf_model_config(const GgufFile& file) {
  const Family& family = family_of(file);
  const GgufKeys keys(file);
  if (keys.integer("expert_count", 0) > 0)
    refuse(file, "mixtures of experts (" + keys.full("expert_count") + ") are not supported", "use a dense model");
  const std::int64_t hidden = keys.integer("embedding_length"), heads = keys.integer("attention.head_count");
  const double theta = keys.number("rope.freq_base", 10000.0);
  const std::int64_t tokens = static_cast<std::int64_t>(file.texts("tokenizer.ggml.tokens").size());
  Json config = {{"architectures", Json::array({family.class_name})},
                 {"model_type", family.model_type},
                 {"vocab_size", keys.integer("vocab_size", tokens)},
                 {"hidden_size", hidden},
                 {"intermediate_size", keys.integer("feed_forward_length")},
                 {"num_hidden_layers", keys.integer("block_count")},
                 {"num_attention_heads", heads},
                 {"num_key_value_heads", keys.integer("attention.head_count_kv", heads)},
                 {"head_dim", head_dim(file, keys, family.rope.partial, hidden, heads)},
                 {"hidden_act", "silu"},
                 {"max_position_embeddings", keys.integer("context_length")},
                 {"rms_norm_eps", keys.number("attention.layer_norm_rms_epsilon")},
                 {"rope_theta", theta},
                 {"rope_scaling", gguf_rope_scaling(file, file.text("general.architecture"), theta)},
                 {"tie_word_embeddings", file.find("output.weight") == nullptr},
                 {"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
                 {"eos_token_id", stop_tokens(file)},
                 {"pad_token_id", one_or_list(token_ids(file, {"padding"}))},
                 {"torch_dtype", "bfloat16"}};
  if (family.gguf.read != nullptr) family.gguf.read(keys, config);
  return config;
}

Json gguf_generation_config(const GgufFile& file) {
  return {{"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
          {"eos_token_id", stop_tokens(file)},
          {"pad_token_id", one_or_list(token_ids(file, {"padding"}))}};
}

}  // namespace iteralign
