#include "engine/files/sampling_limits.h"

#include <cmath>

#include "iteralign/error.h"

namespace iteralign {
namespace {

void require(bool holds, const char* field, const char* range) {
  if (!holds) throw Error(ErrorKind::usage, std::string("must be ") + range, field);
}

}  // namespace

void check(const Sampling& s) {
  require(s.max_new_tokens > 0, "max_new_tokens", "at least 1");
  require(s.temperature >= 0 && std::isfinite(s.temperature), "temperature", "0 (greedy) or above");
  require(s.top_p >= 0 && s.top_p <= 1, "top_p", "between 0 and 1");
  require(s.top_k >= 0, "top_k", "0 (off) or above");
  require(s.min_p >= 0 && s.min_p <= 1, "min_p", "between 0 and 1");
  require(s.typical_p > 0 && s.typical_p <= 1, "typical_p", "above 0 and at most 1");
  require(s.repetition_penalty > 0 && std::isfinite(s.repetition_penalty), "repetition_penalty", "above 0");
  require(std::isfinite(s.frequency_penalty), "frequency_penalty", "a finite number");
  require(std::isfinite(s.presence_penalty), "presence_penalty", "a finite number");
  for (const std::string& text : s.stop) require(!text.empty(), "stop", "texts that are not empty");
}

}  // namespace iteralign
