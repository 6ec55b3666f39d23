#include "core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <regex>

#include "core/terminal_text.h"

namespace iteralign {
namespace {

std::atomic<LogLevel> current_level{LogLevel::normal};

spdlog::logger& terminal() {
  static spdlog::logger logger = [] {
    spdlog::logger made("stderr", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%v");
    return made;
  }();
  return logger;
}

std::shared_ptr<spdlog::logger>& file() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

}  // namespace

void set_log_level(LogLevel level) { current_level = level; }

bool log_shows(LogLevel level) { return level <= current_level.load(); }

void open_log_file(const std::string& path) {
  auto logger = std::make_shared<spdlog::logger>("file", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S %v");
  logger->flush_on(spdlog::level::info);
  file() = logger;
}

void log_line(LogLevel level, std::string_view line) {
  const std::string safe = terminal_text(redact(line));
  if (log_shows(level)) terminal().info(safe);
  if (file()) file()->info(safe);
}

std::string redact(std::string_view text) {
  static const std::regex key(
      R"(\b(sk-[A-Za-z0-9_-]{8,}|(hf_|gsk_|xai-|ghp_)[A-Za-z0-9]{20,}|(AIza|nvapi-|pplx-)[A-Za-z0-9_-]{20,}|[Bb]earer\s+[A-Za-z0-9._~+/=-]+))");
  return std::regex_replace(std::string(text), key, "[redacted]");
}

}  // namespace iteralign
