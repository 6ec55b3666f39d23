#include "text/post_processor.h"

namespace iteralign {

PostProcessor::PostProcessor(const JsonPart& part) { add(part); }

void PostProcessor::add(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& member : part.list("processors")) add(member);
  } else if (type == "TemplateProcessing") {
    add_template(part);
  } else if (type != "ByteLevel") {
    part.unknown_type("Sequence, TemplateProcessing, ByteLevel");
  }
}

void PostProcessor::add_template(const JsonPart& part) {
  if (has_template_) part.fail("a second TemplateProcessing, which is not supported");  // the reference takes the first's parts for a pair
  has_template_ = true;
  std::vector<std::int32_t> left, right;
  bool sequence_seen = false;
  for (const JsonPart& item : part.list("single")) {
    if (const auto sequence = item.find("Sequence")) {
      if (sequence_seen || sequence->string("id") != "A") sequence->fail("a template for one text names the sequence A once");
      sequence_seen = true;
      continue;
    }
    const std::string name = item.at("SpecialToken").string("id");
    for (const JsonPart& id : part.at("special_tokens").at(name).list("ids")) {
      if (!id.value().is_number_integer()) id.fail("is not a token id");
      (sequence_seen ? right : left).push_back(id.value().get<std::int32_t>());
    }
  }
  if (!sequence_seen) part.at("single").fail("a template for one text names the sequence A once");
  before.insert(before.begin(), left.begin(), left.end());
  behind.insert(behind.end(), right.begin(), right.end());
}

}  // namespace iteralign
