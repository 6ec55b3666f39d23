#include "text/stop_strings.h"

#include <algorithm>

namespace iteralign {

std::size_t find_stop(const std::string& text, const std::vector<std::string>& stop) {
  std::size_t first = std::string::npos;
  for (const std::string& s : stop) first = std::min(first, text.find(s));
  return first;
}

bool cut_at_stop(const Tokenizer& tokenizer, std::span<const TokenId> tokens, const std::vector<std::string>& stop, std::string& text) {
  const std::size_t seen = find_stop(text, stop);
  if (seen != std::string::npos) {
    text.resize(seen);
    return true;
  }
  if (stop.empty() || std::ranges::none_of(tokens, [&](TokenId id) { return tokenizer.is_special(id); })) return false;
  const std::string all = tokenizer.decode(tokens, /*skip_special_tokens=*/false);
  const std::size_t begin = find_stop(all, stop);
  if (begin == std::string::npos) return false;
  // What comes before: whole tokens, and the start of the one in which the stop string begins.
  std::size_t whole = tokens.size();
  std::string before;
  do before = tokenizer.decode(tokens.first(--whole), false);
  while (before.size() > begin);
  text = tokenizer.decode(tokens.first(whole), true);
  if (!tokenizer.is_special(tokens[whole])) text += all.substr(before.size(), begin - before.size());
  return true;
}

}  // namespace iteralign
