#pragma once
// The "pre_tokenizer" of tokenizer.json: cuts normalised text into the words that the model encodes one by one.
// Sequence, Split, ByteLevel, Digits, Metaspace, Punctuation.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/tokenizer_json.h"
#include "text/tokenizer_regex.h"

namespace iteralign {

// A text and the words in it, from left to right.
struct Words {
  std::string text;
  std::vector<Range> words;
  bool at_start = false;  // does the first word stand at the start of the whole input
};

// Immutable, safe from many threads.
class PreTokenizer {
 public:
  PreTokenizer() = default;  // one word
  // Throws Error data for a type that is not known.
  explicit PreTokenizer(const JsonPart& part);

  // Does the last step map bytes to byte characters? That is left to the model, and the words stay raw bytes.
  [[nodiscard]] bool ends_in_byte_level() const { return ends_in_byte_level_; }

  [[nodiscard]] Words apply(std::string text, bool at_start) const;

 private:
  enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
  enum class CharacterClass { numeric, punctuation };
  enum class PrependScheme { always, first, never };
  struct Split {
    TokenizerPattern pattern;
    Behavior behavior;
    bool invert;
  };
  struct SplitClass {
    CharacterClass character_class;
    Behavior behavior;
  };
  struct Prefix {  // put before a word that does not start with it
    std::string text;
    PrependScheme scheme;
  };
  struct SpaceReplacement {
    std::string replacement;
  };
  struct ByteCharacters {};
  using Step = std::variant<Split, SplitClass, Prefix, SpaceReplacement, ByteCharacters>;

  void add(const JsonPart& part);
  void add_split(const JsonPart& part);
  void add_byte_level(const JsonPart& part);
  void add_metaspace(const JsonPart& part);
  static Behavior behavior(const JsonPart& part, const std::string& missing);
  // Cuts one word by its matches, appending the pieces.
  static void cut(Range word, const std::vector<Range>& matches, Behavior behavior, bool invert, std::vector<Range>& pieces);
  static void set_words(Words& words, std::vector<Range> pieces);
  // A new text, word by word.
  template <class Rewrite>
  static void rewrite(Words& words, Rewrite rewrite_word);

  static void apply_step(const Split& step, Words& words);
  static void apply_step(const SplitClass& step, Words& words);
  static void apply_step(const Prefix& step, Words& words);
  static void apply_step(const SpaceReplacement& step, Words& words);
  static void apply_step(const ByteCharacters& step, Words& words);

  std::vector<Step> steps_;
  bool ends_in_byte_level_ = false;
};

}  // namespace iteralign
