#include "formats/gguf_rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "formats/gguf_dequant.h"
#include "formats/gguf_keys.h"
#include "formats/rope_config.h"
#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::vector<float> values_of(const GgufFile& file, const GgufTensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(element_count(tensor.shape)));
  dequantize(tensor, values, file.path());
  return values;
}

// Llama 3.1 and later keep only the divisors in the file, not the four numbers that they come from. The factor is the
// largest divisor; low_freq_factor is 1 in every published model; the other two follow from two divisors in between.
Json llama3_scaling(const GgufFile& file, const GgufTensor& tensor, double theta) {
  const std::vector<float> divisors = values_of(file, tensor);
  const double factor = *std::max_element(divisors.begin(), divisors.end());
  if (factor == 1) return nullptr;
  const auto inverse_frequency = [&](std::size_t k) {
    return std::pow(theta, -static_cast<double>(k) / static_cast<double>(divisors.size()));
  };
  const auto fits = [&](double high, double original_length) {
    RopeConfig rope;
    rope.factor = factor;
    rope.low_freq_factor = 1;
    rope.high_freq_factor = high;
    rope.original_max_position_embeddings = static_cast<std::int64_t>(original_length);
    for (std::size_t k = 0; k < divisors.size(); ++k) {
      const double expected = llama3_divisor(rope, static_cast<float>(inverse_frequency(k)));
      if (!(std::abs(divisors[k] - expected) <= 1e-3 * expected)) return false;
    }
    return true;
  };
  const auto describe = [&](double high, double original_length) -> Json {
    return {{"rope_type", "llama3"},
            {"factor", gguf_shortest(factor)},
            {"low_freq_factor", 1.0},
            {"high_freq_factor", high},
            {"original_max_position_embeddings", static_cast<std::int64_t>(original_length)}};
  };
  // Every published model has 4 and 8192; a few frequencies alone do not tell more.
  for (const double original_length : {8192.0, 4096.0, 2048.0, 1024.0, 512.0, 256.0, 128.0, 64.0, 16384.0, 32768.0})
    if (fits(4, original_length)) return describe(4, original_length);
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
  throw Error(ErrorKind::data, "rope_freqs.weight does not follow the llama3 scaling of rotary embeddings", file.path(),
              "use the original checkpoint instead");
}

Json factors(const GgufFile& file, const char* name) {
  const GgufTensor* tensor = file.find(name);
  if (tensor == nullptr)
    throw Error(ErrorKind::data, std::string("the tensor ") + name + " is missing", file.path(), "convert the model again");
  Json list = Json::array();
  for (const float value : values_of(file, *tensor)) list.push_back(gguf_shortest(value));
  return list;
}

Json longrope_scaling(const GgufFile& file, const std::string& prefix) {
  Json scaling = {{"rope_type", "longrope"},
                  {"short_factor", factors(file, "rope_factors_short.weight")},
                  {"long_factor", factors(file, "rope_factors_long.weight")},
                  {"original_max_position_embeddings", file.integer(prefix + "original_context_length")}};
  if (file.has(prefix + "attn_factor")) scaling["attention_factor"] = gguf_shortest(file.number(prefix + "attn_factor"));
  return scaling;
}

Json yarn_scaling(const GgufFile& file, const std::string& prefix) {
  Json scaling = {{"rope_type", "yarn"},
                  {"factor", gguf_shortest(file.number(prefix + "factor"))},
                  {"original_max_position_embeddings", file.integer(prefix + "original_context_length")}};
  for (const char* beta : {"beta_fast", "beta_slow"})
    if (file.has(prefix + "yarn_" + beta)) scaling[beta] = gguf_shortest(file.number(prefix + "yarn_" + beta));
  return scaling;
}

}  // namespace

Json gguf_rope_scaling(const GgufFile& file, const std::string& architecture, double theta) {
  const std::string prefix = architecture + ".rope.scaling.";
  if (const auto* divisors = file.find("rope_freqs.weight")) return llama3_scaling(file, *divisors, theta);
  if (file.find("rope_factors_long.weight") != nullptr) return longrope_scaling(file, prefix);
  if (!file.has(prefix + "type")) return nullptr;
  const std::string& type = file.text(prefix + "type");
  if (type == "none") return nullptr;
  if (type == "linear") return {{"rope_type", "linear"}, {"factor", gguf_shortest(file.number(prefix + "factor"))}};
  if (type == "yarn") return yarn_scaling(file, prefix);
  throw Error(ErrorKind::data, "the rotary scaling \"" + type + "\" (" + prefix + "type) is not supported", file.path(),
              "these are: none, linear, yarn, longrope and llama3 by their tensors");
}

}  // namespace iteralign
