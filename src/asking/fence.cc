#include "asking/fence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/hash.h"
#include "core/strings.h"

namespace iteralign {
namespace {

constexpr std::string_view kOpen = "<<<", kClose = ">>>";
constexpr std::size_t kNonceDigits = 8;

struct Opening {
  std::string label;  // "CASE 3"
  std::string nonce;
};

bool is_nonce(std::string_view text) {
  return text.size() == kNonceDigits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "<<<CASE 3 3f9a0c1e"
std::optional<Opening> parse_opening(std::string_view line) {
  if (!line.starts_with(kOpen)) return {};
  line.remove_prefix(kOpen.size());
  const auto space = line.rfind(' ');
  if (space == std::string_view::npos || space == 0 || !is_nonce(line.substr(space + 1))) return {};
  return Opening{std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

FencedBlock block_of(std::string_view label) {
  FencedBlock block;
  const auto space = label.find(' ');
  block.kind = label.substr(0, space);
  if (space != std::string_view::npos) std::from_chars(label.data() + space + 1, label.data() + label.size(), block.number);
  return block;
}

}  // namespace

std::string fence_nonce(const std::vector<std::string>& parts) {
  std::uint64_t seed = 0;
  for (const auto& part : parts) seed = hash64(part, seed);
  for (;; ++seed) {
    const std::string nonce = fmt::format("{:08x}", hash64("fence", seed) >> 32);
    if (std::none_of(parts.begin(), parts.end(), [&](const auto& part) { return contains(part, nonce); })) return nonce;
  }
}

std::string fence(std::string_view kind, std::string_view nonce, std::string_view text) {
  return fmt::format("{}{} {}\n{}\n{} {}{}", kOpen, kind, nonce, text, kind, nonce, kClose);
}

std::vector<FencedBlock> parse_fences(std::string_view message) {
  std::vector<FencedBlock> blocks;
  std::string nonce;
  // Bytes are kept as they are: only '\n' ends a line.
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t line_end = std::min(message.find('\n', at), message.size());
    const auto opening = parse_opening(message.substr(at, line_end - at));
    at = line_end + 1;
    if (!opening || (!nonce.empty() && opening->nonce != nonce) || at > message.size()) continue;
    nonce = opening->nonce;
    const std::string closing = fmt::format("\n{} {}{}", opening->label, nonce, kClose);
    // From the line end before the text: an empty text has its closing line right there.
    const std::size_t end = message.find(closing, line_end);
    if (end == std::string_view::npos) continue;
    FencedBlock block = block_of(opening->label);
    if (end > at) block.text = message.substr(at, end - at);
    blocks.push_back(std::move(block));
    at = end + closing.size();
  }
  return blocks;
}

}  // namespace iteralign
