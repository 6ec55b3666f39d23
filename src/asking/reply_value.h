#pragma once
// JSON as language models write it. Every JSON text means what it means; beside it are read: raw line breaks and control characters in
// texts, unknown escapes, halves of surrogate pairs (U+FFFD), commas too many or missing, comments, single and typographic quotes, quotes
// that stand unescaped inside a text, keys and values without quotes, a quoted object whose quotes are escaped, and an end that is missing.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct ReplyValue {
  enum class Kind { text, word, list, object };
  Kind kind = Kind::word;
  std::string key{};                // of a member of an object
  std::string text{};               // of a text; of a word as it stands: 3, 1.0, true, null, negative
  bool cut = false;                 // the reply ended inside of it
  std::vector<ReplyValue> items{};  // of a list, or the members of an object in order; a key may be there twice

  [[nodiscard]] bool is_scalar() const { return kind == Kind::text || kind == Kind::word; }
};

// Reads the objects and lists of one reply, from any place in it. The work over all calls is linear in the length of the reply: what would
// take more is no value.
class ReplyValueReader {
 public:
  // `exact`: the whole text is JSON.
  ReplyValueReader(std::string_view text, bool exact) : text_(text), exact_(exact), work_left_(kWorkPerByte * text.size() + 4096) {}

  // The object or list that begins at `at`; `at` is then behind it. Nothing when there is none: `at` stays.
  std::optional<ReplyValue> read(std::size_t& at);
  // The members that begin at `at`, as in an object whose opening brace is missing.
  std::optional<ReplyValue> read_members(std::size_t& at);

 private:
  static constexpr std::size_t kWorkPerByte = 32;
  static constexpr int kMaxDepth = 64;
  enum class Place { key, member, item };

  bool value(ReplyValue& out, Place place, int depth);
  bool elements(ReplyValue& out, int depth);
  bool key(std::string& out);
  bool key_follows(std::size_t at);
  bool scalar(ReplyValue& out, Place place);
  void quoted(ReplyValue& out, std::string_view close, Place place);
  void word(ReplyValue& out, Place place);
  bool ends_here(std::size_t at, Place place);
  std::size_t behind_space(std::size_t at);
  bool work(std::size_t steps);
  [[nodiscard]] bool at_end(std::size_t at) const { return at >= text_.size(); }
  [[nodiscard]] char peek(std::size_t at) const { return at_end(at) ? '\0' : text_[at]; }
  [[nodiscard]] bool starts(std::size_t at, std::string_view what) const {
    return text_.substr(std::min(at, text_.size())).starts_with(what);
  }
  [[nodiscard]] std::size_t mark_length(std::size_t at, char mark) const;

  std::string_view text_;
  bool exact_;                 // a quote is a quote
  bool names_quoted_ = false;  // the last key was
  std::size_t at_ = 0, work_left_;
};

}  // namespace iteralign
