#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/files.h"
#include "expect_error.h"
#include "formats/gguf_dequant.h"
#include "gguf_builder.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

class Gguf : public testing::Test {
 protected:
  GgufFile open(const std::string& content) const {
    std::ofstream(path(), std::ios::binary) << content;
    return GgufFile(path());
  }
  void expect_refused(const std::string& content, const std::string& message) const {
    expect_error([&] { open(content); }, {path(), message});
  }
  [[nodiscard]] std::string path() const { return folder_.file("m.gguf"); }

  TemporaryFolder folder_;
};

GgufBuilder small() {
  GgufBuilder builder;
  builder.u32("a.count", 7).f32("a.eps", 0.5f).flag("a.flag", true).string("a.name", "x y").strings("a.words", {"p", "", "q"});
  builder.i32s("a.types", {1, -3}).f32s("a.scores", {1.5f}).f32_tensor("t", {3, 2}, {1, 2, 3, 4, 5, 6}).f32_tensor("u", {1}, {9});
  return builder;
}

TEST_F(Gguf, ReadsBothVersions) {
  for (const std::uint32_t version : {2u, 3u}) {
    const GgufFile file = open(small().build(version));
    EXPECT_EQ(file.integer("a.count"), 7);
    EXPECT_EQ(file.number("a.eps"), 0.5);
    EXPECT_EQ(file.integer("a.flag"), 1);
    EXPECT_EQ(file.text("a.name"), "x y");
    EXPECT_EQ(file.texts("a.words"), (std::vector<std::string>{"p", "", "q"}));
    EXPECT_EQ(file.integers("a.types"), (std::vector<std::int64_t>{1, -3}));
    EXPECT_EQ(file.numbers("a.scores"), std::vector<double>{1.5});
    ASSERT_EQ(file.tensors().size(), 2u);
    const GgufTensor* t = file.find("t");
    ASSERT_NE(t, nullptr);
    EXPECT_EQ(t->shape, (std::vector<std::int64_t>{2, 3}));
    std::vector<float> values(6);
    dequantize(*t, values, path());
    EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(file.find("v"), nullptr);
  }
}

class SplitGguf : public Gguf {
 protected:
  // The parts as gguf-split writes them: the metadata of the model are in the first alone.
  void put(int number, GgufBuilder builder) const {
    builder.u32("split.no", static_cast<std::uint32_t>(number)).u32("split.count", 2).u32("split.tensors.count", 2);
    std::ofstream(part(number), std::ios::binary) << builder.build();
  }
  [[nodiscard]] std::string part(int number) const { return folder_.file(number == 0 ? "m-00001-of-00002.gguf" : "m-00002-of-00002.gguf"); }
  void put_both() const {
    put(0, GgufBuilder().string("a.name", "x").f32_tensor("t", {2}, {1, 2}));
    put(1, GgufBuilder().f32_tensor("u", {1}, {3}));
  }
};

TEST_F(SplitGguf, EitherPartIsTheWholeModel) {
  put_both();
  for (const int number : {0, 1}) {
    const GgufFile file(part(number));
    EXPECT_EQ(file.text("a.name"), "x");
    ASSERT_EQ(file.tensors().size(), 2u);
    std::vector<float> values(2);
    dequantize(*file.find("t"), values, "t");
    EXPECT_EQ(values, (std::vector<float>{1, 2}));
    values.resize(1);
    dequantize(*file.find("u"), values, "u");
    EXPECT_EQ(values[0], 3);
  }
}

TEST_F(SplitGguf, WhatIsMissingIsNamed) {
  put_both();
  std::filesystem::rename(part(1), path());
  expect_error([&] { GgufFile file(part(0)); }, {part(0), part(1), "2 parts", "fetch all parts"});
  expect_error([&] { GgufFile file(path()); }, {path(), "part 2 of 2", "not in its name", "-00002-of-00002.gguf"});
  put(1, GgufBuilder());
  expect_error([&] { GgufFile file(part(0)); }, {"1 tensors together, and should have 2"});
  put(1, GgufBuilder().f32_tensor("t", {1}, {3}));
  expect_error([&] { GgufFile file(part(0)); }, {"\"t\" is there twice"});
}

