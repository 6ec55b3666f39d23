#include "report/tensorboard.h"

#include <gtest/gtest.h>

namespace iteralign {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
    text += digits;
  }
  return text;
}

TEST(Tensorboard, Checksum) { EXPECT_EQ(masked_crc32c("123456789"), 0xC78AB0E5u); }

TEST(Tensorboard, GoldenBytes) {
  EXPECT_EQ(hex(tensorboard_version_record(0.0)), "1800000000000000a37f4b220900000000000000001a0d627261696e2e4576656e743a32eedf28a3");
  EXPECT_EQ(hex(tensorboard_scalar_record(0.0, 1, "train/loss", 1.5f)),
            "200000000000000029eda950"
            "09000000000000000010012a130a110a0a747261696e2f6c6f7373150000c03f"
            "7f838582");
}

TEST(Tensorboard, LongStepsTakeSeveralBytes) {
  // 300 is 0xac 0x02 as a varint.
  EXPECT_NE(hex(tensorboard_scalar_record(0.0, 300, "t", 0.0f)).find("10ac022a"), std::string::npos);
}

}  // namespace
}  // namespace iteralign
