#pragma once
// The "post_processor" of tokenizer.json, as far as it changes the ids of one text: TemplateProcessing adds special tokens
// before and behind it, once. Sequence and ByteLevel (offsets only) are understood too.

#include <cstdint>
#include <vector>

#include "text/tokenizer_json.h"

namespace iteralign {

struct PostProcessor {
  std::vector<std::int32_t> before, behind;

  PostProcessor() = default;
  // Throws Error data for a type that is not known.
  explicit PostProcessor(const JsonPart& part);

 private:
  void add(const JsonPart& part);
  void add_template(const JsonPart& part);

  bool has_template_ = false;
};

}  // namespace iteralign
