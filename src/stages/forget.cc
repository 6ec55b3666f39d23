#include "stages/forget.h"

#include "asking/judge.h"
#include "asking/list_reply.h"
#include "asking/reply_parser.h"
#include "core/json.h"
#include "core/strings.h"

namespace iteralign {

bool gave_nothing(const std::string& request_json, const OracleReply& reply) {
  if (reply.status != ReplyStatus::answered) return true;
  const Json request = parse_json(request_json, "the request of a kept reply");
  if (request.contains("choices")) return false;  // one of which it is
  const std::string asked = request.value("/response_format/json_schema/name"_json_pointer, "");
  bool is_verdict = false;
  for (const PromptSize size : {PromptSize::full, PromptSize::small})
    for (const JudgePrompt& judge : embedded_judge_prompts(size)) {
      if (asked != judge.schema_name) continue;
      if (parse_verdict(judge, reply).reason != UnjudgedReason::unparsable) return false;
      is_verdict = true;
    }
  if (is_verdict) return true;
  const std::string_view item_key = asked == kTwinsReply.name ? kTwinsReply.item_key : kPrinciplesReply.item_key;
  return trim(reply.text).empty() || (!asked.empty() && reply_items(reply.text, asked, item_key).empty());
}

bool holds_text(const std::string& request_json, const OracleReply& reply, const std::string& text) {
  if (contains(reply.text, text)) return true;
  const Json request = parse_json(request_json, "the request of a kept reply");
  for (const Json& message : request.at("messages"))
    if (contains(message.at("content").get<std::string>(), text)) return true;
  return false;
}

}  // namespace iteralign
