#include "offline/request_log.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Lines are added to what is there, so it must be a log of ours.
void refuse_other_file(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return;  // not there yet, or a device
  std::array<char, 1024> line{};                        // longer than one of ours
  std::ifstream there(path);
  there.getline(line.data(), line.size());
  if (there.gcount() == 0) return;  // empty
  const Json record = Json::parse(line.data(), nullptr, /*allow_exceptions=*/false);
  const bool ours = record.is_object() && record.contains("time") && record.contains("body") && record.contains("asked");
  if (!ours) throw Error(ErrorKind::usage, "is there already, and is no request log", path, "name another file for the request log");
}

}  // namespace

RequestLog::RequestLog(const std::string& path) {
  if (path.empty()) return;
  refuse_other_file(path);
  file_.open(path, std::ios::app);
  if (!file_) throw Error(ErrorKind::failed, "the request log cannot be written", path, "does its folder exist?");
}

void RequestLog::add(std::uint64_t body_hash, int asked, const std::string& fault) {
  if (file_.is_open())
    file_ << dump_json({{"time", utc_now()}, {"body", fmt::format("{:016x}", body_hash)}, {"asked", asked}, {"fault", fault}}) << "\n"
          << std::flush;
}

}  // namespace iteralign
