#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Config load_trial(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  write_file_atomic(folder.file("trial.yaml"), text);
  return load_config(folder.file("trial.yaml"), overrides);
}

std::string fault(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    load_trial(text, overrides);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

TEST(Config, ReadsFileAndOverrides) {
  const Config config = load_trial("seed: 7\nfinetune:\n  learning_rate: 2e-6\n  lora_target_modules: [q_proj, v_proj]\n",
                                   {"red_team.heldout=0.25", "respond.stop=[\"\\n\\n\"]", "model.path=x"});
  EXPECT_EQ(config.seed, 7U);
  EXPECT_DOUBLE_EQ(config.finetune.options.learning_rate, 2e-6);
  EXPECT_THAT(config.finetune.options.lora_target_modules, ElementsAre("q_proj", "v_proj"));
  EXPECT_DOUBLE_EQ(config.red_team.heldout, 0.25);
  EXPECT_THAT(config.respond.stop, ElementsAre("\n\n"));
  EXPECT_EQ(config.name, "trial");
}

TEST(Config, NamesLineKeyAndNearestKey) {
  const std::string text = fault("seed: 1\nfinetune:\n  learning_rat: 1\n");
  EXPECT_THAT(text, HasSubstr("trial.yaml:3"));
  EXPECT_THAT(text, HasSubstr("did you mean 'finetune.learning_rate'?"));
}

TEST(Config, CollectsEveryFault) {
  const std::string text = fault("seed: x\niterations: -1\nmodel:\n  dtype: int3\n", {"judge.votes=0"});
  EXPECT_THAT(text, HasSubstr("'x' is not a whole number"));
  EXPECT_THAT(text, HasSubstr("iterations: -1 is out of range"));
  EXPECT_THAT(text, HasSubstr("not one of: auto, float32, bfloat16"));
  EXPECT_THAT(text, HasSubstr("judge.votes"));
}

TEST(Config, RefusesAKeyThatIsThereTwiceAndASecondDocument) {
  EXPECT_THAT(fault("seed: 1\niterations: 2\nseed: 3\n"), HasSubstr("trial.yaml:3: the key 'seed' is there twice, first in line 1"));
  EXPECT_THAT(fault("model:\n  path: a\n  path: b\n"), HasSubstr("trial.yaml:3"));
  EXPECT_THAT(fault("model.path: a\nmodel:\n  path: b\n"), HasSubstr("the key 'model.path' is there twice"));
  EXPECT_THAT(fault("seed: 1\n---\nseed: 2\n"), HasSubstr("trial.yaml:3: a second document"));
  EXPECT_EQ(load_trial("seed: 1\n", {"seed=2", "seed=3"}).seed, 3u);  // on the command line the last one counts
}

TEST(Config, RefusesBrokenYamlAndOverrides) {
  EXPECT_THAT(fault("a: [1"), HasSubstr("not valid YAML"));
  EXPECT_THAT(fault("seed: 1", {"seed"}), HasSubstr("key.sub=value"));
  EXPECT_THROW(load_config("/no/such.yaml", {}), Error);
}

TEST(Config, ResolvedCopyReadsBackTheSame) {
  const Config config = load_trial("seed: 18446744073709551615\nfinetune: {learning_rate: 2e-6}\nrespond: {stop: [\"a\\\"b\\n\"]}\n");
  const std::string yaml = resolved_yaml(config);
  EXPECT_THAT(yaml, HasSubstr("learning_rate: 2.0e-06"));  // YAML 1.1 readers take 2e-06 for text
  EXPECT_EQ(resolved_yaml(load_trial(yaml)), yaml);
}

TEST(Config, DifferencesNameChangedKeysOnly) {
  Config config = load_trial("seed: 1\n");
  const std::string stored = resolved_yaml(config);
  config.oracle.concurrency = 99;  // changes nothing in the result
  config.finetune.options.lora_r = 4;
  EXPECT_THAT(config_differences(stored, config), ElementsAre("finetune.lora_r: 16 -> 4"));
}

TEST(Config, TemplatesAreValid) {
  for (const char* name : {"smollm2", "lab", "paper", "openai"}) {
    const std::string text = config_template(name);
    ASSERT_FALSE(text.empty()) << name;
    EXPECT_EQ(fault(text), "") << name;
  }
}

TEST(Config, PaperHasThePapersSettings) {
  const Config config = load_config(std::string(ITERALIGN_SOURCE_DIR) + "/configs/paper.yaml", {});
  EXPECT_EQ(config.red_team.per_iteration, 20);
  EXPECT_EQ(config.respond.max_new_tokens, 500);
  EXPECT_DOUBLE_EQ(config.respond.frequency_penalty, 0.5);
  EXPECT_DOUBLE_EQ(config.finetune.options.learning_rate, 2e-6);
  EXPECT_EQ(config.finetune.method, "full");
  EXPECT_FALSE(config.judge.see_prompt);
}

// ITERALIGN_UPDATE_DOCS=1 writes the page anew.
TEST(Config, ReferencePageIsUpToDate) {
  const std::string path = std::string(ITERALIGN_SOURCE_DIR) + "/docs/configuration.md";
  if (std::getenv("ITERALIGN_UPDATE_DOCS") != nullptr) write_file_atomic(path, configuration_reference());
  EXPECT_EQ(read_file(path), configuration_reference()) << "run this test with ITERALIGN_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace iteralign