TEST_F(Gguf, AGitLfsPointerIsNoGgufFile) {
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull");
}

TEST_F(Gguf, GettersNameTheKey) {
  const GgufFile file = open(small().build());
  expect_error([&] { (void)file.integer("b"); }, {path(), "no metadata key b"});
  expect_error([&] { (void)file.integer("a.name"); }, {"a.name is not an integer"});
  expect_error([&] { (void)file.number("a.count"); }, {"a.count is not a floating point number"});
  expect_error([&] { (void)file.texts("a.types"); }, {"a.types is not an array of strings"});
}

TEST_F(Gguf, EveryTruncationIsRefused) {
  const std::string whole = small().build();
  const std::size_t last_byte = whole.size() - 32 + 4;  // the padding behind the last tensor may be missing
  for (std::size_t size = 0; size < last_byte; ++size) EXPECT_THROW(open(whole.substr(0, size)), Error) << size;
  EXPECT_NO_THROW(open(whole.substr(0, last_byte)));
}

TEST_F(Gguf, EveryRuleIsNamed) {
  using B = GgufBuilder;
  const std::string header = "GGUF" + B::raw<std::uint32_t>(3);
  expect_refused("PK\3\4 and so on", "does not begin with \"GGUF\"");
  expect_refused("", "does not begin with");
  expect_refused(small().build(1), "version 1");
  expect_refused(small().build(0x03000000), "big-endian");
  expect_refused(header + B::raw(~0ull) + B::raw(0ull), "in the middle of the header");
  expect_refused(header + B::raw(0ull) + B::raw(~0ull), "in the middle of the header");
  expect_refused(header + B::raw(0ull) + B::raw(1ull) + B::raw(1ull << 40) + std::string(20, 'x'), "the name of metadata key 1");
  expect_refused(B().key("k", 13, "xxxx").build(), "key \"k\" has a value of the unknown type 13");
  expect_refused(B().key("k", 9, B::raw(13u) + B::raw(1ull) + "x").build(), "elements of the unknown type 13");
  expect_refused(B().key("k", 9, B::raw(8u) + B::raw(1ull << 60)).build(), "the value of metadata key \"k\"");
  expect_refused(B().key("k", 9, B::raw(6u) + B::raw(1ull << 60)).build(), "the value of metadata key \"k\"");
  expect_refused(B().u32("k", 1).u32("k", 2).build(), "\"k\" is there twice");
  expect_refused(B().f32_tensor("t", {1}, {1}).f32_tensor("t", {1}, {1}).build(), "\"t\" is there twice");
  expect_refused(B().u32("general.alignment", 33).build(), "general.alignment is 33");
  expect_refused(B().tensor("t", {1, 1, 1, 1, 1}, 0, "1234").build(), "5 dimensions");
  expect_refused(B().tensor("t", {0}, 0, "").build(), "impossible shape");
  expect_refused(B().tensor("t", {1ull << 40, 1ull << 40}, 0, "").build(), "impossible shape");
  expect_refused(B().tensor("t", {1}, 99, "1234").build(), "unknown type 99");
  expect_refused(B().tensor("t", {33}, 8, "1234").build(), "not a multiple of 32");
  expect_refused(B().tensor("t", {64}, 0, "1234").build(), "in the middle of tensor \"t\"");
  std::string hole = small().build();  // the second offset is 32: make it 64
  const auto offset = hole.find(B::text("u")) + 8 + 1 + 4 + 8 + 4;
  hole[offset] = 64;
  expect_refused(hole, "tensor \"u\" begins at byte 64 of the data, where 32 is expected");
}

TEST_F(Gguf, RespectsTheAlignmentOfTheFile) {
  GgufBuilder builder;
  builder.u32("general.alignment", 32).f32_tensor("t", {1}, {5});
  const GgufFile file = open(builder.build());
  std::vector<float> value(1);
  dequantize(*file.find("t"), value, path());
  EXPECT_EQ(value[0], 5);
}

