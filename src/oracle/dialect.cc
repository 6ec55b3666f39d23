#include "oracle/dialect.h"

#include <initializer_list>
#include <regex>

#include "core/strings.h"

namespace iteralign {
namespace {

// param "response_format.json_schema", loc "messages.role"
bool is_named(const ServerError& error, const std::string& field) {
  return std::any_of(error.fields.begin(), error.fields.end(), [&](const std::string& path) {
    return path == field || path.starts_with(field + ".") || path.starts_with(field + "[");
  });
}

bool is_refusal(const ServerError& error) {
  static const std::regex kRefusal(
      R"(not[ _](currently |yet )?(supported|allowed|permitted|available|enabled|recognized|valid|implemented|accepted)|unsupported|unrecogni[sz]ed|unknown|unexpected|extra (inputs|fields)|extra_forbidden|deprecated|invalid|does(n't| not) (support|accept)|only [^.]{0,40}(allowed|supported|value)|unavailable|cannot find field|can('t|not) be (used|set|specified)|no longer|must be|should be|disallowed|removed|strictly positive|greater than|is not a)");
  return std::regex_search(error.said, kRefusal);
}

// English words among the names of fields are names only in a place where a name stands.
bool stands_as_name(const std::string& said, const std::string& field) {
  const std::string quoted = R"(["'`])" + field + R"(["'`])";
  const std::string before =
      R"((parameters?|arguments?|fields?|property|keyword|option|key|supplied|invalid|unsupported|unrecogni[sz]ed|unknown|unexpected|supports?|supported|accepts?|set|value of|value for) ?:? ?)" +
      field + R"(\b)";
  const std::string begins = R"((^|[\n:.;,(] ?))" + field + R"(( ?:| (is|are|must|should|does|has|can|cannot|may|not)\b))";
  const std::string after = R"(\b)" + field + R"( (parameter|param|argument|field|option|value)\b)";
  return std::regex_search(said, std::regex(quoted + "|" + before + "|" + begins + "|" + after));
}

bool is_word_in(const std::string& said, const std::string& field) {
  return std::regex_search(said, std::regex("(^|[^a-z0-9_])" + field + "($|[^a-z0-9_])"));
}

bool refuses_schema(int status, const ServerError& error) {
  if (is_named(error, "response_format") || is_named(error, "json_schema") || is_named(error, "guided_json")) return true;
  if (error.says_one_of(
          {"response_format",      "response format",  "responseformat",  "json_schema",        "json_object",
           "json schema",          "jsonschema",       "json mode",       "json_mode",          "structured output",
           "structured_output",    "structuredoutput", "grammar",         "guided decoding",    "guided_decoding",
           "guided_json",          "xgrammar",         "outlines.",       "outlines_core",      "failed_generation",
           "json_validate_failed", "responseschema",   "response_schema", "response schema",    "responsemimetype",
           "response_mime_type",   "output_config",    "output_format",   "lm-format-enforcer", "must contain the word 'json'"}))
    return true;
  return error.says_one_of(
             {"schema", "additionalproperties", "generate json", "not valid json", "generate valid json", "produce valid json"}) &&
         status < 500;
}

bool refuses_system(const ServerError& error) {
  static const std::regex kSystem(
      R"((system|developer)['"`]? (role|messages?|prompts?|instructions?)[^.]{0,60}(not|n't|unsupported|disallowed|cannot)|(not|n't|n't|unsupported|unexpected|invalid|unknown)[^.]{0,60}(system|developer)['"`]? ?(role|messages?|prompts?|instructions?)|role:? ?['"`]?(system|developer)['"`]?|does not support ['"`](system|developer)['"`]|(system|developer) instruction is not enabled|roles? must alternate|only user and assistant roles|should be ['"`]user['"`]|role must be|roles? (are|is) allowed|unexpected (message )?role)");
  return std::regex_search(error.said, kSystem) && (is_refusal(error) || error.says_one_of({"alternate", "only user", "not enabled"}));
}

template <class Step>
Step next_step(Step step) {
  return static_cast<Step>(static_cast<int>(step) + 1);
}

}  // namespace

bool refuses_field(const ServerError& error, const std::string& field) {
  if (is_named(error, field)) return true;
  if (!is_refusal(error)) return false;
  return contains(field, "_") ? is_word_in(error.said, field) : stands_as_name(error.said, field);
}

bool refuses_length(const ServerError& error) {
  return (is_word_in(error.said, "max_tokens") || is_word_in(error.said, "max_completion_tokens") || is_named(error, "max_tokens")) &&
         error.says_one_of({"too large", "too high", "at most", "less than or equal", "maximum", "exceed"}) &&
         !error.says_one_of({"unsupported", "not supported", "unrecognized", "extra inputs", "extra_forbidden", "unknown"});
}

std::optional<Refusal> refusal_of(int status, const ServerError& error, const std::set<std::string>& sent, const Dialect& dialect) {
  Refusal refusal{dialect, true, {}};
  Dialect& next = refusal.next;
  const auto refuses = [&](const char* field) {
    if (!sent.contains(field) || !refuses_field(error, field)) return false;
    refusal.field = field;
    return true;
  };
  if (sent.contains("response_format") && refuses_schema(status, error)) {
    refusal.field = "response_format";
    // Groq: the model's own text did not follow the schema. Another one may.
    refusal.for_good = !error.says_one_of({"failed_generation", "json_validate_failed"});
    next.schema = refusal.for_good ? next_step(dialect.schema) : SchemaSupport::none;
  } else if (status >= 500) {
    return {};  // a fault of the server that passes, whatever words it uses
  } else if (sent.contains("system") && refuses_system(error)) {
    refusal.field = "the system role";
    const bool developer = dialect.system == SystemRole::system && error.says("use") && error.says("'developer'");
    next.system = developer ? SystemRole::developer : SystemRole::user;
  } else if (refuses("seed")) {
    next.without_seed = true;
  } else if (refuses("temperature")) {
    const bool zero = error.says_one_of({"positive", "greater than", "larger than", "above 0", "> 0", "(0,", "(0.0,"});
    next.temperature =
        zero && dialect.temperature == TemperatureSupport::as_asked ? TemperatureSupport::above_zero : TemperatureSupport::none;
  } else if (refuses("max_tokens") || refuses("max_completion_tokens")) {
    if (refuses_length(error)) return {};
    next.length = next_step(dialect.length);
  } else {
    return {};
  }
  return refusal;
}

}  // namespace iteralign
