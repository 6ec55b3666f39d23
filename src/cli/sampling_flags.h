#pragma once
// The flags that say how tokens are chosen; what is not given comes from the model's generation_config.json.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "iteralign/answerer.h"

namespace iteralign {

struct SamplingFlags {
  std::optional<int> max_new_tokens, top_k;
  std::optional<double> temperature, top_p, min_p, typical_p, repetition_penalty, frequency_penalty, presence_penalty;
  std::vector<std::string> stop;
};

void add_sampling_flags(CLI::App& verb, SamplingFlags& flags);

// `model`: as --model has it.
Sampling sampling_of(const SamplingFlags& flags, const std::string& model);

}  // namespace iteralign
