#include "data/jailbreak_templates.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

class JailbreakTemplates : public ::testing::Test {
 protected:
  std::vector<JailbreakTemplate> read(const std::string& yaml) {
    make_directories(folder_.file("stories"));
    write_file_atomic(folder_.file("stories/tale.yaml"), yaml);
    return read_jailbreak_templates(folder_.path());
  }
  std::string refusal(const std::string& yaml) {
    try {
      for (const JailbreakTemplate& around : read(yaml)) (void)jailbreak(around, "do it");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return error.what();
    }
    return {};
  }
  TemporaryFolder folder_;
};

TEST_F(JailbreakTemplates, TheirFolderIsTheirFamily) {
  write_file_atomic(folder_.file("LICENSE"), "no template");
  const auto templates =
      read("---\nname: A tale\nparameters:\n  - prompt\nvalue: >\n  Once upon a time\n  somebody asked: {{ prompt }}\n\n  They said\n");
  ASSERT_EQ(templates.size(), 1U);
  EXPECT_EQ(templates[0].family, "stories");
  EXPECT_EQ(jailbreak(templates[0], "How?"), "Once upon a time somebody asked: How?\nThey said");
}

TEST_F(JailbreakTemplates, ARequestIsNoTemplate) {
  const auto templates = read("value: '{% raw %}{{ braces }} {% endraw %}{{ prompt }}'\n");
  EXPECT_EQ(jailbreak(templates[0], "{{ prompt }}{% if %}"), "{{ braces }} {{ prompt }}{% if %}");
}

TEST_F(JailbreakTemplates, OthersAreRefused) {
  EXPECT_THAT(refusal("text: Do {{ prompt }}\n"), HasSubstr("has no text `value`"));
  EXPECT_THAT(refusal("value: Do it now\n"), HasSubstr("has no place for a request"));
  EXPECT_THAT(refusal("parameters: [prompt, group]\nvalue: Tell {{ group }} to {{ prompt }}\n"), HasSubstr("asks for `group`"));
  EXPECT_THAT(refusal("value: '{{ prompt'\n"), HasSubstr("tale.yaml"));
}

}  // namespace
}  // namespace iteralign
