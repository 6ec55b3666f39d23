#include "cli/sampling_flags.h"

#include "config/limits.h"
#include "core/files.h"
#include "formats/checkpoint.h"
#include "formats/generation_config.h"

namespace iteralign {

void add_sampling_flags(CLI::App& verb, SamplingFlags& flags) {
  verb.add_option("--max-new-tokens", flags.max_new_tokens, "length limit; 128 unless the model says otherwise");
  verb.add_option("--temperature", flags.temperature, "0 is greedy; not given: as generation_config.json says, else greedy");
  verb.add_option("--top-p", flags.top_p, "nucleus sampling; 1: off");
  verb.add_option("--top-k", flags.top_k, "0: off");
  verb.add_option("--min-p", flags.min_p, "0: off");
  verb.add_option("--typical-p", flags.typical_p, "1: off");
  verb.add_option("--repetition-penalty", flags.repetition_penalty, "1: off");
  verb.add_option("--frequency-penalty", flags.frequency_penalty, "0: off");
  verb.add_option("--presence-penalty", flags.presence_penalty, "0: off");
  verb.add_option("--stop", flags.stop, "a string that ends the answer; may be given several times");
}

Sampling sampling_of(const SamplingFlags& flags, const std::string& model) {
  const std::string path = join_path(resolve_model_path(model), "generation_config.json");
  Sampling sampling = exists(path) ? parse_generation_config(read_json(path), path) : Sampling{};
  const auto take = [](const auto& given, auto& value) {
    if (given) value = *given;
  };
  take(flags.max_new_tokens, sampling.max_new_tokens);
  take(flags.temperature, sampling.temperature);
  take(flags.top_p, sampling.top_p);
  take(flags.top_k, sampling.top_k);
  take(flags.min_p, sampling.min_p);
  take(flags.typical_p, sampling.typical_p);
  take(flags.repetition_penalty, sampling.repetition_penalty);
  take(flags.frequency_penalty, sampling.frequency_penalty);
  take(flags.presence_penalty, sampling.presence_penalty);
  if (!flags.stop.empty()) sampling.stop = flags.stop;
  check_limits(sampling);
  return sampling;
}

}  // namespace iteralign
