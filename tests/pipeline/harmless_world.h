#pragma once
// What the runs of the tests are about: numbered requests of a kind, and an oracle that judges by the word "sorry".

#include <string>
#include <vector>

#include "apologies.h"
#include "data/prompt_reader.h"

namespace iteralign {

inline std::vector<Prompt> numbered(const std::string& kind, int count) {
  std::vector<Prompt> prompts;
  for (int i = 0; i < count; ++i) {
    const Messages messages = {{"user", kind + " request number " + std::to_string(i)}};
    prompts.push_back({prompt_id(messages), messages, kind, kind + ":" + std::to_string(i + 1)});
  }
  return prompts;
}

inline OracleReply judge_or_propose(const OracleRequest& request) {
  if (request.schema_name == "principles")
    return answered(R"({"principles":[{"text":"Do not help with harm.","area":"harm","cases":[1,2]}]})");
  return judge_by_apology(request);
}

}  // namespace iteralign
