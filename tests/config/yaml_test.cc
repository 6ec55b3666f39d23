#include "config/yaml.h"

#include <gmock/gmock.h>

namespace iteralign {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  try {
    parse_yaml(text, "x.yaml", ErrorKind::data);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  ADD_FAILURE() << "no error: " << text;
  return "";
}

TEST(Yaml, ReadsTheTreeWithItsLines) {
  const YamlValue root =
      parse_yaml("# a comment\na: 1\nb:\n  - x: ~\n    y: \"1\"\n  - [p, q]\nc: |\n  two\n  lines\n", "x", ErrorKind::data);
  ASSERT_EQ(root.kind, YamlValue::Kind::map);
  ASSERT_EQ(root.fields.size(), 3u);
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("a")->line, 2);
  const YamlValue& b = *root.find("b");
  EXPECT_EQ(b.line, 3);
  ASSERT_EQ(b.items.size(), 2u);
  EXPECT_EQ(b.items[0].line, 4);
  EXPECT_EQ(b.items[0].find("x")->kind, YamlValue::Kind::null);
  EXPECT_EQ(b.items[0].find("y")->line, 5);
  EXPECT_TRUE(b.items[0].find("y")->quoted);
  EXPECT_FALSE(root.find("a")->quoted);
  EXPECT_EQ(b.items[1].items[1].text, "q");
  EXPECT_EQ(root.find("c")->text, "two\nlines\n");
  EXPECT_EQ(root.find("d"), nullptr);
}

TEST(Yaml, AnAliasStandsForWhatItNames) {
  const YamlValue root = parse_yaml("a: &x [1, 2]\nb: *x\n", "x", ErrorKind::data);
  EXPECT_EQ(root.find("b")->items.size(), 2u);
  EXPECT_EQ(root.find("b")->line, 2);
}

TEST(Yaml, AnEmptyTextIsNull) {
  for (const char* text : {"", "# only a comment\n", "---\n", "---\n...\n"})
    EXPECT_EQ(parse_yaml(text, "x", ErrorKind::data).kind, YamlValue::Kind::null) << text;
  EXPECT_EQ(parse_yaml("a: 1\n---\n", "x", ErrorKind::data).find("a")->text, "1");
}

TEST(Yaml, RefusesWhatOthersDropSilently) {
  EXPECT_THAT(error_of("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n"), HasSubstr("x.yaml:5: the key 'c' is there twice, first in line 3"));
  EXPECT_THAT(error_of("a: 1\n\"a\": 2\n"), HasSubstr("x.yaml:2: the key 'a' is there twice"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("x.yaml:3: a second document"));
  EXPECT_THAT(error_of("a: 1\n---\na\n"), HasSubstr("a second document"));
  EXPECT_THAT(error_of("a: &x {b: 1}\nc:\n  <<: *x\n"), HasSubstr("x.yaml:3: merge keys"));
  EXPECT_THAT(error_of("a: !include other.yaml\n"), HasSubstr("x.yaml:1: the tag !include"));
  EXPECT_THAT(error_of("? [a, b]\n: 1\n"), HasSubstr("a key that is no plain text"));
  EXPECT_THAT(error_of("a: [1\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(error_of("a:\n\tb: 1\n"), HasSubstr("x.yaml:2: "));
  EXPECT_THAT(error_of("a: *nothing\n"), HasSubstr("x.yaml:1: "));
}

TEST(Yaml, AliasesOfAliasesDoNotGrowWithoutEnd) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k == 0 ? "" : ", ") + before;
    text += "]\n";
  }
  EXPECT_THAT(error_of(text), HasSubstr("millions of values"));
}

}  // namespace
}  // namespace iteralign
