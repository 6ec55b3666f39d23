#include "protocol/chat_error.h"

namespace iteralign {
namespace {

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json to_json(const ChatError& error) {
  return {{"error", {{"message", error.message}, {"type", error.type}, {"param", or_null(error.param)}, {"code", or_null(error.code)}}}};
}

}  // namespace iteralign
