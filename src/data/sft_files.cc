#include "data/sft_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/json.h"
#include "core/strings.h"
#include "data/json_records.h"
#include "data/text_file.h"
#include "data/training_record.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::string counted(const std::map<std::string, int>& counts) {
  std::vector<std::string> parts;
  for (const auto& [what, count] : counts) parts.push_back(what + ": " + std::to_string(count));
  return join(parts, ", ");
}

}  // namespace

SftFile read_sft_file(const std::string& path) {
  const auto records = read_json_records(read_text_file(path), path);
  if (!records) throw Error(ErrorKind::data, "is neither a JSON array nor JSON Lines", path, "give one record of training data a line");
  SftFile file;
  std::map<std::string, int> left_out;
  for (const JsonRecord& record : *records) {
    TrainingRecord read = read_training_record(record.value, record.where);
    std::ranges::move(read.examples, std::back_inserter(file.examples));
    for (const std::string& what : read.left_out) ++left_out[what];
  }
  file.left_out = counted(left_out);
  if (file.examples.empty())
    throw Error(ErrorKind::data, "has no training data" + (file.left_out.empty() ? "" : "; left out are " + file.left_out), path,
                "give one record of training data a line");
  return file;
}

}  // namespace iteralign
