#include "formats/safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "core/files.h"
#include "expect_error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

std::string with_header(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + data;
}

class Safetensors : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return join_path(folder_.path(), "model.safetensors"); }
  void write(const std::string& content) const { std::ofstream(path(), std::ios::binary) << content; }
  void expect_refused(const std::string& content, const std::string& rule) const {
    write(content);
    expect_error([&] { SafetensorsFile file(path()); }, {path(), rule});
  }

  TemporaryFolder folder_;
};

std::vector<float> floats(const TensorView& view) {
  std::vector<float> values(view.bytes.size() / sizeof(float));
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

TensorSource source(const std::string& name, DType dtype, std::vector<std::int64_t> shape, const std::string& bytes) {
  return {name, dtype, std::move(shape), [&bytes] { return std::as_bytes(std::span(bytes)); }};
}

const std::string kMinimal =
    with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  )", std::string("\0\0\x80\x3f\0\0\0\xc0", 8));

TEST_F(Safetensors, ReadsTheSmallestFile) {
  ASSERT_EQ(kMinimal.size(), 72u);
  write(kMinimal);
  const SafetensorsFile file(path());
  ASSERT_EQ(file.tensors().size(), 1u);
  const auto& a = file.tensors().at("a");
  EXPECT_EQ(a.dtype, DType::f32);
  EXPECT_EQ(a.shape, std::vector<std::int64_t>{2});
  EXPECT_EQ(floats(a), (std::vector<float>{1.0f, -2.0f}));
}

TEST_F(Safetensors, ReadsScalarsEmptyTensorsAndMetadata) {
  write(with_header(R"({"__metadata__":{"format":"pt"},"s":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
                    R"("none":{"dtype":"F16","shape":[3,0],"data_offsets":[2,2]}})",
                    "\x80\x3f"));
  const SafetensorsFile file(path());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_TRUE(file.tensors().at("s").shape.empty());
  EXPECT_EQ(file.tensors().at("none").bytes.size(), 0u);
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kMinimal.size(); ++size) {
    write(kMinimal.substr(0, size));
    EXPECT_THROW(SafetensorsFile file(path()), Error) << size;
  }
}

TEST_F(Safetensors, EveryRuleIsNamed) {
  expect_refused("1234", "fewer than the 8");
  expect_refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "above 100000000");
  expect_refused(kMinimal.substr(0, 20), "the file ends after 12");
  expect_refused(with_header(" {}", ""), "does not begin with '{'");
  expect_refused(with_header("", ""), "does not begin with '{'");
  expect_refused(with_header("{\"a\":", ""), "not JSON");
  expect_refused(with_header("{\"\xff\":1}", ""), "not JSON");
  expect_refused(
      with_header(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", "x"),
      "\"a\" twice");
  expect_refused(with_header(R"({"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}})", "x"), "\"dtype\" twice");
  expect_refused(with_header(R"({"__metadata__":{"n":1}})", ""), "not a string");
  expect_refused(with_header(R"({"__metadata__":[]})", ""), "not an object");
  expect_refused(with_header(R"({"a":1})", ""), "\"a\" is not described");
  expect_refused(with_header(R"({"a":{"shape":[],"data_offsets":[0,1]}})", "x"), "no \"dtype\"");
  expect_refused(with_header(R"({"a":{"dtype":"F8_E4M3","shape":[],"data_offsets":[0,1]}})", "x"), "F8_E4M3, which is not supported");
  expect_refused(with_header(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", "x"), "no list \"shape\"");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "x"), "non-negative");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", "x"), "non-negative");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]}})", "x"), "overflows");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "x"), "not 2");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", "x"), "ends before it begins");
  expect_refused(with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2]}})", "xx"), "but 4 by its shape");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xx"), "begins at byte 1");  // hole
  expect_refused(
      with_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", "xxx"),
      "\"b\" begins at byte 1, not where");  // overlap
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "x"), "only 1 bytes");
  expect_refused(with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "xx"), "1 bytes behind the last tensor");
}

TEST_F(Safetensors, AMissingFileIsNamed) {
  expect_error([&] { SafetensorsFile file(path()); }, {path(), "No such file"});
}

TEST_F(Safetensors, WritesAsTheReferenceWriter) {
  const std::string two = "12", four = "1234", eight = "12345678";
  write_safetensors(path(), {source("z", DType::f16, {1}, two), source("b", DType::f32, {1}, four), source("c", DType::bf16, {1}, two),
                             source("a", DType::f32, {2, 1}, eight)});
  const std::string file = read_file(path());
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"c":{"dtype":"BF16","shape":[1],"data_offsets":[12,14]},)"
      R"("z":{"dtype":"F16","shape":[1],"data_offsets":[14,16]}})";
  EXPECT_EQ(file.substr(8, header.size()), header);
  EXPECT_EQ((file.size() - 16) % 8, 0u);
  EXPECT_EQ(file.substr(file.size() - 16), eight + four + two + two);
  EXPECT_EQ(SafetensorsFile(path()).tensors().size(), 4u);
}

TEST_F(Safetensors, AFailedWriteLeavesTheOldFile) {
  write(kMinimal);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{1000, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string bytes(100'000, 'x');
  expect_error([&] { write_safetensors(path(), {source("a", DType::u8, {100'000}, bytes)}); }, {path(), "cannot write"}, ErrorKind::failed);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_EQ(read_file(path()), kMinimal);
  EXPECT_EQ(list_files(folder_.path()).size(), 1u);
}

}  // namespace
}  // namespace iteralign
