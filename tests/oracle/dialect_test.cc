#include "oracle/dialect.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

const std::set<std::string> kAll = {"model", "messages", "system", "temperature", "max_tokens", "seed", "response_format"};

std::string field_of(int status, const std::string& body, std::set<std::string> sent = kAll) {
  const auto refusal = refusal_of(status, parse_server_error(body), sent, {});
  return refusal ? refusal->field : "";
}

std::string with_message(const std::string& message) {
  return dump_json({{"error", {{"message", message}, {"type", "invalid_request_error"}}}});
}

TEST(Dialect, WhichFieldIsRefused) {
  struct Case {
    const char* field;
    int status;
    std::string body;
  };
  for (
      const auto& [field, status, body] : std::vector<Case>{
          {"seed", 422,
           R"({"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":1}]})"},
          {"seed", 422,
           R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted"}]}})"},
          {"seed", 400, with_message("Unrecognized request argument supplied: seed")},
          {"seed", 400, with_message("property 'seed' is unsupported, did you mean 'n'?")},
          {"seed", 400, with_message("Invalid JSON payload received. Unknown name \"seed\": Cannot find field.")},
          {"temperature", 400, with_message("`temperature` is deprecated for this model.")},
          {"temperature", 400, with_message("invalid temperature: only 1 is allowed for this model")},
          {"temperature", 400, R"({"error":{"message":"Unsupported value","param":"temperature","code":"unsupported_value"}})"},
          {"temperature", 422, with_message("`temperature` must be strictly positive")},
          {"max_tokens", 400,
           with_message("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")},
          {"response_format", 500, with_message("failed to parse grammar")},
          {"response_format", 400, with_message("Invalid schema for function 'verdict': additionalProperties is not allowed")},
          {"response_format", 400, with_message("This response_format type is unavailable now")},
          {"response_format", 422,
           R"({"detail":[{"type":"extra_forbidden","loc":["body","response_format"],"msg":"Extra inputs are not permitted"}]})"},
          {"response_format", 400, with_message("JSON mode is not enabled for this model")},
          {"response_format", 400, with_message("output_config.format: Extra inputs are not permitted")},
          {"response_format", 400, with_message("guided decoding is not supported with this backend")},
          {"the system role", 400, with_message("System role not supported")},
          {"the system role", 400, with_message("Developer instruction is not enabled for models/gemma-3-27b-it")},
          {"the system role", 400, with_message("Conversation roles must alternate user/assistant/user/assistant/...")},
          {"the system role", 400,
           R"({"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","param":"messages[0].role"}})"}})
    EXPECT_EQ(field_of(status, body), field) << body;
}

TEST(Dialect, WordsThatOnlySoundLikeAField) {
  for (const auto& [status, message] :
       std::vector<std::pair<int, const char*>>{{400, "The prompt about planting a seed is not allowed here"},
                                                {400, "Unsupported reading of the room temperature in the text"},
                                                {500, "unsupported parameter: temperature"},
                                                {400, "max_tokens is too large: 9000. This model supports at most 4096 completion tokens"},
                                                {400, "strange request"},
                                                {400, "the system is not available in your region"},
                                                {500, "database error"}})
    EXPECT_EQ(field_of(status, with_message(message)), "") << message;
}

TEST(Dialect, OnlyWhatWasSentIsRefused) {
  EXPECT_EQ(field_of(400, with_message("Unrecognized request argument supplied: seed"), {"messages", "max_tokens"}), "");
  EXPECT_EQ(field_of(500, with_message("failed to parse grammar"), {"messages"}), "");
}

TEST(Dialect, StepsGoDownOneByOne) {
  const auto next = [](const std::string& message, const Dialect& now, int status = 400) {
    std::set<std::string> sent = kAll;
    sent.insert("max_completion_tokens");
    return refusal_of(status, parse_server_error(with_message(message)), sent, now)->next;
  };
  Dialect now = next("json_schema is not supported", {});
  EXPECT_EQ(now.schema, SchemaSupport::json_object);
  EXPECT_EQ(next("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'", now).schema,
            SchemaSupport::none);
  now = next("temperature must be strictly positive", {});
  EXPECT_EQ(now.temperature, TemperatureSupport::above_zero);
  EXPECT_EQ(next("temperature must be strictly positive", now).temperature, TemperatureSupport::none);
  EXPECT_EQ(next("'temperature' does not support 0 with this model", {}).temperature, TemperatureSupport::none);
  now = next("Unknown parameter: max_completion_tokens", {});
  EXPECT_EQ(now.length, LengthField::other);
  EXPECT_EQ(next("Unknown parameter: max_tokens", now).length, LengthField::none);
  EXPECT_EQ(next("'system' role is not supported, use 'developer' instead", {}).system, SystemRole::developer);
  EXPECT_EQ(next("System messages are not supported", {}).system, SystemRole::user);
}

TEST(Dialect, AReplyThatDidNotFollowTheSchemaIsNoRefusalForGood) {
  const auto refusal = refusal_of(
      400,
      parse_server_error(
          std::string(R"({"error":{"message":"Failed to generate JSON.","code":"json_validate_failed","failed_generation":"{"}})")),
      kAll, {});
  ASSERT_TRUE(refusal);
  EXPECT_FALSE(refusal->for_good);
  EXPECT_EQ(refusal->next.schema, SchemaSupport::none);
}

TEST(Dialect, WhoeverFindsOutComesToTheSameEnd) {
  const Dialect a{.schema = SchemaSupport::none, .without_seed = true}, b{.schema = SchemaSupport::json_object, .system = SystemRole::user};
  EXPECT_EQ(lower_of(a, b), lower_of(b, a));
  EXPECT_EQ(lower_of(a, b).schema, SchemaSupport::none);
  EXPECT_EQ(lower_of(a, b).system, SystemRole::user);
  EXPECT_TRUE(lower_of(a, b).without_seed);
}

}  // namespace
}  // namespace iteralign
