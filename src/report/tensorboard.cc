#include "report/tensorboard.h"

#include <array>
#include <bit>

namespace iteralign {
namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// Fields of a protocol buffer: the key is the number and the wire type.
std::string int_field(int number, std::int64_t value) { return varint(number << 3 | 0) + varint(static_cast<std::uint64_t>(value)); }
std::string double_field(int number, double value) { return varint(number << 3 | 1) + little_endian(std::bit_cast<std::uint64_t>(value)); }
std::string float_field(int number, float value) { return varint(number << 3 | 5) + little_endian(std::bit_cast<std::uint32_t>(value)); }
std::string bytes_field(int number, std::string_view bytes) { return varint(number << 3 | 2) + varint(bytes.size()) + std::string(bytes); }

std::string record(const std::string& event) {
  const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
  return length + little_endian(masked_crc32c(length)) + event + little_endian(masked_crc32c(event));
}

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return std::rotr(~crc, 15) + 0xA282EAD8u;
}

std::string tensorboard_version_record(double wall_time) { return record(double_field(1, wall_time) + bytes_field(3, "brain.Event:2")); }

std::string tensorboard_scalar_record(double wall_time, std::int64_t step, std::string_view tag, float value) {
  const std::string scalar = bytes_field(1, tag) + float_field(2, value);
  return record(double_field(1, wall_time) + int_field(2, step) + bytes_field(5, bytes_field(1, scalar)));
}

}  // namespace iteralign
