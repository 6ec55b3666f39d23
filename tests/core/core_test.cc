#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <set>

#include "core/files.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/strings.h"
#include "core/task_pool.h"
#include "iteralign/error.h"
#include "iteralign/records.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

std::string scratch(const std::string& name) {
  static const TemporaryFolder folder;  // of this process: tests run side by side
  return folder.file(name);
}

TEST(Error, JoinsPlaceCauseAndMend) {
  const Error error(ErrorKind::data, "is cut short", "a.json:3", "fetch it again");
  EXPECT_STREQ(error.what(), "a.json:3: is cut short (fetch it again)");
  EXPECT_EQ(error.exit_code(), 3);
}

TEST(Files, WritesAtomicallyAndReadsBack) {
  const auto path = scratch("file");
  write_file_atomic(path, "one");
  write_file_atomic(path, std::string("two\0three", 9));
  EXPECT_EQ(read_file(path), std::string("two\0three", 9));
  EXPECT_THROW(read_file(scratch("missing")), Error);
  EXPECT_THROW(write_file_atomic(scratch("no/such/folder"), "x"), Error);
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const auto path = scratch("kept");
  write_file_atomic(path, "old");
  const auto pending = path + ".pending" + std::to_string(::getpid());
  std::filesystem::create_directories(pending);  // in the way of the file that is written first
  EXPECT_THROW(write_file_atomic(path, "new"), Error);
  EXPECT_EQ(read_file(path), "old");
  std::filesystem::remove(pending);
}

TEST(Files, ReadsGzipAndPlainAlikeAndRefusesACutFile) {
  const auto path = scratch("text.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  const std::string text(100000, 'x');
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(read_file_gz(path), text);
  const auto packed = read_file(path);
  write_file_atomic(path, packed.substr(0, packed.size() / 2));
  EXPECT_THROW(read_file_gz(path), Error);
  write_file_atomic(path, "plain");
  EXPECT_EQ(read_file_gz(path), "plain");
}

TEST(Files, APendingFolderIsThereWholeOrNotAtAll) {
  const auto folder = scratch("folder");
  std::filesystem::remove_all(folder);
  { PendingDirectory pending(folder); }
  EXPECT_FALSE(exists(folder));
  for (const char* content : {"first", "second"}) {
    PendingDirectory pending(folder);
    write_file_atomic(join_path(pending.path(), "a"), content);
    pending.commit();
    EXPECT_EQ(read_file(join_path(folder, "a")), content);
  }
}

TEST(Files, ALockHeldByAnotherIsAnError) {
  const FileLock lock(scratch("lock"), "this run");
  EXPECT_THROW(FileLock(scratch("lock"), "this run"), Error);
}

TEST(Files, SplitsLinesWithEitherEnd) {
  EXPECT_THAT(split_lines("a\r\nb\n\nc"), ::testing::ElementsAre("a", "b", "", "c"));
  EXPECT_TRUE(split_lines("").empty());
}

TEST(Json, NamesFileAndLineOfAFault) {
  try {
    parse_json("{\n\"a\": 1,\n}", "x.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "x.json:3");
  }
}

TEST(Json, WritesTextThatIsNotUtf8) { EXPECT_EQ(dump_json(Json(std::string("a\xff"))), "\"a\xEF\xBF\xBD\""); }

TEST(Hash, KnownValues) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hash128_hex("abc").size(), 32U);
  EXPECT_NE(hash64("abc"), hash64("abc", 1));
}

TEST(Random, IsTheSameEverywhere) {
  Random random(0);  // SplitMix64's published sequence for seed 0
  EXPECT_EQ(random.next(), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(random.next(), 0x6e789e6aa1b965f4ULL);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.uniform();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

TEST(Strings, Nearest) {
  EXPECT_EQ(nearest("finetune.learning_rat", {"finetune.lora_r", "finetune.learning_rate"}), "finetune.learning_rate");
  EXPECT_EQ(nearest("zzz", {"finetune.lora_r"}), "");
}

TEST(Strings, WordsKeepInnerApostrophes) {
  EXPECT_THAT(words("I can't, 'really' won't!"), ::testing::ElementsAre("i", "can't", "really", "won't"));
}

TEST(Strings, ShortenNeverCutsACharacter) { EXPECT_EQ(shorten("aé", 2), "a…"); }

TEST(Log, KeysAreRedacted) {
  EXPECT_EQ(redact("key sk-abcdefghijkl and Bearer abc.def"), "key [redacted] and [redacted]");
  for (const std::string start : {"hf_", "gsk_", "xai-", "ghp_", "AIza", "nvapi-", "pplx-"})
    EXPECT_EQ(redact("https://h/" + start + "A1b2C3d4E5f6G7h8I9j0K1/v1"), "https://h/[redacted]/v1") << start;
  EXPECT_EQ(redact("risk-management task-description hf_cache_directory_of_models"),
            "risk-management task-description hf_cache_directory_of_models");
}

TEST(Progress, WhatEndsAtOnceIsNotShown) {
  const auto shown = [](double quiet_s) {
    testing::internal::CaptureStderr();
    { Progress("read", 3, "files", quiet_s).add(3); }
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(shown(1e6), "");
  EXPECT_THAT(shown(0), HasSubstr("3/3 files"));
}

TEST(Records, WilsonMatchesPublishedValues) {
  const Rate rate = wilson_rate(10, 100);  // 0.0552, 0.1744: Newcombe 1998 gives such values to four digits
  EXPECT_NEAR(rate.low, 0.05523, 1e-4);
  EXPECT_NEAR(rate.high, 0.17437, 1e-4);
  EXPECT_EQ(wilson_rate(0, 0).high, 1.0);
  for (const int n : {20, 98, 110}) {
    EXPECT_EQ(wilson_rate(0, n).low, 0.0);
    EXPECT_EQ(wilson_rate(n, n).high, 1.0);
  }
}

TEST(Records, NamesComeBack) {
  std::set<std::string> sets;
  for (const PromptSet set : all_prompt_sets()) sets.insert(name(set));
  EXPECT_EQ(sets.size(), 15u);
  for (const auto label : {Label::negative, Label::positive, Label::unjudged}) EXPECT_EQ(named<Label>(name(label)), label);
  EXPECT_EQ(named<UnjudgedReason>("undecided"), UnjudgedReason::undecided);
  EXPECT_EQ(named<FinishReason>("too_long"), FinishReason::too_long);
  EXPECT_EQ(named<PairKind>("Revision"), std::nullopt);
}

TEST(Records, ThePromptsIdIsThatOfItsMessages) {
  EXPECT_EQ(prompt_id({{"user", "a"}}), prompt_id({{"user", "a"}}));
  EXPECT_NE(prompt_id({{"user", "a"}}), prompt_id({{"user", "b"}}));
}

TEST(TaskPool, DoesEverythingAndRethrowsTheFirstError) {
  std::atomic<int> done = 0;
  {
    TaskPool pool(4);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
    pool.wait();
  }
  EXPECT_EQ(done, 100);
  TaskPool pool(2);
  pool.submit([] { throw Error(ErrorKind::remote, "unauthorised"); });
  EXPECT_THROW(pool.wait(), Error);
  EXPECT_TRUE(pool.failed());
}

TEST(CheckDeathTest, ABugAborts) { EXPECT_DEATH(ITERALIGN_CHECK(1 == 2, "impossible"), HasSubstr("impossible")); }

}  // namespace
}  // namespace iteralign
