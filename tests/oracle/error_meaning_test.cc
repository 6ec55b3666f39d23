#include "oracle/error_meaning.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

ErrorMeaning meaning(int status, const std::string& body, bool asked_to_wait = false) {
  return meaning_of(status, parse_server_error(body), asked_to_wait);
}

std::string error_with(const std::string& message, const Json& code = nullptr) {
  return dump_json({{"error", {{"message", message}, {"code", code}}}});
}

TEST(ErrorMeaning, Moderated) {
  for (
      const auto& [status, body] : std::vector<std::pair<int, std::string>>{
          {403, error_with("x/y requires moderation. Your input was flagged for \"violence\". No credits were charged.", 403)},
          {400, error_with("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", "invalid_prompt")},
          {400,
           R"({"error":{"message":"The response was filtered","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}})"},
          {400, error_with("Your request was rejected as a result of our safety system.", "content_policy_violation")},
          {400, R"({"code":"DataInspectionFailed","message":"Input data may contain inappropriate content."})"},
          {400, error_with("Content Exists Risk")},
          {400, error_with("The request was rejected because it was considered high risk", "content_filter")},
          {400, R"({"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}})"},
          {403, error_with("Content violates usage guidelines.", "permission-denied")},
          {400, R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}})"},
          {400, error_with("Output blocked by content filtering policy")},
          {422, error_with("Violated guardrail policy")},
          {446, error_with("guardrail checks failed")},
          {500, error_with("Internal", "content_filter")}})
    EXPECT_EQ(meaning(status, body), ErrorMeaning::moderated) << body;
}

TEST(ErrorMeaning, WordsOfModerationThatAreAboutSomethingElse) {
  EXPECT_EQ(meaning(403, error_with("Your account was flagged for a violation of our policy and has been suspended")),
            ErrorMeaning::key_refused);
  EXPECT_EQ(meaning(503, error_with("The moderation service is not reachable")), ErrorMeaning::other);
  EXPECT_EQ(meaning(400, error_with("temporary policy engine failure")), ErrorMeaning::other);
  EXPECT_EQ(meaning(429, error_with("Rate limit of the moderation endpoint reached")), ErrorMeaning::rate_limited);
}

TEST(ErrorMeaning, AnEmptyAccountAndALimitThatPasses) {
  EXPECT_EQ(meaning(429, error_with("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota")),
            ErrorMeaning::quota_spent);
  EXPECT_EQ(meaning(429, error_with("You exceeded your current quota, please check your plan and billing details.")),
            ErrorMeaning::quota_spent);
  EXPECT_EQ(
      meaning(429, R"([{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.",)"
                   R"("status":"RESOURCE_EXHAUSTED","details":[{"@type":"RetryInfo","retryDelay":"30s"}]}}])"),
      ErrorMeaning::rate_limited);
  EXPECT_EQ(meaning(429, error_with("Quota exceeded for quota metric 'Requests' and limit 'requests per minute'")),
            ErrorMeaning::rate_limited);
  EXPECT_EQ(meaning(429, error_with("You exceeded your current quota"), /*asked_to_wait=*/true), ErrorMeaning::rate_limited);
  EXPECT_EQ(meaning(429, error_with("Rate limit reached for requests", "rate_limit_exceeded")), ErrorMeaning::rate_limited);
  EXPECT_EQ(meaning(400, error_with("Your credit balance is too low to access the API.")), ErrorMeaning::quota_spent);
  EXPECT_EQ(meaning(402, error_with("Insufficient Balance")), ErrorMeaning::quota_spent);
  EXPECT_EQ(meaning(402, error_with("This request requires more credits, or fewer max_tokens.")), ErrorMeaning::quota_spent);
  EXPECT_EQ(meaning(429, error_with("suspended due to insufficient balance", "exceeded_current_quota_error")), ErrorMeaning::quota_spent);
  EXPECT_EQ(meaning(403, error_with("The free tier of the model has been exhausted", "AllocationQuota.FreeTierOnly")),
            ErrorMeaning::quota_spent);
}

TEST(ErrorMeaning, PromptsThatDoNotFit) {
  for (const auto& [status, message] : std::vector<std::pair<int, std::string>>{
           {400,
            "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8488 in the messages, 512 in "
            "max_tokens)"},
           {400, "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 256 tokens"},
           {500, "the request exceeds the available context size. try increasing the context size or enable context shift"},
           {400, "prompt is too long: 210000 tokens > 200000 maximum"},
           {413, "Request too large for model"},
           {422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs tokens`"}})
    EXPECT_EQ(meaning(status, error_with(message)), ErrorMeaning::too_long) << message;
}

TEST(ErrorMeaning, KeysModelsLoadingAndSchemes) {
  EXPECT_EQ(meaning(401, error_with("nope")), ErrorMeaning::key_refused);
  EXPECT_EQ(meaning(403, error_with("Country, region, or territory not supported")), ErrorMeaning::key_refused);
  EXPECT_EQ(meaning(400, error_with("API key not valid. Please pass a valid API key.")), ErrorMeaning::key_refused);
  EXPECT_EQ(meaning(404, error_with("The model `m` does not exist or you do not have access to it.", "model_not_found")),
            ErrorMeaning::model_unknown);
  EXPECT_EQ(meaning(404, error_with("model \"m\" not found, try pulling it first")), ErrorMeaning::model_unknown);
  EXPECT_EQ(meaning(400, error_with("m is not a valid model ID")), ErrorMeaning::model_unknown);
  EXPECT_EQ(meaning(400, error_with("you must provide a model parameter")), ErrorMeaning::model_unknown);
  EXPECT_EQ(meaning(404, "404 page not found"), ErrorMeaning::other);
  EXPECT_EQ(meaning(503, error_with("Loading model", 503)), ErrorMeaning::loading);
  EXPECT_EQ(meaning(503, R"({"error":"Model m is currently loading","estimated_time":20.0})"), ErrorMeaning::loading);
  EXPECT_EQ(meaning(503, error_with("busy")), ErrorMeaning::other);
  EXPECT_EQ(meaning(400, "<html>The plain HTTP request was sent to HTTPS port</html>"), ErrorMeaning::wrong_scheme);
  EXPECT_EQ(meaning(400, "Client sent an HTTP request to an HTTPS server.\n"), ErrorMeaning::wrong_scheme);
}

}  // namespace
}  // namespace iteralign
