#include "text/decoder.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/strings.h"
#include "text/unicode.h"

namespace iteralign {
namespace {

constexpr std::string_view kKnownDecoders = "Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace";

// The byte of a token "<0xHH>".
std::optional<std::uint8_t> fallback_byte(std::string_view token) {
  if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return std::nullopt;
  std::uint8_t byte = 0;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  if (error != std::errc() || end != token.data() + 5) return std::nullopt;
  return byte;
}

bool starts_with_at(std::string_view text, std::size_t at, std::string_view prefix) { return text.substr(at, prefix.size()) == prefix; }

std::string_view stripped(std::string_view token, std::string_view character, std::size_t start, std::size_t stop) {
  for (std::size_t n = 0; n < start && token.starts_with(character); ++n) token.remove_prefix(character.size());
  for (std::size_t n = 0; n < stop && token.ends_with(character); ++n) token.remove_suffix(character.size());
  return token;
}

}  // namespace

Decoder::Decoder() { steps_.emplace_back(Spaces{}); }

Decoder::Decoder(const JsonPart& part) {
  add(part);
  drop_needless_waiting();
}

void Decoder::add(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& member : part.list("decoders")) add(member);
  } else if (type == "Replace") {
    steps_.emplace_back(Replace{TokenizerPattern(part.at("pattern")), part.string("content")});
  } else if (type == "ByteFallback") {
    steps_.emplace_back(ByteFallback{});
  } else if (type == "Fuse") {
    steps_.emplace_back(Fuse{});
  } else if (type == "Strip") {
    const std::string character = part.string("content");
    if (character.empty() || character.size() != utf8_length(character[0])) part.at("content").fail("is not one character");
    steps_.emplace_back(
        Strip{character, static_cast<std::size_t>(part.integer("start", 0)), static_cast<std::size_t>(part.integer("stop", 0))});
  } else if (type == "ByteLevel") {
    steps_.emplace_back(ByteLevel{});
    steps_.emplace_back(Fuse{});
  } else if (type == "Metaspace") {
    const std::string scheme = part.string("prepend_scheme", part.boolean("add_prefix_space", true) ? "always" : "never");
    steps_.emplace_back(Metaspace{part.string("replacement", "▁"), scheme != "never"});
  } else {
    part.unknown_type(kKnownDecoders);
  }
}

// Fuse matters only to what looks at whole tokens behind it, and Strip at the start of a fused text can be done as it flows.
void Decoder::drop_needless_waiting() {
  while (!steps_.empty()) {
    const std::size_t last = steps_.size() - 1;
    if (std::holds_alternative<Fuse>(steps_[last])) {
      steps_.pop_back();
      continue;
    }
    if (last == 0 || !std::holds_alternative<Fuse>(steps_[last - 1])) return;
    const auto* strip = std::get_if<Strip>(&steps_[last]);
    if (strip == nullptr || strip->stop != 0) return;
    Step at_start = StripStart{strip->character, strip->start};
    steps_.pop_back();
    steps_.back() = std::move(at_start);
    return;
  }
}

std::optional<std::string> Decoder::bytes_of(std::string_view token) const {
  std::string bytes(token);
  for (const Step& step : steps_) {
    if (std::holds_alternative<Spaces>(step)) return std::nullopt;
    if (const auto* replace = std::get_if<Replace>(&step)) {
      bytes = replace->pattern.replace(bytes, replace->content);
    } else if (std::holds_alternative<ByteFallback>(step)) {
      if (const auto byte = fallback_byte(bytes)) return std::string(1, static_cast<char>(*byte));
    } else if (std::holds_alternative<Fuse>(step)) {
      break;  // what is behind looks at the whole text
    } else if (const auto* strip = std::get_if<Strip>(&step)) {
      bytes = stripped(bytes, strip->character, strip->start, strip->stop);
    } else if (std::holds_alternative<ByteLevel>(step)) {
      bytes = bytes_of_characters(bytes).value_or(bytes);
    } else if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
      bytes = replace_all(bytes, metaspace->replacement, " ");
    }
  }
  return bytes;
}

