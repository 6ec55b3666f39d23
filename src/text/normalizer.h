#pragma once
// The "normalizer" of tokenizer.json: Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Strip, Lowercase.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/tokenizer_json.h"
#include "text/tokenizer_regex.h"

namespace iteralign {

// Text that remembers which of its bytes are input. `marks` is empty (nothing is) or has a byte for each of the text, 1 for input.
struct MarkedText {
  std::string text;
  std::string marks;
  bool has_start = true;  // false once the normalizer has taken away its first characters

  [[nodiscard]] bool is_input(std::size_t at) const { return !marks.empty() && marks[at] != 0; }
  [[nodiscard]] MarkedText slice(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), marks.empty() ? std::string() : marks.substr(begin, end - begin)};
  }
};

// Immutable, safe from many threads.
class Normalizer {
 public:
  Normalizer() = default;  // changes nothing
  // Throws Error data for a type that is not known.
  explicit Normalizer(const JsonPart& part);

  [[nodiscard]] bool is_identity() const { return steps_.empty(); }
  void apply(MarkedText& text) const;

 private:
  enum class Form { nfc, nfd, nfkc, nfkd, lowercase };
  struct Prepend {
    std::string text;
  };
  struct Replace {
    TokenizerPattern pattern;
    std::string content;
  };
  struct Strip {
    bool left, right;
  };

  void add(const JsonPart& part);
  static void apply_step(const Prepend& step, MarkedText& text);
  static void apply_step(const Replace& step, MarkedText& text);
  static void apply_step(const Strip& step, MarkedText& text);
  static void apply_step(Form form, MarkedText& text);
  static std::string convert(Form form, std::string_view text);

  std::vector<std::variant<Prepend, Replace, Strip, Form>> steps_;
};

}  // namespace iteralign
