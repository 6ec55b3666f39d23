#include "engine/files/generation_config.h"

#include "iteralign/error.h"

namespace iteralign {

Sampling parse_generation_config(const Json& json, const std::string& where) {
  constexpr int kTopK = 50;
  Sampling sampling;
  const auto read = [&]<class T>(const char* key, T& value) {
    if (const auto found = json.find(key); found != json.end() && !found->is_null()) found->get_to(value);
  };
  try {
    bool samples = false;
    read("do_sample", samples);
    read("max_new_tokens", sampling.max_new_tokens);
    read("repetition_penalty", sampling.repetition_penalty);
    if (const auto stop = json.find("stop_strings"); stop != json.end() && stop->is_string())
      sampling.stop = {stop->get<std::string>()};
    else
      read("stop_strings", sampling.stop);
    if (!samples) return sampling;
    sampling.temperature = 1.0;
    sampling.top_k = kTopK;
    read("temperature", sampling.temperature);
    read("top_k", sampling.top_k);
    read("top_p", sampling.top_p);
    read("min_p", sampling.min_p);
    read("typical_p", sampling.typical_p);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("a key is of the wrong type: ") + error.what(), where);
  }
  return sampling;
}

}  // namespace iteralign
