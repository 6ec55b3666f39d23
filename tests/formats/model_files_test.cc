#include "formats/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

TEST(ModelFiles, ChangeWithEachFileThatTheModelIsMadeOf) {
  const TemporaryFolder folder;
  ModelOptions model;
  model.path = folder.file("model");
  model.adapter = folder.file("adapter");
  for (const std::string& path : {model.path, model.adapter}) make_directories(path);
  write_file_atomic(join_path(model.path, "config.json"), "{}");
  write_file_atomic(join_path(model.path, "weights-a.safetensors"), "some weights");
  write_file_atomic(join_path(model.path, "notes.txt"), "mine");
  write_file_atomic(join_path(model.adapter, "adapter_config.json"), "{}");
  const auto before = model_file_hashes(model);
  EXPECT_EQ(before.size(), 3u);
  EXPECT_EQ(before, model_file_hashes(model));

  write_file_atomic(join_path(model.path, "notes.txt"), "others");
  EXPECT_EQ(before, model_file_hashes(model));
  write_file_atomic(join_path(model.path, "weights-a.safetensors"), "same weighta");
  write_file_atomic(join_path(model.adapter, "adapter_config.json"), "[]");
  const auto after = model_file_hashes(model);
  EXPECT_EQ(before.at("config.json"), after.at("config.json"));
  EXPECT_NE(before.at("weights-a.safetensors"), after.at("weights-a.safetensors"));
  EXPECT_NE(before.at("adapter/adapter_config.json"), after.at("adapter/adapter_config.json"));
}

TEST(ModelFiles, OfAFileAboveAGibibyteMeetEveryMebibyte) {
  const TemporaryFolder folder;
  ModelOptions model;
  model.path = folder.path();
  const std::string weights = folder.file("model.safetensors");
  write_file_atomic(weights, "head");
  constexpr std::uintmax_t kSize = (std::uintmax_t{1} << 30) + 1;
  std::filesystem::resize_file(weights, kSize);  // sparse: takes no room
  const auto before = model_file_hashes(model);
  std::filesystem::resize_file(weights, kSize + 1);
  const auto longer = model_file_hashes(model);
  EXPECT_NE(before, longer);
  std::FILE* file = std::fopen(weights.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  std::fseek(file, 700 << 20, SEEK_SET);
  std::fputc('x', file);
  std::fclose(file);
  EXPECT_NE(longer, model_file_hashes(model));
}

}  // namespace
}  // namespace iteralign
