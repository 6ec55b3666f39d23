#pragma once
// The log: one line an event, on stderr and, once opened, in a file. Safe from many threads.
// Never given a secret; redact() is the last line of defence.

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace iteralign {

enum class LogLevel { quiet, normal, verbose };

void set_log_level(LogLevel level);
bool log_shows(LogLevel level);               // does such a line reach stderr?
void open_log_file(const std::string& path);  // appends
void log_line(LogLevel level, std::string_view line);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::normal, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::verbose, fmt::format(format, std::forward<Args>(args)...));
}
// Shown at every level.
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::quiet, "warning: " + fmt::format(format, std::forward<Args>(args)...));
}

// Replaces what looks like an API key ("sk-...", "hf_...", "AIza...", "Bearer ...") by "[redacted]".
std::string redact(std::string_view text);

}  // namespace iteralign
