#pragma once
// The JSON schemas that oracles are asked to follow, and what it is to follow one.

#include <algorithm>
#include <string>
#include <vector>

#include "asking/judge_prompt.h"
#include "asking/list_reply.h"
#include "core/json.h"

namespace iteralign {

inline std::vector<std::string> all_schemas() {
  std::vector<std::string> schemas = {kPrinciplesReply.schema, kTwinsReply.schema};
  for (const JudgePrompt& judge : embedded_judge_prompts()) schemas.push_back(judge.schema);
  return schemas;
}

inline bool follows(const Json& value, const Json& schema) {
  const std::string type = schema["type"];
  if (type == "string") return value.is_string() && (!schema.contains("enum") || std::ranges::count(schema["enum"], value) == 1);
  if (type == "integer") return value.is_number_integer();
  if (type == "array")
    return value.is_array() && std::ranges::all_of(value, [&](const Json& item) { return follows(item, schema["items"]); });
  if (!value.is_object() || value.size() != schema["properties"].size()) return false;
  return std::ranges::all_of(schema["properties"].items(), [&](const auto& property) {
    return value.contains(property.key()) && follows(value[property.key()], property.value());
  });
}

}  // namespace iteralign
