// Draws for tests/peers/test_sampling.py, which knows the right distributions. The file named by ITERALIGN_PEER_SAMPLING has the
// cases; how often each id was drawn goes into the same name with ".counts".

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "config/limits.h"
#include "core/files.h"
#include "core/json.h"
#include "engine/sampler.h"

namespace iteralign {
namespace {

constexpr int kDrawsPerSeed = 100;  // as a request draws more than once

Sampling sampling_of(const Json& test_case) {
  Sampling sampling;
  sampling.temperature = test_case.at("temperature");
  sampling.top_p = test_case.at("top_p");
  sampling.top_k = test_case.at("top_k");
  sampling.min_p = test_case.at("min_p");
  sampling.typical_p = test_case.at("typical_p");
  sampling.repetition_penalty = test_case.at("repetition_penalty");
  sampling.frequency_penalty = test_case.at("frequency_penalty");
  sampling.presence_penalty = test_case.at("presence_penalty");
  check_limits(sampling);
  return sampling;
}

std::vector<int> counts_of(const Json& test_case, int draws) {
  const auto logits = test_case.at("logits").get<std::vector<float>>();
  const auto prompt = test_case.at("prompt").get<std::vector<std::int32_t>>();
  std::vector<int> counts(logits.size());
  for (int seed = 0; seed * kDrawsPerSeed < draws; ++seed) {
    Sampler sampler(sampling_of(test_case), static_cast<std::uint64_t>(seed), prompt, static_cast<std::int32_t>(logits.size()));
    for (const std::int32_t id : test_case.at("answer")) sampler.add(id);
    for (int i = 0; i < kDrawsPerSeed; ++i) {
      std::vector<float> row = logits;
      ++counts.at(static_cast<std::size_t>(sampler.sample(row)));
    }
  }
  return counts;
}

TEST(SamplingPeer, Draws) {
  const char* path = std::getenv("ITERALIGN_PEER_SAMPLING");
  if (path == nullptr) GTEST_SKIP() << "ITERALIGN_PEER_SAMPLING names no file";
  const Json work = read_json(path);
  Json counts = Json::array();
  for (const Json& test_case : work.at("cases")) counts.push_back(counts_of(test_case, work.at("draws")));
  write_file_atomic(std::string(path) + ".counts", dump_json(counts));
}

}  // namespace
}  // namespace iteralign
