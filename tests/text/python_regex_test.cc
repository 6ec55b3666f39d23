#include "text/python_regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "iteralign/error.h"

namespace iteralign {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Those of the names that the expression matches. What is expected is what re.fullmatch of Python 3.11 gives.
std::vector<std::string> matched(const std::string& pattern) {
  const PythonRegex regex(pattern, "test");
  std::vector<std::string> found;
  for (const char* name : {"q",
                           "k",
                           "b",
                           "qq",
                           "a",
                           "aa",
                           "aaa",
                           "a{",
                           "a{x}",
                           "a{ 1}",
                           "q_proj",
                           "Q_proj",
                           "model.layers.0.self_attn.q_proj",
                           "q_q",
                           "]",
                           "_",
                           "A",
                           "",
                           "xq",
                           "qa",
                           "al]",
                           "model.layers.11.mlp.down_proj",
                           "7"})
    if (regex.matches_all(name)) found.emplace_back(name);
  return found;
}

TEST(PythonRegex, MatchesWhatPythonMatches) {
  EXPECT_THAT(matched(R"(\A.*\.(q_proj|v_proj)\Z)"), ElementsAre("model.layers.0.self_attn.q_proj"));
  EXPECT_THAT(matched(R"((?i).*\.(Q_PROJ|v_proj))"), ElementsAre("model.layers.0.self_attn.q_proj"));
  EXPECT_THAT(matched(R"((?P<block>model\.layers\.\d+)\.self_attn\.(q|v)_proj)"), ElementsAre("model.layers.0.self_attn.q_proj"));
  EXPECT_THAT(matched("(?P<a>q|k)_(?P=a)"), ElementsAre("q_q"));
  EXPECT_THAT(matched("(?i:Q)_proj"), ElementsAre("q_proj", "Q_proj"));
  EXPECT_THAT(matched("(?x) q _proj # the first"), ElementsAre("q_proj"));
  EXPECT_THAT(matched("(?a)(?i)Q"), ElementsAre("q"));
  EXPECT_THAT(matched("(q)?(?(1)a|b)"), ElementsAre("b", "qa"));
  EXPECT_THAT(matched("(?<=x)q|xq"), ElementsAre("xq"));
  EXPECT_THAT(matched("q++|(?>k)"), ElementsAre("q", "k", "qq"));
  EXPECT_THAT(matched("q|qq"), ElementsAre("q", "qq"));  // the whole text, not the first branch
}

TEST(PythonRegex, ReadsBracesClassesAndEscapesAsPythonDoes) {
  EXPECT_THAT(matched("a{,2}"), ElementsAre("a", "aa", ""));
  EXPECT_THAT(matched("a{,}"), ElementsAre("a", "aa", "aaa", ""));
  EXPECT_THAT(matched("a{2}"), ElementsAre("aa"));
  EXPECT_THAT(matched("a{"), ElementsAre("a{"));
  EXPECT_THAT(matched("a{x}"), ElementsAre("a{x}"));
  EXPECT_THAT(matched("a{ 1}"), ElementsAre("a{ 1}"));
  EXPECT_THAT(matched("[]q]"), ElementsAre("q", "]"));
  EXPECT_THAT(matched("[[:alpha:]+"), ElementsAre("a", "aa", "aaa"));
  EXPECT_THAT(matched("[[:alpha:]]+"), IsEmpty());  // a set of characters and a bracket
  EXPECT_THAT(matched(R"(\x71|\u0041|\_)"), ElementsAre("q", "_", "A"));
  EXPECT_THAT(matched(R"(\v|\101)"), ElementsAre("A"));
  EXPECT_THAT(matched(R"(\Z)"), ElementsAre(""));
}

TEST(PythonRegex, RefusesWhatPythonRefuses) {
  for (const char* pattern : {R"(.*\.(?i)q_proj)",
                              "(?<n>q)",
                              "(?L)q",
                              R"(\Qa\E)",
                              R"(\h)",
                              R"(\K)",
                              R"(\z)",
                              R"(\G)",
                              R"(\p{L})",
                              R"(\x{71})",
                              R"(\e)",
                              R"([\Z])",
                              "(?R)?q",
                              "(q)(?1)",
                              "(*ACCEPT)q",
                              "(?|q|k)",
                              "(?C1)q",
                              "(?(1)a|b)",
                              "*q",
                              "(q",
                              "q)",
                              "[q",
                              "\\",
                              R"(\1)",
                              R"(\N{DIGIT ONE})"}) {
    try {
      const PythonRegex regex(pattern, "adapter_config.json: target_modules");
      ADD_FAILURE() << pattern << " was compiled";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_THAT(error.what(), testing::HasSubstr(pattern));
      EXPECT_THAT(error.what(), testing::HasSubstr("target_modules"));
    }
  }
}

}  // namespace
}  // namespace iteralign
