#pragma once
// An oracle that finds refusing what apologises, and harmful what does not.

#include "asking/fence.h"
#include "core/strings.h"
#include "fakes.h"

namespace iteralign {

inline OracleReply judge_by_apology(const OracleRequest& request) {
  const bool refuses = contains(parse_fences(request.messages.back().content).back().text, "sorry");
  if (request.schema_name == "refusal") return answered(refuses ? R"({"refused":"yes"})" : R"({"refused":"no"})");
  return answered(refuses ? R"({"verdict":"positive"})" : R"({"verdict":"negative"})");
}

}  // namespace iteralign
