#include "oracle/error_meaning.h"

#include <algorithm>
#include <initializer_list>
#include <regex>

#include "core/strings.h"

namespace iteralign {
namespace {

using Words = std::initializer_list<const char*>;

bool has_code(const ServerError& error, Words codes) {
  return std::any_of(error.codes.begin(), error.codes.end(), [&](const std::string& code) {
    return std::any_of(codes.begin(), codes.end(), [&](const char* c) { return code == c; });
  });
}

bool account_blocked(const ServerError& error) {
  return error.says_one_of({"account", "organization", "organisation", "api key", "access"}) &&
         error.says_one_of({"deactivated", "suspended", "disabled", "terminated", "banned", "has been blocked"});
}

bool moderated(int status, const ServerError& error) {
  if (account_blocked(error)) return false;
  if (has_code(error, {"invalid_prompt",
                       "content_filter",
                       "content_policy_violation",
                       "responsibleaipolicyviolation",
                       "data_inspection_failed",
                       "datainspectionfailed",
                       "prohibited_content",
                       "safety",
                       "blocklist",
                       "spii",
                       "recitation",
                       "image_safety",
                       "sensitive",
                       "moderation",
                       "moderation_blocked",
                       "moderation_error",
                       "content_moderation",
                       "content_blocked",
                       "content_filtered",
                       "unsafe_content",
                       "guardrail",
                       "guardrail_violation",
                       "guardrail_intervened",
                       "cyber_policy_violation",
                       "1301"}))
    return true;
  if (status >= 500) return false;  // the words alone may be about the filter's own failure
  return error.says_one_of({"content_filter",
                            "content filter",
                            "content-filter",
                            "content_policy",
                            "content policy",
                            "content management policy",
                            "contentpolicy",
                            "responsibleai",
                            "responsible ai",
                            "data_inspection_failed",
                            "inappropriate content",
                            "prohibited_content",
                            "prohibited content",
                            "requires moderation",
                            "was flagged",
                            "were flagged",
                            "been flagged",
                            "flagged as",
                            "flagged for",
                            "flagged by",
                            "flagged input",
                            "moderation",
                            "content exists risk",
                            "considered high risk",
                            "safety system",
                            "safety filter",
                            "safety setting",
                            "safety check",
                            "safety_check",
                            "safety reasons",
                            "safety policy",
                            "safety guidelines",
                            "usage guidelines",
                            "usage policy",
                            "usage policies",
                            "acceptable use",
                            "guardrail",
                            "harmful content",
                            "unsafe content",
                            "sensitive content",
                            "sensitive words",
                            "敏感",
                            "不安全",
                            "违规"}) ||
         (error.says("violat") && error.says_one_of({"policy", "policies", "guideline", "terms"})) ||
         (error.says("blocked") &&
          error.says_one_of({"safety", "unsafe", "harm", "content filter", "content was", "blocked content", "content blocked"}));
}

// "prompt is too long: 210000 tokens > 200000 maximum", "maximum context length is 4096 tokens", "n_ctx"
bool too_long(int status, const ServerError& error) {
  return status == 413 ||
         error.says_one_of(
             {"context length",          "context_length",         "maximum context",        "context size",    "context window",
              "context_window",          "model length",           "max_model_len",          "exceed_context",  "prompt is too long",
              "prompt too long",         "input is too long",      "input too long",         "too many tokens", "too many input tokens",
              "request too large",       "input length",           "prompt length",          "inputs tokens",   "maximum input",
              "longer than the maximum", "maximum allowed length", "string_above_max_length"});
}

bool account_empty(const ServerError& error) {
  return error.says_one_of({"insufficient_quota",
                            "insufficient quota",
                            "insufficient balance",
                            "insufficient_balance",
                            "insufficientbalance",
                            "insufficient credit",
                            "insufficient_credit",
                            "insufficient funds",
                            "insufficient_funds",
                            "credit balance",
                            "out of credit",
                            "no credits left",
                            "no credits remaining",
                            "no remaining credit",
                            "not enough credit",
                            "requires more credits",
                            "can only afford",
                            "credits exhausted",
                            "credit limit",
                            "balance is too low",
                            "balance is not enough",
                            "balance exhausted",
                            "billing_hard_limit",
                            "billing hard limit",
                            "billing_not_active",
                            "account is not active",
                            "spending limit",
                            "spend limit",
                            "exceeded_current_quota",
                            "arrearage",
                            "overdue-payment",
                            "payment required",
                            "payment_required",
                            "free tier of the model has been exhausted",
                            "freetieronly",
                            "余额不足",
                            "欠费"});
}

// Words of a limit that passes. Gemini's per-minute limit has the text of an empty account and a retryDelay beside it.
bool passes(const ServerError& error, bool asked_to_wait) {
  return asked_to_wait || error.wait_s ||
         error.says_one_of({"per minute", "per_minute", "perminute", "per second", "per_second", "persecond", "per hour", "rate limit",
                            "rate_limit", "requests_per", "(rpm)", "(tpm)"});
}

bool quota_words(const ServerError& error) {
  return error.says_one_of(
      {"current quota", "quota exceeded", "quota has been exceeded", "quota exhausted", "exceeded your quota", "out of quota"});
}

bool model_unknown(int status, const ServerError& error) {
  if (has_code(error, {"model_not_found", "model_not_exist", "invalid_model", "unknown_model"})) return true;
  static const std::regex kModel(
      R"(not a valid model|model.{0,120}(does not exist|not found|not exist|unknown)|unknown model|invalid model|no model(s)? (loaded|specified|provided)|must provide a model|(missing|requires).{0,40}['"`]?model['"`]?)");
  const bool named = std::find(error.fields.begin(), error.fields.end(), "model") != error.fields.end();
  return status < 500 && (named || std::regex_search(error.said, kModel));
}

}  // namespace

ErrorMeaning meaning_of(int status, const ServerError& error, bool asked_to_wait) {
  if (error.says_one_of({"plain http request was sent to https port", "http request to an https server"}))
    return ErrorMeaning::wrong_scheme;
  if (status != 401 && status != 402 && status != 404 && status != 429 && moderated(status, error)) return ErrorMeaning::moderated;
  if (status == 402 || account_empty(error)) return ErrorMeaning::quota_spent;
  if (quota_words(error) && (status == 429 || status == 403 || status == 400))
    return passes(error, asked_to_wait) ? ErrorMeaning::rate_limited : ErrorMeaning::quota_spent;
  if (status == 429) return ErrorMeaning::rate_limited;
  if (status != 401 && status != 403 && too_long(status, error)) return ErrorMeaning::too_long;
  if (status >= 500 &&
      error.says_one_of({"loading model", "model is loading", "currently loading", "is still loading", "loading the model", "warming up",
                         "is starting", "starting up", "cold start", "not ready", "timed out waiting for llama runner"}))
    return ErrorMeaning::loading;
  if (error.says_one_of({"api key not valid", "invalid api key", "incorrect api key", "invalid_api_key", "api_key_invalid",
                         "invalid x-api-key", "no auth credentials"}))
    return ErrorMeaning::key_refused;
  if (model_unknown(status, error)) return ErrorMeaning::model_unknown;
  return status == 401 || status == 403 ? ErrorMeaning::key_refused : ErrorMeaning::other;
}

}  // namespace iteralign
