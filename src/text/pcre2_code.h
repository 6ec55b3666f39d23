#pragma once
// An expression that PCRE2 has compiled, to machine code where it can.

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace iteralign {

// Immutable, safe from many threads.
class Pcre2Code {
 public:
  // The place of a match, for one thread.
  using MatchData = std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)>;
  static MatchData match_data() { return {pcre2_match_data_create(1, nullptr), pcre2_match_data_free}; }

  // Throws Error data at `where` for what cannot be compiled; it shows `original`, of which `pattern` is the translation.
  Pcre2Code(const std::string& pattern, std::uint32_t options, std::string_view original, std::string where);

  // The first match in valid UTF-8 at or behind `start`; false when there is none. Throws Error data for a text that is too hard.
  bool match(std::string_view text, std::size_t start, const MatchData& data) const;

 private:
  std::unique_ptr<pcre2_code, void (*)(pcre2_code*)> code_;
  std::string where_;
};

}  // namespace iteralign
