#include "jinja/strings.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace iteralign::jinja {
namespace {

// Changes character by character; `change` may keep state from one to the next.
template <class Change>
Text map_characters(const Text& text, Change change) {
  return text.map([&change](std::string_view run) {
    std::string changed;
    for (std::size_t at = 0; at < run.size();) {
      const Character c = character_at(run, at);
      changed += change(c.code_point, run.substr(at, c.size));
      at += c.size;
    }
    return changed;
  });
}

// The pieces between white space: [begin, end).
std::vector<std::pair<std::size_t, std::size_t>> words(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const bool space = is_space(c.code_point);
    if (!space && !inside) found.emplace_back(at, at);
    at += c.size;
    if (!space) found.back().second = at;
    inside = !space;
  }
  return found;
}

std::vector<Text> split_words(const Text& text, std::int64_t max_splits, bool from_right) {
  auto found = words(text.bytes());
  const auto most = max_splits < 0 ? found.size() : static_cast<std::size_t>(max_splits);
  if (found.size() > most + 1) {  // what is not split any more keeps its inner white space
    if (from_right) {
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most + 1));
      found.front().first = 0;
    } else {
      found.resize(most + 1);
      found.back().second = text.size();
    }
  }
  std::vector<Text> parts;
  for (const auto& [begin, end] : found) parts.push_back(text.substr(begin, end));
  return parts;
}

bool ends_line(std::int32_t c) { return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029; }

std::string trimmed(std::string_view text) { return strip(Text(text), nullptr, Side::both).bytes(); }

}  // namespace

Text strip(const Text& text, const Text* characters, Side side) {
  const auto strips = [&](std::size_t begin, std::size_t end) {
    const std::string_view c = std::string_view(text.bytes()).substr(begin, end - begin);
    if (characters == nullptr) return is_space(character_at(c, 0).code_point);
    const std::string& set = characters->bytes();
    for (std::size_t at = 0; at < set.size(); at += character_at(set, at).size)
      if (set.compare(at, character_at(set, at).size, c) == 0) return true;
    return false;
  };
  const auto starts = character_starts(text.bytes());
  std::size_t first = 0, last = starts.size() - 1;
  if (side != Side::right)
    while (first < last && strips(starts[first], starts[first + 1])) ++first;
  if (side != Side::left)
    while (last > first && strips(starts[last - 1], starts[last])) --last;
  return text.substr(starts[first], starts[last]);
}

Text replace(const Text& text, const Text& from, const Text& to, std::int64_t count) {
  Text replaced;
  const std::string& bytes = text.bytes();
  if (from.empty()) {  // as in Python: before every character and at the end
    const auto starts = character_starts(bytes);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (count < 0 || static_cast<std::int64_t>(i) < count) replaced.append(to);
      if (i + 1 < starts.size()) replaced.append(text.substr(starts[i], starts[i + 1]));
    }
    return replaced;
  }
  std::size_t at = 0;
  for (std::int64_t done = 0; count < 0 || done < count; ++done) {
    const std::size_t found = bytes.find(from.bytes(), at);
    if (found == std::string::npos) break;
    replaced.append(text.substr(at, found));
    replaced.append(to);
    at = found + from.size();
  }
  replaced.append(text.substr(at, text.size()));
  return replaced;
}

std::vector<Text> split(const Text& text, const Text* separator, std::int64_t max_splits, bool from_right) {
  if (separator == nullptr) return split_words(text, max_splits, from_right);
  if (separator->empty()) throw Fault{"empty separator"};
  const std::string &bytes = text.bytes(), &mark = separator->bytes();
  std::vector<Text> parts;
  const auto more = [&] { return max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits; };
  if (!from_right) {
    std::size_t at = 0;
    for (std::size_t found; more() && (found = bytes.find(mark, at)) != std::string::npos; at = found + mark.size())
      parts.push_back(text.substr(at, found));
    parts.push_back(text.substr(at, text.size()));
    return parts;
  }
  std::size_t end = text.size();
  while (more() && end >= mark.size()) {
    const std::size_t found = bytes.rfind(mark, end - mark.size());
    if (found == std::string::npos) break;
    parts.push_back(text.substr(found + mark.size(), end));
    end = found;
  }
  parts.push_back(text.substr(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  const std::string& bytes = text.bytes();
  std::vector<Text> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    const std::size_t end = at;
    at += c.size;
    if (!ends_line(c.code_point)) continue;
    if (c.code_point == '\r' && at < bytes.size() && bytes[at] == '\n') ++at;
    lines.push_back(text.substr(begin, keep_ends ? at : end));
    begin = at;
  }
  if (begin < bytes.size()) lines.push_back(text.substr(begin, bytes.size()));
  return lines;
}

Text join(const Text& separator, const std::vector<Text>& parts) {
  Text joined;
  for (const Text& part : parts) {
    if (&part != &parts.front()) joined.append(separator);
    joined.append(part);
  }
  return joined;
}

Text upper(const Text& text) {
  return text.map([](std::string_view run) { return upper(run); });
}

Text lower(const Text& text) {
  return text.map([](std::string_view run) { return lower(run); });
}

Text capitalize(const Text& text) {
  return map_characters(
      text, [first = true](std::int32_t, std::string_view c) mutable { return std::exchange(first, false) ? upper(c) : lower(c); });
}

Text title_method(const Text& text) {
  return map_characters(text, [in_word = false](std::int32_t c, std::string_view bytes) mutable {
    return std::exchange(in_word, is_cased(c)) ? lower(bytes) : upper(bytes);
  });
}

Text title_filter(const Text& text) {
  return map_characters(text, [in_word = false](std::int32_t c, std::string_view bytes) mutable {
    const bool border = is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    return std::exchange(in_word, !border) ? lower(bytes) : upper(bytes);
  });
}

std::optional<std::int64_t> parse_integer(std::string_view text, int base) {
  if (base < 2 || base > 36) return std::nullopt;
  std::string digits = trimmed(text);
  if (!digits.empty() && digits[0] == '+') digits.erase(0, 1);
  if (digits.empty() || digits.front() == '_' || digits.back() == '_' || digits.find("__") != std::string::npos) return std::nullopt;
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  const char prefix = digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 0x20) : '\0';
  if ((base == 16 && prefix == 'x') || (base == 8 && prefix == 'o') || (base == 2 && prefix == 'b')) digits.erase(0, 2);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error == std::errc::result_out_of_range) throw Fault{"an integer grows beyond 64 bits"};
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_float(std::string_view text) {
  std::string digits = trimmed(text);
  if (!digits.empty() && digits[0] == '+') digits.erase(0, 1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace iteralign::jinja
