#include "core/memory.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

class AMachine : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::string file = folder_.file(path);
    make_directories(file.substr(0, file.rfind('/')));
    write_file_atomic(file, text);
  }
  std::optional<std::int64_t> available() { return available_memory(folder_.path()); }
  TemporaryFolder folder_;
};

TEST_F(AMachine, SaysWhatIsLeft) {
  EXPECT_EQ(available(), std::nullopt);
  write("proc/meminfo", "MemTotal:       24000 kB\nMemFree:          10 kB\nMemAvailable:   20000 kB\n");
  EXPECT_EQ(available(), 20000 * 1024);
}

TEST_F(AMachine, AControlGroupMayLeaveLess) {
  write("proc/meminfo", "MemAvailable:   20000 kB\n");
  write("sys/fs/cgroup/memory.max", "max\n");
  write("sys/fs/cgroup/memory.current", "5000000\n");
  EXPECT_EQ(available(), 20000 * 1024);
  write("sys/fs/cgroup/memory.max", "8000000\n");
  EXPECT_EQ(available(), 3000000);
  write("sys/fs/cgroup/memory.stat", "anon 4000000\nfile 1000000\nfile_mapped 7\n");
  EXPECT_EQ(available(), 4000000);
}

TEST_F(AMachine, AControlGroupOfVersion1) {
  write("proc/meminfo", "MemAvailable:   20000 kB\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9000000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000000\n");
  write("sys/fs/cgroup/memory/memory.stat", "cache 1\ntotal_cache 500000\n");
  EXPECT_EQ(available(), 5500000);
}

}  // namespace
}  // namespace iteralign
