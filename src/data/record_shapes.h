#pragma once
// The records of a document of JSON or YAML, in whatever shape people write lists of prompts.

#include <string>
#include <vector>

#include "core/json.h"
#include "data/json_records.h"

namespace iteralign {

struct ShapedRecord {
  std::string where;
  Json value;
  std::string category;  // of the list that it stands in, where the record itself has none
};

// A document that is one object:
//   columns          {"goal": [...], "category": [...]}, pandas' {"prompt": {"0": ...}} and {"columns": [...], "data": [[...], ...]}
//   a list by name   {"data": [...]}, {"prompts": [...]}, {"examples": [...]}, ..., whatever else stands beside it
//   topics           {topic: {subtopic: [texts or records]}}, of any depth; records by their ids
//   one record       anything else
// Throws Error data at `path` for columns of different lengths and for more than one list.
std::vector<ShapedRecord> records_of_object(const Json& object, const std::string& path);

// A list of turns ({"role", "content"}) with more roles than the user's is one dialogue, a list of such lists is many.
std::vector<ShapedRecord> records_of_list(std::vector<JsonRecord> list, const std::string& path);

}  // namespace iteralign
