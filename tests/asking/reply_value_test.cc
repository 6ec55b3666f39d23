#include "asking/reply_value.h"

#include <gtest/gtest.h>

#include "asking/reply_escapes.h"
#include "asking/reply_parser.h"
#include "core/json.h"
#include "core/random.h"

namespace iteralign {
namespace {

// As JSON, in which every scalar is its text and a member a pair of key and value, so that a key may be there twice.
Json to_json(const ReplyValue& value) {
  if (value.is_scalar()) return value.text;
  Json items = Json::array();
  for (const ReplyValue& item : value.items)
    items.push_back(value.kind == ReplyValue::Kind::list ? to_json(item) : Json{item.key, to_json(item)});
  return items;
}

Json to_json(const Json& value) {
  if (value.is_string()) return value;
  if (!value.is_structured()) return dump_json(value);
  Json items = Json::array();
  for (const auto& [key, item] : value.items()) items.push_back(value.is_array() ? to_json(item) : Json{key, to_json(item)});
  return items;
}

std::string first(const std::string& reply) {
  const auto values = read_reply(reply).values;
  return values.empty() ? "" : dump_json(to_json(values.front()));
}

std::string random_text(Random& random) {
  constexpr const char* kPieces[] = {"a", "\"", "\\", ",", ":", "{", "}", "[", "]", "\n", "//", "#", "'", " ", "\u00e9", "\U0001F600"};
  std::string text;
  for (auto n = random.below(9); n > 0; --n) text += kPieces[random.below(std::size(kPieces))];
  return text;
}

Json random_value(Random& random, int depth) {
  const auto kind = random.below(depth > 3 ? 4 : 6);
  if (kind == 0) return nullptr;
  if (kind == 1) return -2.5;
  if (kind < 4) return random_text(random);
  Json value = kind == 4 ? Json::array() : Json::object();
  for (auto n = random.below(4); n > 0; --n)
    if (kind == 4)
      value.push_back(random_value(random, depth + 1));
    else
      value[random_text(random)] = random_value(random, depth + 1);
  return value;
}

TEST(ReplyValue, EveryJsonMeansWhatItMeans) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const Json value = {{"a", random_value(random, 0)}, {random_text(random) + "b", random_value(random, 0)}};
    EXPECT_EQ(first(i % 2 == 0 ? dump_json(value) : dump_json_pretty(value)), dump_json(to_json(value)));
  }
}

TEST(ReplyValue, WhatModelsMakeOfJson) {
  const std::string meant = R"([["a","x"],["b","1"]])";
  for (const char* reply : {R"({"a":"x","b":1})", R"({"a":"x","b":1,})", R"({"a":"x","b":1)", "{'a': 'x', 'b': 1}", "{a: x, b: 1}",
                            "{\"a\": \"x\"\n\"b\": 1}", "{\"a\":\"x\", // why\n\"b\":1}", R"({"a":"x",/* , */"b":1})",
                            R"({\"a\": \"x\", \"b\": 1})", "{“a”: “x”，“b”：1}", R"("a": "x", "b": 1})", R"({{"a":"x","b":1}})"})
    EXPECT_EQ(first(reply), meant) << reply;
}

TEST(ReplyValue, QuotesInsideATextAreItsOwn) {
  EXPECT_EQ(first(R"({"a": "it says "sure", then "no"", "b": 1})"), R"([["a","it says \"sure\", then \"no\""],["b","1"]])");
  EXPECT_EQ(first(R"({'a': 'it's what's asked', 'b': 1})"), R"([["a","it's what's asked"],["b","1"]])");
  EXPECT_EQ(first(R"({"a": "has "b": 2 in it", "b": 1})"), R"([["a","has \"b\": 2 in it"],["b","1"]])");
}

TEST(ReplyValue, EscapesAndRawCharacters) {
  EXPECT_EQ(first("{\"a\": \"x\ny\tz\"}"), R"([["a","x\ny\tz"]])");
  EXPECT_EQ(unescaped(R"(\u00e9\ud83d\ude00\n\'\$\q)"), "é😀\n'$q");
  EXPECT_EQ(unescaped(R"(a\ud83d\u0041\ude00\)"),
            "a\xEF\xBF\xBD"
            "A\xEF\xBF\xBD\\");
}

TEST(ReplyValue, WhatIsCutIsMarked) {
  const auto values = read_reply(R"({"items": [{"text": "whole", "n": 12}, {"text": "ha)").values;
  ASSERT_EQ(values.size(), 1U);
  const auto& items = values[0].items.at(0).items;
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(member_text(items[0], "text"), "whole");
  EXPECT_EQ(member_text(items[1], "text"), "");
  EXPECT_TRUE(member(items[1], "Text") == nullptr && member(items[1], "text")->cut);
}

TEST(ReplyValue, NoTextTakesLong) {
  // Quadratic work over a megabyte would be minutes.
  for (const char* piece : {"{", "[", "{\"a\":", "\"x, ", "\"/*", "'a': 'it's ", "\\\"", "<think>", "verdict:\n"}) {
    std::string reply = "{\"a\": \"";
    while (reply.size() < 1'000'000) reply += piece;
    (void)read_reply(reply);
  }
}

TEST(ReplyItems, AreFoundWhereverTheyStand) {
  const std::string item = R"({"text":"t","cases":[1]})", list = "[" + item + "]", object = R"({"principles":)" + list + "}";
  for (const std::string& reply :
       {object, list, item + "\n" + item, R"({"result":)" + object + "}", "[" + object + "]", "```json\n" + object + "\n```",
        object + object, R"({"principles":{"P1":)" + item + "}}", dump_json(Json(object))})
    EXPECT_EQ(first_text(reply_items(reply, "principles", "text").at(0), {"text"}), "t") << reply;
  EXPECT_TRUE(reply_items(object + R"({"principles":[]})", "principles", "text").empty());
  EXPECT_TRUE(reply_items(R"({"principles":"none"})", "principles", "text").empty());
}

TEST(CaseNumbers, AsNumbersTextsFloatsAndLabels) {
  const auto numbers = [](const std::string& cases, int count = 20) {
    return case_numbers(read_reply("{\"cases\": " + cases + "}").values.at(0), count);
  };
  EXPECT_EQ(numbers(R"x([1, "2", 3.0, "CASE 4", "#5", "(6)"])x"), (std::vector<int>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(numbers(R"("1, 4 and 12")"), (std::vector<int>{1, 4, 12}));
  EXPECT_EQ(numbers("7"), (std::vector<int>{7}));
  EXPECT_EQ(numbers(R"([0, -1, 1.5, 21, 99999999999, "all", null, true, 2, 2])"), (std::vector<int>{2}));
  const ReplyValue unnamed = read_reply(R"({"text": "t"})").values.at(0);
  EXPECT_EQ(case_numbers(unnamed, 1), (std::vector<int>{1}));
  EXPECT_TRUE(case_numbers(unnamed, 2).empty());
}

}  // namespace
}  // namespace iteralign
