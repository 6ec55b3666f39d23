// Answers that follow a JSON schema, written by a model of random weights.

#include <gtest/gtest.h>

#include "engine/generation_fixture.h"
#include "grammar/schemas.h"
#include "iteralign/error.h"
#include "model/answer_all.h"

namespace iteralign {
namespace {

class SchemaTest : public GenerationTest {
 protected:
  static GenerateRequest asked(const std::string& schema, const Sampling& sampling, std::uint64_t seed = 0) {
    GenerateRequest request = raw("a", sampling, seed);
    request.schema = schema;
    return request;
  }
};

TEST_F(SchemaTest, RandomWeightsWriteValidJsonAtEveryTemperature) {
  const auto model = open(32);
  std::vector<GenerateRequest> requests;
  const std::vector<std::string> schemas = all_schemas();
  for (std::uint64_t i = 0; i < 200; ++i)
    requests.push_back(
        asked(schemas[i % schemas.size()], {.max_new_tokens = 50 + static_cast<int>(i % 40), .temperature = 0.5 * (i % 5)}, i));
  for (std::size_t i = 0; i < requests.size(); i += 7) requests[i].sampling.top_p = 0.9;
  for (std::size_t i = 0; i < requests.size(); i += 11) requests[i].sampling.repetition_penalty = 1.3;
  const auto answers = answer_all(*model, requests);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Json value = Json::parse(answers[i].text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(!value.is_discarded() && follows(value, Json::parse(requests[i].schema))) << answers[i].text;
    EXPECT_EQ(answers[i].finish_reason, FinishReason::stop);
  }
}

TEST_F(SchemaTest, DoesNotDependOnTheOtherRequests) {
  const auto model = open(8);
  const std::string schema = all_schemas().front();
  const GenerateRequest request = asked(schema, {.max_new_tokens = 60, .temperature = 1.0}, 5);
  const auto alone = answer_all(*model, {request})[0];
  EXPECT_EQ(answer_all(*model, {raw("b", {.max_new_tokens = 20}), request, asked(schema, {.max_new_tokens = 80}, 6)})[1].tokens,
            alone.tokens);
  EXPECT_NE(answer_all(*model, {raw("a", {.max_new_tokens = 60, .temperature = 1.0}, 5)})[0].tokens, alone.tokens);
}

TEST_F(SchemaTest, NeedsRoomForTheShortestAnswer) {
  const auto model = open();
  const std::string schema = R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false})";
  EXPECT_THROW(answer_all(*model, {asked(schema, {.max_new_tokens = 6})}), Error);
  EXPECT_EQ(answer_all(*model, {asked(schema, {.max_new_tokens = 7, .temperature = 1.0})})[0].text.size(),
            std::string(R"({"a":1})").size());
  GenerateRequest late = asked(schema, {.max_new_tokens = 50});
  late.raw = std::string(506, 'x');  // with BOS 507 of 512 positions
  EXPECT_EQ(answer_all(*model, {late})[0].finish_reason, FinishReason::too_long);
  EXPECT_THROW(answer_all(*model, {asked(schema, {.max_new_tokens = 50, .stop = {"}"}})}), Error);
  EXPECT_THROW(answer_all(*model, {asked(R"({"type":"number"})", {.max_new_tokens = 50})}), Error);
}

}  // namespace
}  // namespace iteralign
