#include "engine/files/gguf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "engine/files/gguf_dequant.h"
#include "engine/files/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// The metadata has fp32: 0.00001f is meant as 1e-5, not as 9.999999747378752e-06.
double shortest(double value) { return std::stod(fmt::format("{}", static_cast<float>(value))); }

bool has_tensor(const GgufFile& file, const std::string& name) { return file.find(name) != nullptr; }

[[noreturn]] void refuse(const GgufFile& file, const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::data, what, file.path(), hint);
}

// What llama3 scaling divides an inverse frequency by.
double llama3_divisor(double inverse_frequency, double factor, double low, double high, double original_length) {
  const double wavelength = 2 * std::numbers::pi / inverse_frequency;
  if (wavelength < original_length / high) return 1;
  if (wavelength > original_length / low) return factor;
  const double smooth = (original_length / wavelength - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}

// Llama 3.1 and later keep only the divisors in the file, not the four numbers that they come from. The factor is the
// largest divisor; low_freq_factor is 1 in every published model; the other two follow from two divisors in between.
Json llama3_scaling(const GgufFile& file, const GgufTensor& tensor, double theta) {
  std::vector<float> divisors(static_cast<std::size_t>(element_count(tensor.shape)));
  dequantize(tensor, divisors, file.path());
  const double factor = *std::max_element(divisors.begin(), divisors.end());
  if (factor == 1) return nullptr;
  const auto inverse_frequency = [&](std::size_t k) {
    return std::pow(theta, -static_cast<double>(k) / static_cast<double>(divisors.size()));
  };
  const auto fits = [&](double high, double original_length) {
    for (std::size_t k = 0; k < divisors.size(); ++k) {
      const double expected = llama3_divisor(inverse_frequency(k), factor, 1, high, original_length);
      if (!(std::abs(divisors[k] - expected) <= 1e-3 * expected)) return false;
    }
    return true;
  };
  const auto describe = [&](double high, double original_length) -> Json {
    return {{"rope_type", "llama3"},
            {"factor", shortest(factor)},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", high},
            {"original_max_position_embeddings", static_cast<std::int64_t>(original_length)}};
  };
  if (fits(4, 8192)) return describe(4, 8192);     // every published model
  std::vector<std::pair<double, double>> between;  // 1 / wavelength, and how far from scaled (0) to unscaled (1)
  for (std::size_t k = 0; k < divisors.size(); ++k) {
    if (divisors[k] > 1 && divisors[k] < factor) {
      between.emplace_back(inverse_frequency(k) / (2 * std::numbers::pi), (1 / divisors[k] - 1 / factor) / (1 - 1 / factor));
    }
  }
  if (between.size() >= 2) {  // smooth = (L / wavelength - 1) / (high - 1): a line
    const auto [x0, y0] = between.front();
    const auto [x1, y1] = between.back();
    const double slope = (y1 - y0) / (x1 - x0), high = 1 - 1 / (y0 - slope * x0);
    const double rounded_high = std::round(high * 100) / 100, original_length = std::round(slope * (high - 1));
    if (fits(rounded_high, original_length)) return describe(rounded_high, original_length);
  }
  refuse(file, "rope_freqs.weight does not follow the llama3 scaling of rotary embeddings", "use the original checkpoint instead");
}

Json rope_scaling(const GgufFile& file, double theta) {
  if (const auto* divisors = file.find("rope_freqs.weight")) return llama3_scaling(file, *divisors, theta);
  const std::string prefix = "llama.rope.scaling.";
  if (!file.has(prefix + "type")) return nullptr;
  const std::string& type = file.text(prefix + "type");
  if (type == "none") return nullptr;
  if (type == "linear") return {{"rope_type", "linear"}, {"factor", shortest(file.number(prefix + "factor"))}};
  refuse(file, "the rotary scaling \"" + type + "\" (llama.rope.scaling.type) is not supported",
         "these are: none, linear, and llama3 by rope_freqs.weight");
}

std::int64_t head_dim(const GgufFile& file, std::int64_t hidden, std::int64_t heads) {
  std::optional<std::int64_t> dimension;
  for (const char* key : {"llama.rope.dimension_count", "llama.attention.key_length", "llama.attention.value_length"}) {
    if (!file.has(key)) continue;
    if (dimension && *dimension != file.integer(key))
      refuse(file, std::string(key) + " differs from the size of the rotary embedding", "this variant is not supported");
    dimension = file.integer(key);
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
  const std::string& architecture = file.text("general.architecture");
  if (architecture != "llama")
    refuse(file, "the architecture \"" + architecture + "\" is not supported", "supported: llama (Llama 1-3, Mistral, SmolLM2)");
  if (file.has("llama.expert_count") && file.integer("llama.expert_count") > 0) {
    refuse(file, "mixtures of experts (llama.expert_count) are not supported", "use a dense model");
  }
  const std::int64_t hidden = file.integer("llama.embedding_length"), heads = file.integer("llama.attention.head_count");
  const double theta = file.has("llama.rope.freq_base") ? shortest(file.number("llama.rope.freq_base")) : 10000.0;
  const std::int64_t tokens = static_cast<std::int64_t>(file.texts("tokenizer.ggml.tokens").size());
  return {{"architectures", Json::array({"LlamaForCausalLM"})},
          {"model_type", "llama"},
          {"vocab_size", file.has("llama.vocab_size") ? file.integer("llama.vocab_size") : tokens},
          {"hidden_size", hidden},
          {"intermediate_size", file.integer("llama.feed_forward_length")},
          {"num_hidden_layers", file.integer("llama.block_count")},
          {"num_attention_heads", heads},
          {"num_key_value_heads", file.has("llama.attention.head_count_kv") ? file.integer("llama.attention.head_count_kv") : heads},
          {"head_dim", head_dim(file, hidden, heads)},
          {"hidden_act", "silu"},
          {"max_position_embeddings", file.integer("llama.context_length")},
          {"rms_norm_eps", shortest(file.number("llama.attention.layer_norm_rms_epsilon"))},
          {"rope_theta", theta},
          {"rope_scaling", rope_scaling(file, theta)},
          {"tie_word_embeddings", !has_tensor(file, "output.weight")},
          {"attention_bias", has_tensor(file, "blk.0.attn_q.bias")},
          {"mlp_bias", has_tensor(file, "blk.0.ffn_gate.bias")},
          {"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
          {"eos_token_id", stop_tokens(file)},
          {"pad_token_id", one_or_list(token_ids(file, {"padding"}))},
          {"torch_dtype", "bfloat16"}};
}

Json gguf_generation_config(const GgufFile& file) {
  return {{"bos_token_id", one_or_list(token_ids(file, {"bos"}))},
          {"eos_token_id", stop_tokens(file)},
          {"pad_token_id", one_or_list(token_ids(file, {"padding"}))}};
}

}  // namespace iteralign
