#pragma once
// TensorBoard event files: records of protocol buffers with checksums, encoded by hand.
// Format: tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto of TensorFlow.

#include <cstdint>
#include <string>
#include <string_view>

namespace iteralign {

// The first record of a file.
std::string tensorboard_version_record(double wall_time);

// One scalar, at a global step; wall_time in Unix seconds.
std::string tensorboard_scalar_record(double wall_time, std::int64_t step, std::string_view tag, float value);

// CRC-32C (Castagnoli), rotated and offset as the format wants it.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace iteralign
