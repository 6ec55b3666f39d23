#pragma once
// What the oracle is asked to write beside verdicts: lists, by the name of their schema.

#include <string_view>

namespace iteralign {

struct ListReply {
  std::string_view name;      // of the schema, and the key of the list
  std::string_view item_key;  // that every item has
  const char* schema;         // OpenAI's strict subset
};

inline constexpr ListReply kPrinciplesReply{
    "principles", "text",
    R"({"type":"object","properties":{"principles":{"type":"array","items":{"type":"object","properties":{"text":{"type":"string"},"area":{"type":"string"},"cases":{"type":"array","items":{"type":"integer"}}},"required":["text","area","cases"],"additionalProperties":false}}},"required":["principles"],"additionalProperties":false})"};

inline constexpr ListReply kTwinsReply{
    "twins", "prompt",
    R"({"type":"object","properties":{"twins":{"type":"array","items":{"type":"object","properties":{"case":{"type":"integer"},"prompt":{"type":"string"}},"required":["case","prompt"],"additionalProperties":false}}},"required":["twins"],"additionalProperties":false})"};

}  // namespace iteralign
