#include "formats/rope_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "formats/families/family.h"

namespace iteralign {
namespace {

double required(const Fields& rope, const char* key) {
  const auto value = rope.positive(key);
  if (!value) rope.fail(key, "is missing");
  return *value;
}

// The length that the model was trained with before it was extended.
std::int64_t original_length(const Fields& fields, const Fields& rope, const ModelConfig& config) {
  const char* key = "original_max_position_embeddings";
  if (const auto outside = fields.integer(key, 1)) return *outside;
  if (const std::int64_t otherwise = config.family->rope.outer_original_length; otherwise > 0) return otherwise;
  return rope.integer(key, 1).value_or(config.max_position_embeddings);
}

// How much longer the sequences may be now.
double extension(const Fields& rope, const ModelConfig& config, std::int64_t original) {
  const auto factor = rope.positive("factor");
  return factor ? *factor : static_cast<double>(config.max_position_embeddings) / static_cast<double>(original);
}

// Peng et al. 2023, section 3.4; the two mscale keys are DeepSeek's.
double yarn_attention_factor(const Fields& rope, double factor) {
  const auto scale = [&](double mscale) { return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0; };
  const auto mscale = rope.positive("mscale"), all = rope.positive("mscale_all_dim");
  return rope.positive("attention_factor").value_or(mscale && all ? scale(*mscale) / scale(*all) : scale(1));
}

// Ding et al. 2024.
double longrope_attention_factor(const Fields& rope, double factor, std::int64_t original) {
  const double usual = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
  return rope.positive("attention_factor").value_or(usual);
}

std::string scaling_type(const Fields& rope, const ModelConfig& config) {
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  const bool old_name = type == "su" || (config.family->rope.yarn_is_longrope && type == "yarn");
  return old_name ? "longrope" : type;
}

void parse_scaling(const Fields& fields, const Fields& rope, const ModelConfig& config, RopeConfig& result) {
  const std::string type = scaling_type(rope, config);
  if (type == "default") return;
  if (type == "linear") {
    result.scaling = RopeScaling::linear;
    result.factor = required(rope, "factor");
    return;
  }
  result.original_max_position_embeddings = original_length(fields, rope, config);
  if (type == "llama3") {
    result.scaling = RopeScaling::llama3;
    result.factor = required(rope, "factor");
    result.low_freq_factor = required(rope, "low_freq_factor");
    result.high_freq_factor = required(rope, "high_freq_factor");
    if (result.high_freq_factor <= result.low_freq_factor) rope.fail("high_freq_factor", "is not above low_freq_factor");
  } else if (type == "yarn") {
    result.scaling = RopeScaling::yarn;
    result.factor = extension(rope, config, result.original_max_position_embeddings);
    result.beta_fast = rope.positive("beta_fast").value_or(32);
    result.beta_slow = rope.positive("beta_slow").value_or(1);
    result.truncate = rope.boolean("truncate", true);
    result.attention_factor = yarn_attention_factor(rope, result.factor);
  } else if (type == "longrope") {
    result.scaling = RopeScaling::longrope;
    result.factor = extension(rope, config, result.original_max_position_embeddings);
    result.short_factor = rope.positives("short_factor", result.dim / 2);
    result.long_factor = rope.positives("long_factor", result.dim / 2);
    result.attention_factor = longrope_attention_factor(rope, result.factor, result.original_max_position_embeddings);
  } else {
    rope.fail("rope_type", "is \"" + type + "\"; supported are default, linear, llama3, yarn and longrope");
  }
}

std::int64_t rotated_dimensions(const Fields& fields, const Fields& rope, const ModelConfig& config) {
  const Fields& where = rope.find("partial_rotary_factor") != nullptr ? rope : fields;
  const double part = where.positive("partial_rotary_factor").value_or(1.0);
  if (part != 1.0 && !config.family->rope.partial) where.fail("partial_rotary_factor", "is not 1, which is not supported in this family");
  const auto dim = static_cast<std::int64_t>(static_cast<double>(config.head_dim) * part);
  if (part > 1 || dim < 2 || dim % 2 != 0)
    where.fail("partial_rotary_factor", "turns " + std::to_string(dim) + " of " + std::to_string(config.head_dim) + " dimensions");
  return dim;
}

}  // namespace

RopeConfig parse_rope(const Fields& fields, const Fields& rope, const ModelConfig& config, double default_theta) {
  RopeConfig result;
  result.dim = rotated_dimensions(fields, rope, config);
  result.theta = rope.positive("rope_theta").value_or(default_theta);
  parse_scaling(fields, rope, config, result);
  return result;
}

RopeConfig parse_rope(const Fields& fields, const ModelConfig& config) {
  // As in transformers 5: what the one object says is nothing where the other is there, not even its rope_theta.
  const Fields scaling = fields.object("rope_scaling"), rope = scaling.empty() ? fields.object("rope_parameters") : scaling;
  for (const char* kind : {"full_attention", "sliding_attention"})
    if (rope.contains(kind)) rope.fail(kind, "is given for itself, which this family does not have");
  return parse_rope(fields, rope, config, fields.positive("rope_theta").value_or(config.family->rope.theta));
}

float llama3_divisor(const RopeConfig& rope, float inverse_frequency) {
  const float wavelength = static_cast<float>(2 * std::numbers::pi) / inverse_frequency;
  const auto low = static_cast<float>(rope.low_freq_factor), high = static_cast<float>(rope.high_freq_factor);
  const float smooth =
      std::clamp((static_cast<float>(rope.original_max_position_embeddings) / wavelength - low) / (high - low), 0.0F, 1.0F);
  return 1 / ((1 - smooth) / static_cast<float>(rope.factor) + smooth);
}

}  // namespace iteralign