// Blocks made by hand: scale 0.5 (f16 0x3800), minimum -1 (f16 0xbc00).
class Dequantize : public Gguf {
 protected:
  std::vector<float> values(std::uint32_t type, const std::string& block, std::uint64_t count = 32) const {
    const GgufFile file = open(GgufBuilder().tensor("t", {count}, type, block).build());
    std::vector<float> out(count);
    dequantize(*file.find("t"), out, path());
    return out;
  }
  const std::string scale_{"\x00\x38", 2}, minimum_{"\x00\xbc", 2};
};

// Byte i of the 4-bit quants holds value i (low half) and value i + 16 (high half); here i and 15 - i.
std::string nibbles() {
  std::string bytes;
  for (int i = 0; i < 16; ++i) bytes += static_cast<char>(i | (15 - i) << 4);
  return bytes;
}

TEST_F(Dequantize, Q8_0) {
  std::string quants;
  for (int i = 0; i < 32; ++i) quants += static_cast<char>(4 * i - 128);
  const auto out = values(8, scale_ + quants);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], 0.5f * static_cast<float>(4 * i - 128));
}

TEST_F(Dequantize, Q4_0AndQ4_1) {
  const auto q4_0 = values(2, scale_ + nibbles()), q4_1 = values(3, scale_ + minimum_ + nibbles());
  for (std::size_t i = 0; i < 32; ++i) {
    const float q = i < 16 ? static_cast<float>(i) : static_cast<float>(31 - i);
    EXPECT_EQ(q4_0[i], 0.5f * (q - 8));
    EXPECT_EQ(q4_1[i], 0.5f * q - 1);
  }
}

TEST_F(Dequantize, Q5_0AndQ5_1) {
  const std::string high("\x05\x00\x00\x80", 4);  // values 0, 2 and 31 have the fifth bit
  const auto q5_0 = values(6, scale_ + high + nibbles()), q5_1 = values(7, scale_ + minimum_ + high + nibbles());
  for (std::size_t i = 0; i < 32; ++i) {
    const float q = (i < 16 ? static_cast<float>(i) : static_cast<float>(31 - i)) + (i == 0 || i == 2 || i == 31 ? 16.0f : 0.0f);
    EXPECT_EQ(q5_0[i], 0.5f * (q - 16));
    EXPECT_EQ(q5_1[i], 0.5f * q - 1);
  }
}

TEST_F(Dequantize, F16AndBF16) {
  EXPECT_EQ(values(1, std::string("\x00\x3c\x00\xc0", 4), 2), (std::vector<float>{1, -2}));
  EXPECT_EQ(values(30, std::string("\x80\x3f\x00\xc0", 4), 2), (std::vector<float>{1, -2}));
}

// Where the parts of one value lie; tests/peers/test_import.py compares whole random blocks of every K type.
TEST_F(Dequantize, Q6_KAndQ4_K) {
  const auto at_value = [&](std::uint32_t type, std::string block, std::size_t i) { return values(type, block, 256)[i]; };
  // Q6_K: value 200 lies in the second half, part 2, place 8: low bits in the high half of byte 64 + 8, high bits 4 and 5 of byte 32 + 8.
  std::string q6(210, '\0');
  q6[64 + 8] = '\x30';
  q6[128 + 32 + 8] = '\x20';
  q6[192 + 12] = '\x03';
  q6.replace(208, 2, scale_);
  EXPECT_EQ(at_value(14, q6, 200), 0.5f * 3 * (3 + 2 * 16 - 32));
  // Q4_K: value 70 is in sub-block 2; its scale 5 and minimum 7 are bytes 2 and 6 of the scales.
  std::string q4 = scale_ + minimum_ + std::string(140, '\0');
  q4[4 + 2] = 5;
  q4[4 + 6] = 7;
  q4[16 + 32 + 6] = 9;
  EXPECT_EQ(at_value(12, q4, 70), 0.5f * 5 * 9 + 7);
}

TEST_F(Dequantize, OtherTypesAreNamed) {
  expect_error([&] { values(16, std::string(66, 'x'), 256); }, {path(), "tensor t has the type IQ2_XXS", "Q8_0", "Q6_K"});
}

}  // namespace
}  // namespace iteralign
