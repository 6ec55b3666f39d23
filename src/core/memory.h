#pragma once
// The memory that the machine has left.

#include <cstdint>
#include <optional>
#include <string>

namespace iteralign {

// Bytes that can still be taken: MemAvailable of /proc/meminfo, or what the control group (version 2 or 1) leaves where that is less; its
// files in the page cache can be given up and count as free. Nothing where the machine does not say. `root`: where /proc and /sys lie.
std::optional<std::int64_t> available_memory(const std::string& root = "");

}  // namespace iteralign
