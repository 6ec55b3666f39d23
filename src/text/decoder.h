#pragma once
// The "decoder" of tokenizer.json, token by token: Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace.
// Without one, tokens are joined by spaces. What must be known before a piece is final is held back, no more.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/tokenizer_json.h"
#include "text/tokenizer_regex.h"

namespace iteralign {

// Immutable, safe from many threads.
class Decoder {
 public:
  Decoder();  // joins by spaces
  // Throws Error data for a type that is not known.
  explicit Decoder(const JsonPart& part);

  // What the token adds to a text in the middle of it, as bytes: half of a character may be one's own. Nothing when that depends on its
  // neighbours.
  [[nodiscard]] std::optional<std::string> bytes_of(std::string_view token) const;

 private:
  friend class DecoderStream;
  struct Spaces {};  // a space before every token but the first
  struct Replace {
    TokenizerPattern pattern;
    std::string content;
  };
  struct ByteFallback {};
  struct Fuse {};  // all tokens become one: so the next step has to wait for the end
  struct Strip {
    std::string character;
    std::size_t start, stop;
  };
  struct StripStart {  // Strip of a fused text, at its start alone: needs no waiting
    std::string character;
    std::size_t start;
  };
  struct ByteLevel {};
  struct Metaspace {
    std::string replacement;
    bool drop_first;
  };
  using Step = std::variant<Spaces, Replace, ByteFallback, Fuse, Strip, StripStart, ByteLevel, Metaspace>;

  void add(const JsonPart& part);
  void drop_needless_waiting();

  std::vector<Step> steps_;
};

// One text being decoded. Not thread safe.
class DecoderStream {
 public:
  explicit DecoderStream(const Decoder& decoder);  // which outlives it

  // Text that is final now is appended to `out`.
  void push(std::string_view token, std::string& out);
  void finish(std::string& out);

 private:
  struct State {
    std::string held;          // bytes or text that wait
    std::size_t stripped = 0;  // characters taken from the start
    bool started = false;      // has a token come by
  };

  void run(std::size_t step, std::string_view token, std::string& out);
  void flush(std::size_t step, std::string& out);
  void emit_held_bytes(std::size_t step, std::string& out);

  void apply(const Decoder::Spaces& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::Replace& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::ByteFallback& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::Fuse& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::Strip& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::StripStart& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::ByteLevel& step, std::size_t i, std::string_view token, std::string& out);
  void apply(const Decoder::Metaspace& step, std::size_t i, std::string_view token, std::string& out);

  const Decoder* decoder_;
  std::vector<State> states_;  // one a step
};

}  // namespace iteralign
