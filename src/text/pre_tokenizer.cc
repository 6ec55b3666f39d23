#include "text/pre_tokenizer.h"

#include "core/strings.h"
#include "text/unicode.h"

namespace iteralign {
namespace {

constexpr std::string_view kKnownPreTokenizers = "Sequence, Split, ByteLevel, Digits, Metaspace, Punctuation";

// What the ByteLevel part splits by unless it is told not to (GPT-2).
constexpr std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace

PreTokenizer::PreTokenizer(const JsonPart& part) {
  add(part);
  if (!steps_.empty() && std::holds_alternative<ByteCharacters>(steps_.back())) {
    steps_.pop_back();
    ends_in_byte_level_ = true;
  }
}

void PreTokenizer::add(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& member : part.list("pretokenizers")) add(member);
  } else if (type == "Split") {
    add_split(part);
  } else if (type == "ByteLevel") {
    add_byte_level(part);
  } else if (type == "Metaspace") {
    add_metaspace(part);
  } else if (type == "Digits") {
    steps_.emplace_back(
        SplitClass{CharacterClass::numeric, part.boolean("individual_digits", false) ? Behavior::isolated : Behavior::contiguous});
  } else if (type == "Punctuation") {
    steps_.emplace_back(SplitClass{CharacterClass::punctuation, behavior(part, "Isolated")});
  } else {
    part.unknown_type(kKnownPreTokenizers);
  }
}

void PreTokenizer::add_split(const JsonPart& part) {
  steps_.emplace_back(Split{TokenizerPattern(part.at("pattern")), behavior(part, "Isolated"), part.boolean("invert", false)});
}

void PreTokenizer::add_byte_level(const JsonPart& part) {
  if (part.boolean("add_prefix_space", true)) steps_.emplace_back(Prefix{" ", PrependScheme::always});
  if (part.boolean("use_regex", true)) {
    steps_.emplace_back(Split{TokenizerPattern(TokenizerRegex(kGpt2Pattern, part.where())), Behavior::isolated, false});
  }
  steps_.emplace_back(ByteCharacters{});
}

void PreTokenizer::add_metaspace(const JsonPart& part) {
  const std::string replacement = part.string("replacement", "▁");
  const std::string scheme = part.string("prepend_scheme", part.boolean("add_prefix_space", true) ? "always" : "never");
  steps_.emplace_back(SpaceReplacement{replacement});
  if (scheme == "always" || scheme == "first") {
    steps_.emplace_back(Prefix{replacement, scheme == "first" ? PrependScheme::first : PrependScheme::always});
  } else if (scheme != "never") {
    part.at("prepend_scheme").fail("'" + scheme + "' is not one of always, first, never");
  }
  if (part.boolean("split", true)) steps_.emplace_back(Split{TokenizerPattern(replacement), Behavior::merged_with_next, false});
}

PreTokenizer::Behavior PreTokenizer::behavior(const JsonPart& part, const std::string& missing) {
  const std::string name = part.string("behavior", missing);
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  part.at("behavior").fail("'" + name + "' is not one of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

Words PreTokenizer::apply(std::string text, bool at_start) const {
  Words words{std::move(text), {}, at_start};
  words.words.push_back({0, words.text.size()});
  for (const Step& step : steps_) {
    std::visit([&](const auto& s) { apply_step(s, words); }, step);
  }
  return words;
}

void PreTokenizer::cut(Range word, const std::vector<Range>& matches, Behavior behavior, bool invert, std::vector<Range>& pieces) {
  std::size_t at = word.begin;
  bool previous_matched = false;
  const auto add = [&](Range piece, bool matched) {
    if (invert) matched = !matched;
    bool joins = false;  // does the piece go on the one before it
    switch (behavior) {
      case Behavior::isolated:
      case Behavior::removed:
        break;
      case Behavior::contiguous:
        joins = matched == previous_matched;
        break;
      case Behavior::merged_with_previous:
        joins = matched && !previous_matched;
        break;
      case Behavior::merged_with_next:
        joins = !matched && previous_matched;
        break;
    }
    const bool first = piece.begin == word.begin;
    previous_matched = matched;
    if (piece.begin == piece.end || (behavior == Behavior::removed && matched)) return;
    if (joins && !first) {
      pieces.back().end = piece.end;
    } else {
      pieces.push_back(piece);
    }
  };
  for (const Range& match : matches) {
    const Range found{word.begin + match.begin, word.begin + match.end};
    if (at < found.begin) add({at, found.begin}, false);
    add(found, true);
    at = found.end;
  }
  if (at < word.end) add({at, word.end}, false);
}

void PreTokenizer::apply_step(const Split& step, Words& words) {
  std::vector<Range> pieces, matches;
  for (const Range& word : words.words) {
    matches.clear();
    step.pattern.find_all(std::string_view(words.text).substr(word.begin, word.end - word.begin), matches);
    cut(word, matches, step.behavior, step.invert, pieces);
  }
  set_words(words, std::move(pieces));
}

void PreTokenizer::apply_step(const SplitClass& step, Words& words) {
  std::vector<Range> pieces, matches;
  for (const Range& word : words.words) {
    matches.clear();
    for (std::size_t at = word.begin; at < word.end;) {
      const char32_t c = utf8_at(words.text, at);
      const std::size_t length = utf8_length(words.text[at]);
      const bool matched = step.character_class == CharacterClass::numeric ? is_numeric(c) : is_punctuation(c);
      if (matched) matches.push_back({at - word.begin, at - word.begin + length});
      at += length;
    }
    cut(word, matches, step.behavior, false, pieces);
  }
  set_words(words, std::move(pieces));
}

void PreTokenizer::set_words(Words& words, std::vector<Range> pieces) {
  const bool first_removed = !pieces.empty() && pieces.front().begin != words.words.front().begin;
  if (first_removed) words.at_start = false;
  words.words = std::move(pieces);
}

template <class Rewrite>
void PreTokenizer::rewrite(Words& words, Rewrite rewrite_word) {
  std::string text;
  text.reserve(words.text.size() * 2);
  for (Range& word : words.words) {
    const std::size_t begin = text.size();
    rewrite_word(std::string_view(words.text).substr(word.begin, word.end - word.begin), &word == &words.words.front(), text);
    word = {begin, text.size()};
  }
  words.text = std::move(text);
}

void PreTokenizer::apply_step(const Prefix& step, Words& words) {
  rewrite(words, [&](std::string_view word, bool first, std::string& text) {
    const bool wanted = step.scheme == PrependScheme::always || (first && words.at_start);
    if (wanted && word.substr(0, step.text.size()) != step.text) text += step.text;
    text += word;
  });
}

void PreTokenizer::apply_step(const SpaceReplacement& step, Words& words) {
  rewrite(words, [&](std::string_view word, bool, std::string& text) { text += replace_all(std::string(word), " ", step.replacement); });
}

void PreTokenizer::apply_step(const ByteCharacters&, Words& words) {
  rewrite(words, [](std::string_view word, bool, std::string& text) {
    for (const char byte : word) append_utf8(text, byte_character(static_cast<std::uint8_t>(byte)));
  });
}

}  // namespace iteralign
