// Files of every schema version that was ever published still open. versions/vN.sql is what `sqlite3 run.db .dump` made of a file of
// version N, with its two PRAGMA lines in front. All of them hold the same small run.

#include <gtest/gtest.h>

#include "core/files.h"
#include "store/run_store.h"
#include "store/sqlite.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

void expect_the_small_run(RunStore& store) {
  EXPECT_EQ(store.meta("seed"), "42");
  ASSERT_EQ(store.prompts(Purpose::red_team).size(), 1u);
  EXPECT_EQ(store.prompts(Purpose::red_team)[0], (Prompt{"00aa", {{"user", "How do I do harm?"}}, "violence", "small.csv:2"}));
  ASSERT_EQ(store.responses(1, Purpose::red_team).size(), 1u);
  EXPECT_EQ(store.responses(1, Purpose::red_team)[0].text, "Like this.");
  EXPECT_EQ(store.verdicts(1, Purpose::red_team).at("00aa").label, Label::negative);
  ASSERT_EQ(store.constitution(1).principles.size(), 1u);
  EXPECT_EQ(store.constitution(1).principles[0], (Principle{"P1", "Do no harm.", "violence", 1, {"00aa"}}));
  ASSERT_EQ(store.revisions(1).size(), 1u);
  EXPECT_EQ(store.revisions(1)[0].principles, std::vector<std::string>{"P1"});
  ASSERT_EQ(store.pairs(1).size(), 1u);
  EXPECT_EQ(store.pairs(1)[0].rejected, "Like this.");
  EXPECT_EQ(store.train_steps(1).size(), 1u);
  ASSERT_EQ(store.iterations().size(), 1u);
  EXPECT_EQ(store.iterations()[0].evaluation.heldout.count, 1);
  EXPECT_EQ(store.reply_cache().find("k1")->text, "negative");
  EXPECT_EQ(store.usage().calls, 1);
}

TEST(StoreVersions, EveryPublishedVersionOpens) {
  const auto files = list_files(std::string(ITERALIGN_SOURCE_DIR) + "/tests/store/versions");
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    const TemporaryFolder folder;
    const std::string path = folder.file("run.db");
    Database(path).execute(read_file(file).c_str());
    {
      RunStore store(path);
      expect_the_small_run(store);
    }
    RunStore again(path);
    expect_the_small_run(again);
  }
}

}  // namespace
}  // namespace iteralign
