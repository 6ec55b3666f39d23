#pragma once
// The rotary position embeddings that config.json asks for.

#include "formats/config_fields.h"
#include "formats/model_config.h"

namespace iteralign {

// By the rules of config.family. transformers 4: rope_theta and rope_scaling (null, or an object with its "type" or "rope_type");
// transformers 5: one object rope_parameters with everything, in whose place rope_scaling is taken where a file has both. Needs head_dim
// and max_position_embeddings of `config`.
RopeConfig parse_rope(const Fields& fields, const ModelConfig& config);

// What one such object says.
RopeConfig parse_rope(const Fields& fields, const Fields& rope, const ModelConfig& config, double default_theta);

// What scaling of the kind llama3 divides an inverse frequency by: 1 for short waves, `factor` for long ones. In single precision, as
// llama.cpp's converter computes it.
float llama3_divisor(const RopeConfig& rope, float inverse_frequency);

}  // namespace iteralign
