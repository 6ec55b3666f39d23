#include "core/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"

namespace fs = std::filesystem;

namespace iteralign {
namespace {

using ::testing::HasSubstr;

class OutputsTest : public ::testing::Test {
 protected:
  OutputsTest() {
    for (const char* name : {"model", "stranger", "empty"}) make_directories(at(name));
    write("model/model.safetensors", "weights");
    write("stranger/notes.txt", "mine");
    write("data.jsonl", "data");
  }
  [[nodiscard]] std::string at(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const { write_file_atomic(at(name), text); }

  // What is said against it; "" when it is let through.
  static std::string against_folder(const std::string& path, const OutputRules& rules) {
    try {
      const OutputFolder out(path, rules);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
      return error.what();
    }
    return "";
  }
  static std::string against_file(const std::string& path, const OutputRules& rules) {
    try {
      check_output_file(path, rules);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
      return error.what();
    }
    return "";
  }
  // Writes a model there.
  static void put_model(const std::string& path, const OutputRules& rules) {
    OutputFolder out(path, rules);
    make_directories(join_path(out.path(), "templates"));
    write_file_atomic(join_path(out.path(), "model.safetensors"), "new");
    write_file_atomic(join_path(out.path(), "templates/a.jinja"), "new");
    out.commit();
  }

  TemporaryFolder folder_;
};

TEST_F(OutputsTest, AFolderAppearsWholeOrNotAtAll) {
  {
    const OutputFolder out(at("new/deep/"), {});
    make_directories(out.path());
    write_file_atomic(join_path(out.path(), "half"), "");
  }
  EXPECT_FALSE(exists(at("new/deep")));
  EXPECT_TRUE(fs::is_empty(at("new")));
  for (const char* path : {"new/deep/", "empty"}) {
    put_model(at(path), {});
    EXPECT_EQ(list_files(at(path)).size(), 2u) << path;
  }
}

TEST_F(OutputsTest, WhatIsThereIsRefusedAndSurvives) {
  EXPECT_THAT(against_folder(at("stranger"), {}), HasSubstr("--overwrite"));
  EXPECT_THAT(against_folder(at("data.jsonl"), {.overwrite = true}), HasSubstr("no folder"));
  EXPECT_THAT(against_folder(at("data.jsonl/x"), {.overwrite = true}), HasSubstr("is a file"));
  EXPECT_THAT(against_folder("", {}), HasSubstr("no name"));
  EXPECT_THAT(against_file(at("data.jsonl"), {}), HasSubstr("--overwrite"));
  EXPECT_THAT(against_file(at("empty"), {.overwrite = true}), HasSubstr("no file"));
  EXPECT_THAT(against_file("/dev/null", {.overwrite = true}), HasSubstr("no file"));
  EXPECT_THAT(against_file(at("missing/x.gguf"), {}), HasSubstr("no folder"));
  EXPECT_EQ(against_file(at("data.jsonl"), {.overwrite = true}), "");
  fs::create_symlink(at("nowhere"), at("dangling"));
  EXPECT_NE(against_file(at("dangling"), {}), "");
  EXPECT_NE(against_folder(at("dangling"), {}), "");
  EXPECT_EQ(read_file(at("stranger/notes.txt")), "mine");
}

TEST_F(OutputsTest, OverwritingReplacesOnlyFilesOfItsNames) {
  write("stranger/model.safetensors", "old");
  make_directories(at("stranger/templates"));
  write("stranger/templates/mine.jinja", "mine");
  put_model(at("stranger"), {.overwrite = true});
  EXPECT_EQ(read_file(at("stranger/model.safetensors")), "new");
  EXPECT_EQ(read_file(at("stranger/templates/a.jinja")), "new");
  EXPECT_EQ(read_file(at("stranger/templates/mine.jinja")), "mine");
  EXPECT_EQ(read_file(at("stranger/notes.txt")), "mine");
}

TEST_F(OutputsTest, OldShardsGoWithTheModelThatReplacesThem) {
  write("stranger/model-00001-of-00002.safetensors", "old");
  put_model(at("stranger"), {.overwrite = true, .superseded = {"model-*-of-*.safetensors"}});
  EXPECT_FALSE(exists(at("stranger/model-00001-of-00002.safetensors")));
  EXPECT_EQ(read_file(at("stranger/notes.txt")), "mine");
  write("stranger/adapter_config.json", "{}");
  EXPECT_THAT(against_folder(at("stranger"), {.overwrite = true, .never_beside = {"adapter_*"}}), HasSubstr("adapter_config.json"));
}

TEST_F(OutputsTest, LinksAreReplacedNeverFollowed) {
  fs::create_symlink(at("model/model.safetensors"), at("stranger/model.safetensors"));
  fs::create_directory_symlink(at("model"), at("stranger/templates"));
  put_model(at("stranger"), {.overwrite = true});
  EXPECT_EQ(read_file(at("model/model.safetensors")), "weights");
  EXPECT_FALSE(exists(at("model/a.jinja")));
  EXPECT_EQ(read_file(at("stranger/templates/a.jinja")), "new");
}

TEST_F(OutputsTest, AFolderInTheWayOfAFileIsFoundBeforeTheWork) {
  make_directories(at("stranger/config.json"));
  EXPECT_THAT(against_folder(at("stranger"), {.overwrite = true}), HasSubstr("config.json"));
}

TEST_F(OutputsTest, NoOutputIsAnInputOrAboveOne) {
  const OutputRules rules{.inputs = {"", at("model"), at("data.jsonl"), at("absent")}, .overwrite = true};
  fs::create_directory_symlink(at("model"), at("link"));
  fs::create_hard_link(at("data.jsonl"), at("hard.jsonl"));
  fs::create_directory_symlink(at(""), at("empty/up"));
  for (const char* path : {"", "model", "model/", "model/../model/.", "link", "empty/up", "empty/up/model"})
    EXPECT_NE(against_folder(at(path), rules), "") << path;
  for (const char* path : {"data.jsonl", "hard.jsonl", "./data.jsonl", "empty/up/data.jsonl", "model/model.safetensors"})
    EXPECT_NE(against_file(at(path), rules), "") << path;
  EXPECT_EQ(against_folder(at("model/export"), rules), "");  // new inside an input: nothing of it is lost
  EXPECT_EQ(against_file(at("model/model.gguf"), rules), "");
  make_directories(at("model/export"));
  write("model/export/mine", "");
  EXPECT_THAT(against_folder(at("model/export"), rules), HasSubstr("is a part of"));
}

TEST_F(OutputsTest, TheFilesBehindAModelOfLinksAreItsInputs) {
  make_directories(at("snapshot"));
  fs::create_symlink(at("model/model.safetensors"), at("snapshot/model.safetensors"));
  const OutputRules rules{.inputs = {at("snapshot")}, .overwrite = true};
  EXPECT_NE(against_file(at("model/model.safetensors"), rules), "");
  EXPECT_NE(against_folder(at("model"), rules), "");
}

}  // namespace
}  // namespace iteralign
