#include "formats/generation_config.h"

#include "config/limits.h"
#include "core/log.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// What transformers would do with these is not done here.
void warn_of_unused(const Json& json, const std::string& where) {
  const std::pair<const char*, Json> harmless[] = {{"num_beams", 1},
                                                   {"no_repeat_ngram_size", 0},
                                                   {"bad_words_ids", Json()},
                                                   {"suppress_tokens", Json()},
                                                   {"begin_suppress_tokens", Json()},
                                                   {"forced_bos_token_id", Json()},
                                                   {"forced_eos_token_id", Json()},
                                                   {"sequence_bias", Json()},
                                                   {"exponential_decay_length_penalty", Json()},
                                                   {"guidance_scale", 1},
                                                   {"penalty_alpha", 0},
                                                   {"epsilon_cutoff", 0},
                                                   {"eta_cutoff", 0},
                                                   {"top_h", Json()},
                                                   {"min_length", 0},
                                                   {"min_new_tokens", 0}};
  for (const auto& [key, value] : harmless) {
    const auto found = json.find(key);
    if (found != json.end() && !found->is_null() && *found != value)
      log_warning("{}: {} = {} is not used here", where, key, dump_json(*found));
  }
}

}  // namespace

Sampling parse_generation_config(const Json& json, const std::string& where) {
  constexpr int kTopK = 50;
  Sampling sampling;
  if (!json.is_object()) throw Error(ErrorKind::data, "is not a JSON object", where);
  const auto read = [&]<class T>(const char* key, T& value) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null()) return;
    try {
      found->get_to(value);
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorKind::data, std::string(key) + " is " + dump_json(*found) + ", which is of the wrong type", where,
                  std::string("correct ") + key);
    }
  };
  bool samples = false;
  read("do_sample", samples);
  read("max_new_tokens", sampling.max_new_tokens);
  read("repetition_penalty", sampling.repetition_penalty);
  if (const auto stop = json.find("stop_strings"); stop != json.end() && stop->is_string())
    sampling.stop = {stop->get<std::string>()};
  else
    read("stop_strings", sampling.stop);
  if (samples) {
    sampling.temperature = 1.0;
    sampling.top_k = kTopK;
    read("temperature", sampling.temperature);
    read("top_k", sampling.top_k);
    read("top_p", sampling.top_p);
    read("min_p", sampling.min_p);
    read("typical_p", sampling.typical_p);
  }
  try {
    check_limits(sampling);
  } catch (const Error& error) {
    const std::string key = error.where() == "stop" ? "stop_strings" : error.where();
    throw Error(ErrorKind::data, key + " " + error.text(), where, "correct " + key);
  }
  warn_of_unused(json, where);
  return sampling;
}

}  // namespace iteralign
