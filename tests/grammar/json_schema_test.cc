#include "grammar/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "asking/list_reply.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

bool accepts(const Automaton& automaton, std::string_view text) {
  Automaton::State state = Automaton::kStart;
  for (const char byte : text)
    if (state != Automaton::kDead) state = automaton.next(state, static_cast<std::uint8_t>(byte));
  return state != Automaton::kDead && automaton.ends(state);
}

Automaton of_value(const std::string& schema) {
  return json_schema_automaton(R"({"type":"object","properties":{"v":)" + schema + R"(},"required":["v"],"additionalProperties":false})");
}

bool takes(const std::string& schema, const std::string& value) { return accepts(of_value(schema), "{\"v\": " + value + "}"); }

TEST(JsonSchema, TakesTextsAsJsonDumpsWritesThem) {
  const Automaton automaton = json_schema_automaton(kPrinciplesReply.schema);
  EXPECT_TRUE(accepts(automaton, R"({"principles": [{"text": "Be kind.", "area": "manners", "cases": [1, 20]}]})"));
  EXPECT_TRUE(accepts(automaton, R"({"principles":[{"text":"a","area":"","cases":[]},{"text":"b","area":"c","cases":[3]}]})"));
  EXPECT_TRUE(accepts(automaton, R"({"principles": []})"));
  for (const char* wrong :
       {"", "{", "{}", R"({"principles": []} )", R"({"principles":  []})", R"({ "principles": []})", R"({"principles": [{}]})",
        R"({"principles": [{"area": "a", "text": "", "cases": []}]})", R"({"principles": [,]})", R"({"principles": [], "more": []})",
        R"({"principles": [{"text": "a", "area": "", "cases": [1,]}]})"})
    EXPECT_FALSE(accepts(automaton, wrong)) << wrong;
}

TEST(JsonSchema, TextsAreUtf8WithTheEscapesOfOneCharacter) {
  const std::string text = R"({"type":"string"})";
  for (const char* value : {R"("")", R"("a\"b\\c\n")", "\"é€\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\"", R"("{}")"})
    EXPECT_TRUE(takes(text, value)) << value;
  for (const char* value : {"\"", "\"\n\"", R"("\x")", R"("\u0041")", R"("\")", "\"\xC3\"", "\"\xC0\xAF\"", "\"\xED\xA0\x80\"",
                            "\"\xE0\x80\x80\"", "\"\xF4\x90\x80\x80\"", "\"\x80\"", "1"})
    EXPECT_FALSE(takes(text, value)) << value;
}

TEST(JsonSchema, ChoosesFromTextsThatBeginAlike) {
  const std::string words = R"({"type":"string","enum":["no","none","\"é"]})";
  for (const char* value : {R"("no")", R"("none")", R"("\"é")"}) EXPECT_TRUE(takes(words, value)) << value;
  for (const char* value : {R"("")", R"("non")", R"("yes")", "no"}) EXPECT_FALSE(takes(words, value)) << value;
}

TEST(JsonSchema, IntegersHaveAnEnd) {
  for (const char* value : {"0", "7", "-3", "120", "999999999999999"}) EXPECT_TRUE(takes(R"({"type":"integer"})", value)) << value;
  for (const char* value : {"", "-", "-0", "01", "1.0", "1e3", "9999999999999999"})
    EXPECT_FALSE(takes(R"({"type":"integer"})", value)) << value;
}

TEST(JsonSchema, KnowsTheShortestEnd) {
  const Automaton automaton = json_schema_automaton(kPrinciplesReply.schema);
  EXPECT_EQ(automaton.bytes_to_end(ByteSet().set())[Automaton::kStart], static_cast<int>(std::string(R"({"principles":[]})").size()));
  EXPECT_EQ(automaton.bytes_to_end(bytes_between('a', 'z'))[Automaton::kStart], Automaton::kNever);
}

TEST(JsonSchema, RefusesByNameWhatItDoesNotUnderstand) {
  const auto message = [](const std::string& schema) -> std::string {
    try {
      of_value(schema);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(R"({"type":"number"})"), testing::HasSubstr("JSON schema/v: has the type 'number'"));
  EXPECT_THAT(message(R"({"type":"string","pattern":"a+"})"), testing::HasSubstr("JSON schema/v: has the keyword 'pattern'"));
  EXPECT_THAT(message(R"({"anyOf":[]})"), testing::HasSubstr("has no type"));
  EXPECT_THAT(message(R"({"type":["string","null"]})"), testing::HasSubstr("has no type"));
  EXPECT_THAT(message(R"({"type":"array","items":{"$ref":"#"}})"), testing::HasSubstr("JSON schema/v/items: has no type"));
  EXPECT_THAT(message(R"({"type":"string","enum":[1]})"), testing::HasSubstr("an enum of other things than texts"));
  EXPECT_THAT(message(R"({"type":"object"})"), testing::HasSubstr("does not say \"additionalProperties\": false"));
  EXPECT_THAT(message(R"({"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false})"),
              testing::HasSubstr("JSON schema/v/a: is not required"));
  EXPECT_THROW(json_schema_automaton(R"({"type":"string"})"), Error);
  EXPECT_THROW(json_schema_automaton("{"), Error);
}

}  // namespace
}  // namespace iteralign