DecoderStream::DecoderStream(const Decoder& decoder) : decoder_(&decoder), states_(decoder.steps_.size()) {}

void DecoderStream::push(std::string_view token, std::string& out) { run(0, token, out); }

void DecoderStream::finish(std::string& out) {
  for (std::size_t i = 0; i < states_.size(); ++i) flush(i, out);
}

void DecoderStream::run(std::size_t i, std::string_view token, std::string& out) {
  if (i == decoder_->steps_.size()) {
    out += token;
    return;
  }
  std::visit([&](const auto& step) { apply(step, i, token, out); }, decoder_->steps_[i]);
}

void DecoderStream::flush(std::size_t i, std::string& out) {
  State& state = states_[i];
  if (std::holds_alternative<Decoder::ByteFallback>(decoder_->steps_[i])) {
    emit_held_bytes(i, out);
  } else if (std::holds_alternative<Decoder::ByteLevel>(decoder_->steps_[i])) {
    if (!state.held.empty()) run(i + 1, to_valid_utf8(state.held), out);
    state.held.clear();
  } else if (std::holds_alternative<Decoder::Fuse>(decoder_->steps_[i]) && state.started) {
    run(i + 1, state.held, out);
    state.held.clear();
  }
}

void DecoderStream::apply(const Decoder::Spaces&, std::size_t i, std::string_view token, std::string& out) {
  if (states_[i].started) run(i + 1, " ", out);
  states_[i].started = true;
  run(i + 1, token, out);
}

void DecoderStream::apply(const Decoder::Replace& step, std::size_t i, std::string_view token, std::string& out) {
  run(i + 1, step.pattern.replace(token, step.content), out);
}

void DecoderStream::apply(const Decoder::ByteFallback&, std::size_t i, std::string_view token, std::string& out) {
  if (const auto byte = fallback_byte(token)) {
    states_[i].held += static_cast<char>(*byte);
    return;
  }
  emit_held_bytes(i, out);
  run(i + 1, token, out);
}

// A run of bytes that is not UTF-8 as a whole becomes one U+FFFD a byte, so nothing of it is final before its end.
void DecoderStream::emit_held_bytes(std::size_t i, std::string& out) {
  std::string bytes = std::move(states_[i].held);
  states_[i].held.clear();
  if (bytes.empty()) return;
  if (utf8_valid_until(bytes) == bytes.size()) return run(i + 1, bytes, out);
  for (std::size_t n = 0; n < bytes.size(); ++n) run(i + 1, kReplacementCharacter, out);
}

void DecoderStream::apply(const Decoder::Fuse&, std::size_t i, std::string_view token, std::string&) {
  states_[i].held += token;
  states_[i].started = true;
}

void DecoderStream::apply(const Decoder::Strip& step, std::size_t i, std::string_view token, std::string& out) {
  run(i + 1, stripped(token, step.character, step.start, step.stop), out);
}

void DecoderStream::apply(const Decoder::StripStart& step, std::size_t i, std::string_view token, std::string& out) {
  State& state = states_[i];
  while (!state.started && !token.empty()) {
    if (state.stripped < step.start && starts_with_at(token, 0, step.character)) {
      token.remove_prefix(step.character.size());
      ++state.stripped;
    } else {
      state.started = true;
    }
  }
  run(i + 1, token, out);
}

void DecoderStream::apply(const Decoder::ByteLevel&, std::size_t i, std::string_view token, std::string& out) {
  std::string& held = states_[i].held;
  held += bytes_of_characters(token).value_or(std::string(token));  // not a byte-level token: as it is
  const std::size_t ready = held.size() - utf8_incomplete_tail(held);
  if (ready == 0) return;
  const std::string text = to_valid_utf8(std::string_view(held).substr(0, ready));
  held.erase(0, ready);
  run(i + 1, text, out);
}

void DecoderStream::apply(const Decoder::Metaspace& step, std::size_t i, std::string_view token, std::string& out) {
  const bool drop = step.drop_first && !states_[i].started;
  states_[i].started = true;
  run(i + 1, replace_all(std::string(token), step.replacement, drop ? "" : " "), out);
}

}  // namespace iteralign
