#include "core/memory.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "core/files.h"
#include "core/strings.h"

namespace iteralign {
namespace {

// The number behind `key`, or at the beginning where there is none; nothing for "max" and for a file that is not there.
std::optional<std::int64_t> number_in(const std::string& path, std::string_view key = {}) {
  if (!exists(path)) return std::nullopt;
  const std::string text = read_file(path);
  for (std::string_view line : split_lines(text)) {
    if (!line.starts_with(key)) continue;
    line = trim(line.substr(key.size()));
    std::int64_t number = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc()) return number;
  }
  return std::nullopt;
}

struct GroupFiles {
  const char *limit, *used, *statistics, *cached;
};
constexpr GroupFiles kGroups[] = {{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "file "},
                                  {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
                                   "/sys/fs/cgroup/memory/memory.stat", "total_cache "}};

}  // namespace

std::optional<std::int64_t> available_memory(const std::string& root) {
  constexpr std::int64_t kKilobyte = 1024;
  auto left = number_in(root + "/proc/meminfo", "MemAvailable:");
  if (left) *left *= kKilobyte;
  for (const GroupFiles& group : kGroups) {
    const auto limit = number_in(root + group.limit), used = number_in(root + group.used);
    if (!limit || !used) continue;
    const std::int64_t in_group = *limit - *used + number_in(root + group.statistics, group.cached).value_or(0);
    left = std::min(left.value_or(in_group), in_group);
  }
  return left;
}

}  // namespace iteralign
