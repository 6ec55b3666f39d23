#include "formats/gguf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/gguf_rope.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

struct Family {
  const char* model_type;
  const char* class_name;
};

// By general.architecture.
const std::map<std::string, Family>& architectures() {
  static const std::map<std::string, Family> all = {
      {"llama", {"llama", "LlamaForCausalLM"}},         {"qwen2", {"qwen2", "Qwen2ForCausalLM"}},
      {"qwen3", {"qwen3", "Qwen3ForCausalLM"}},         {"gemma2", {"gemma2", "Gemma2ForCausalLM"}},
      {"gemma3", {"gemma3_text", "Gemma3ForCausalLM"}}, {"phi3", {"phi3", "Phi3ForCausalLM"}},
      {"olmo2", {"olmo2", "Olmo2ForCausalLM"}},         {"smollm3", {"smollm3", "SmolLM3ForCausalLM"}}};
  return all;
}

[[noreturn]] void refuse(const GgufFile& file, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::data, what, file.path(), hint);
}

const Family& family_of(const GgufFile& file) {
  const std::string& architecture = file.text("general.architecture");
  const auto found = architectures().find(architecture);
  if (found != architectures().end()) return found->second;
  std::string known;
  for (const auto& [name, family] : architectures()) known += (known.empty() ? "" : ", ") + name;
  refuse(file, "the architecture \"" + architecture + "\" is not supported", "supported: " + known);
}

// The keys of the file's architecture.
class Keys {
 public:
  explicit Keys(const GgufFile& file) : file_(file), prefix_(file.text("general.architecture") + ".") {}
  [[nodiscard]] bool has(const char* key) const { return file_.has(prefix_ + key); }
  [[nodiscard]] std::int64_t integer(const char* key) const { return file_.integer(prefix_ + key); }
  [[nodiscard]] std::int64_t integer(const char* key, std::int64_t otherwise) const { return has(key) ? integer(key) : otherwise; }
  [[nodiscard]] double number(const char* key, double otherwise) const {
    return has(key) ? gguf_shortest(file_.number(prefix_ + key)) : otherwise;
  }
  [[nodiscard]] std::string full(const char* key) const { return prefix_ + key; }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

std::int64_t head_dim(const GgufFile& file, const Keys& keys, std::int64_t hidden, std::int64_t heads) {
  std::optional<std::int64_t> dimension;
  const bool partial = file.text("general.architecture") == "phi3";  // turns a part of a head
  for (const char* key : {"rope.dimension_count", "attention.key_length", "attention.value_length"}) {
    if (!keys.has(key) || (partial && std::string_view(key) == "rope.dimension_count")) continue;
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

void add_gemma(const Keys& keys, bool second, Json& config) {
  const std::int64_t heads = config["num_attention_heads"], hidden = config["hidden_size"], layers = config["num_hidden_layers"];
  const bool largest = layers == (second ? 46 : 62);  // the 27B models scale by the size of a head that hidden would have
  config["query_pre_attn_scalar"] = largest ? hidden / heads : config["head_dim"].get<std::int64_t>();
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["sliding_window"] = keys.integer("attention.sliding_window");
  if (second) {
    config["attn_logit_softcapping"] = keys.number("attn_logit_softcapping", 50);
    config["final_logit_softcapping"] = keys.number("final_logit_softcapping", 30);
    return;
  }
  config["sliding_window_pattern"] = 6;
  config["rope_local_base_freq"] = keys.number("rope.freq_base_swa", 1e4);
}

void add_phi(const Keys& keys, Json& config) {
  const std::int64_t window = keys.integer("attention.sliding_window", 0), head = config["head_dim"];
  config["sliding_window"] = window > 0 ? Json(window) : Json();
  const std::int64_t rotated = keys.integer("rope.dimension_count", head);
  if (rotated != head) config["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(head);
  // Phi 3 keeps this one outside of rope_scaling.
  config["original_max_position_embeddings"] = keys.integer("rope.scaling.original_context_length", config["max_position_embeddings"]);
}

void add_family(const GgufFile& file, const Keys& keys, Json& config) {
  const std::string type = config["model_type"];
  if (type == "gemma2" || type == "gemma3_text") add_gemma(keys, type == "gemma2", config);
  if (type == "phi3") add_phi(keys, config);
  if (type == "smollm3") config["no_rope_layer_interval"] = 4;
  if (type == "llama" || type == "smollm3") config["mlp_bias"] = file.find("blk.0.ffn_gate.bias") != nullptr;
  if (type != "qwen2" && type != "phi3") config["attention_bias"] = file.find("blk.0.attn_q.bias") != nullptr;
}

}  // namespace

Json gguf_model_config(const GgufFile& file) {
  const Family& family = family_of(file);
  const Keys keys(file);
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
                 {"head_dim", head_dim(file, keys, hidden, heads)},
                 {"hidden_act", "silu"},
                 {"max_position_embeddings", keys.integer("context_length")},
                 {"rms_norm_eps", gguf_shortest(file.number(keys.full("attention.layer_norm_rms_epsilon")))},
                 {"rope_theta", theta},
                 {"rope_scaling", gguf_rope_scaling(file, file.text("general.architecture"), theta)},
                 {"tie_word_embeddings", file.find("output.weight") == nullptr},
                 {"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
                 {"eos_token_id", stop_tokens(file)},
                 {"pad_token_id", one_or_list(token_ids(file, {"padding"}))},
                 {"torch_dtype", "bfloat16"}};
  add_family(file, keys, config);
  return config;
}

Json gguf_generation_config(const GgufFile& file) {
  return {{"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
          {"eos_token_id", stop_tokens(file)},
          {"pad_token_id", one_or_list(token_ids(file, {"padding"}))}};
}

}  // namespace iteralign
