#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <queue>

#include "iteralign/error.h"
#include "text/unicode.h"

namespace iteralign {
namespace {

// Up to this many symbols, finding the lowest rank again after every merge is faster than a heap.
constexpr std::size_t kShortWord = 48;

void require_absent(const JsonPart& model, const std::string& key) {
  const auto part = model.find(key);
  if (!part || part->value() == Json("") || part->value() == 0 || part->value() == 0.0) return;
  part->fail("is set, which is not supported");
}

std::string byte_token(std::uint8_t byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace

Bpe::Bpe(const TokenizerDocument& document, const JsonPart& model, bool byte_level, const std::unordered_set<std::string>& control)
    : byte_level_(byte_level),
      ignore_merges_(model.boolean("ignore_merges", false)),
      fuse_unk_(model.boolean("fuse_unk", false)),
      byte_fallback_(model.boolean("byte_fallback", false)),
      vocabulary_(document.vocab.size()),
      raw_vocabulary_(byte_level ? document.vocab.size() : 0),
      merges_(document.merges.size()) {
  if (model.string("type", "BPE") != "BPE") model.unknown_type("BPE");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) require_absent(model, key);
  if (document.vocab.empty()) model.fail("the vocab is missing or empty");

  for (const auto& [token, id] : document.vocab) {
    vocabulary_.add(token, id);
    if (!byte_level_) continue;
    if (auto bytes = bytes_of_characters(token)) raw_vocabulary_.add(std::move(*bytes), id);
  }
  if (const auto unk = model.find("unk_token")) {
    unk_id_ = id_of(model.string("unk_token"));
    if (!unk_id_ && !model.string("unk_token").empty()) unk->fail("the token is not in the vocab");
  }
  add_merges(document, model.where(), control);
  for (int i = 0; i < (byte_level_ ? 256 : 128); ++i) {
    std::string character;
    append_utf8(character, byte_level_ ? byte_character(static_cast<std::uint8_t>(i)) : static_cast<char32_t>(i));
    initials_.push_back(initial(character));
  }
  if (!byte_level_) find_borders(document);
  const TokenTable& words = byte_level_ ? raw_vocabulary_ : vocabulary_;
  whole_ = std::make_unique<std::atomic<Whole>[]>(words.size());
  for (const std::string& token : control) {
    const std::optional<std::string> bytes = byte_level_ ? bytes_of_characters(token) : token;
    const std::uint32_t entry = bytes ? words.find(*bytes) : TokenTable::kNone;
    if (entry != TokenTable::kNone) whole_[entry] = Whole::several_tokens;
  }
}

void Bpe::add_merges(const TokenizerDocument& document, const std::string& where, const std::unordered_set<std::string>& control) {
  for (std::size_t rank = 0; rank < document.merges.size(); ++rank) {
    const auto& [left, right] = document.merges[rank];
    const auto left_id = id_of(left), right_id = id_of(right), merged_id = id_of(left + right);
    if (!left_id || !right_id || !merged_id) {
      const std::string& missing = !left_id ? left : !right_id ? right : left + right;
      throw Error(ErrorKind::data, fmt::format("merge {} ('{}' '{}') needs '{}', which is not in the vocab", rank, left, right, missing),
                  where + ".merges");
    }
    if (control.count(left + right) > 0) continue;
    merges_.set(*left_id, *right_id, {static_cast<std::uint32_t>(rank), *merged_id});
  }
}

// A merge joins the last character of its left part with the first of its right one. Where two neighbours are in no
// merge like that, what is left and what is right of them never meet, and can be encoded apart.
void Bpe::find_borders(const TokenizerDocument& document) {
  PairTable crossed(document.merges.size());
  for (const auto& [left, right] : document.merges) {
    const std::string joined = left + right;
    if (joined.find("<0x") != std::string::npos || (unk_id_ && (id_of(left) == unk_id_ || id_of(right) == unk_id_))) return;
    const auto before = id_of(left.substr(utf8_before(left, left.size()))), after = id_of(right.substr(0, utf8_length(right[0])));
    if (before && after) crossed.set(*before, *after, {0, 0});
  }
  borders_crossed_ = std::move(crossed);
}

std::optional<std::int32_t> Bpe::id_of(const std::string& token) const {
  const std::uint32_t entry = vocabulary_.find(token);
  if (entry == TokenTable::kNone) return std::nullopt;
  return vocabulary_.id(entry);
}

Bpe::Initial Bpe::initial(const std::string& character) const {
  if (const auto id = id_of(character)) return {{*id}, true};
  if (!byte_fallback_) return {};
  Initial bytes;
  for (const char byte : character) {
    const auto id = id_of(byte_token(static_cast<std::uint8_t>(byte)));
    if (!id) return {};
    bytes.ids.push_back(*id);
  }
  return bytes;
}

void Bpe::start_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const {
  bool pending_unk = false;  // as in the reference, byte tokens do not flush it: it then stands behind them
  const auto add = [&](const Initial& start) {
    if (start.ids.empty()) {
      if (!unk_id_) return;
      if (pending_unk && !fuse_unk_) symbols.push_back(*unk_id_);
      pending_unk = true;
      return;
    }
    if (start.in_vocabulary && pending_unk) {
      symbols.push_back(*unk_id_);
      pending_unk = false;
    }
    symbols.insert(symbols.end(), start.ids.begin(), start.ids.end());
  };
  for (std::size_t at = 0; at < word.size();) {
    const auto byte = static_cast<std::uint8_t>(word[at]);
    if (byte < initials_.size()) {
      add(initials_[byte]);
      ++at;
      continue;
    }
    const std::size_t length = utf8_length(word[at]);
    const std::uint32_t entry = vocabulary_.find(word.substr(at, length));
    if (entry != TokenTable::kNone && !pending_unk) {
      symbols.push_back(vocabulary_.id(entry));
    } else {
      add(initial(std::string(word.substr(at, length))));
    }
    at += length;
  }
  if (pending_unk) symbols.push_back(*unk_id_);
}

void Bpe::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
  const TokenTable& words = byte_level_ ? raw_vocabulary_ : vocabulary_;
  const std::uint32_t entry = words.find(word);
  if (entry != TokenTable::kNone) {
    const Whole whole = whole_[entry].load(std::memory_order_relaxed);
    if (whole == Whole::one_token || (ignore_merges_ && whole == Whole::unknown)) {
      ids.push_back(words.id(entry));
      return;
    }
  }
  std::vector<std::int32_t> symbols;
  symbols.reserve(word.size());
  start_symbols(word, symbols);
  const std::size_t before = ids.size();
  std::size_t run = 0;
  for (std::size_t i = 1; i <= symbols.size(); ++i) {
    const bool border =
        i == symbols.size() || (borders_crossed_ && borders_crossed_->find(symbols[i - 1], symbols[i]).rank == PairTable::kNoRank);
    if (!border) continue;
    merge(symbols.data() + run, i - run, ids);
    run = i;
  }
  if (entry != TokenTable::kNone && !ignore_merges_) {
    const bool one = ids.size() == before + 1 && ids.back() == words.id(entry);
    whole_[entry].store(one ? Whole::one_token : Whole::several_tokens, std::memory_order_relaxed);
  }
}

void Bpe::merge(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const {
  if (count <= kShortWord) {
    merge_short(symbols, count, ids);
  } else {
    merge_long(symbols, count, ids);
  }
}

void Bpe::merge_short(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const {
  std::array<std::int32_t, kShortWord> tokens;
  std::array<PairTable::Value, kShortWord> pairs;  // of tokens i and i + 1
  std::copy(symbols, symbols + count, tokens.begin());
  for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = merges_.find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == PairTable::kNoRank) break;
    tokens[best] = pairs[best].id;
    std::copy(tokens.begin() + best + 2, tokens.begin() + count, tokens.begin() + best + 1);
    std::copy(pairs.begin() + best + 1, pairs.begin() + count - 1, pairs.begin() + best);
    --count;
    if (best > 0) pairs[best - 1] = merges_.find(tokens[best - 1], tokens[best]);
    if (best + 1 < count) pairs[best] = merges_.find(tokens[best], tokens[best + 1]);
  }
  ids.insert(ids.end(), tokens.begin(), tokens.begin() + count);
}

// A heap of candidate merges over a linked list of tokens. A candidate whose tokens have changed since is stale.
void Bpe::merge_long(const std::int32_t* symbols, std::size_t count, std::vector<std::int32_t>& ids) const {
  struct Node {
    std::int32_t token;
    std::ptrdiff_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::ptrdiff_t left;
    std::int32_t left_token, right_token, merged;
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }  // the top is the lowest
  };
  const auto end = static_cast<std::ptrdiff_t>(count);
  std::vector<Node> nodes(count);
  for (std::ptrdiff_t i = 0; i < end; ++i) nodes[static_cast<std::size_t>(i)] = {symbols[i], i - 1, i + 1};
  const auto node = [&](std::ptrdiff_t i) -> Node& { return nodes[static_cast<std::size_t>(i)]; };

  std::priority_queue<Candidate> candidates;
  const auto consider = [&](std::ptrdiff_t left) {
    if (left < 0 || node(left).next == end) return;
    const std::int32_t right_token = node(node(left).next).token;
    const PairTable::Value pair = merges_.find(node(left).token, right_token);
    if (pair.rank != PairTable::kNoRank) candidates.push({pair.rank, left, node(left).token, right_token, pair.id});
  };
  for (std::ptrdiff_t i = 0; i < end; ++i) consider(i);
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Node& left = node(best.left);
    if (left.token != best.left_token || left.next == end || node(left.next).token != best.right_token) continue;
    Node& right = node(left.next);
    left.token = best.merged;
    left.next = right.next;
    right.token = -1;  // gone
    if (left.next != end) node(left.next).previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (std::ptrdiff_t i = 0; i < end; i = node(i).next) ids.push_back(node(i).token);
}

}  // namespace iteralign
