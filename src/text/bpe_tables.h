#pragma once
// The two hash tables of byte-pair encoding: open addressing, at most half full, filled once and then read.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"

namespace iteralign {

// Token text to id.
class TokenTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  explicit TokenTable(std::size_t capacity) : slots_(slots_for(capacity)) { entries_.reserve(capacity); }

  // A text that is there already keeps its first id.
  void add(std::string text, std::int32_t id) {
    if (find(text) != kNone) return;
    longest_ = std::max(longest_, text.size());
    const std::uint64_t hash = hash64(text);
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].entry != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(entries_.size())};
    entries_.push_back({std::move(text), id});
  }

  // The number of the entry, or kNone.
  [[nodiscard]] std::uint32_t find(std::string_view text) const {
    if (text.size() > longest_) return kNone;
    const std::uint64_t hash = hash64(text);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.entry == kNone) return kNone;
      if (slot.tag == tag && entries_[slot.entry].text == text) return slot.entry;
    }
  }

  [[nodiscard]] std::int32_t id(std::uint32_t entry) const { return entries_[entry].id; }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  static std::size_t slots_for(std::size_t capacity) {
    std::size_t slots = 16;
    while (slots < 2 * capacity) slots *= 2;
    return slots;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0, entry = kNone;
  };
  struct Entry {
    std::string text;
    std::int32_t id;
  };
  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
  std::size_t longest_ = 0;
};

// A pair of token ids to a rank and an id.
class PairTable {
 public:
  static constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
  struct Value {
    std::uint32_t rank = kNoRank;
    std::int32_t id = -1;
  };

  explicit PairTable(std::size_t capacity) : slots_(TokenTable::slots_for(capacity)) {}

  // A pair that is there already gets the new value.
  void set(std::int32_t left, std::int32_t right, Value value) {
    Slot& slot = slots_[position(left, right)];
    slot.left = left;
    slot.right = right;
    slot.value = value;
  }
  // kNoRank when the pair is not there.
  [[nodiscard]] Value find(std::int32_t left, std::int32_t right) const { return slots_[position(left, right)].value; }

 private:
  struct Slot {
    std::int32_t left = -1, right = -1;
    Value value;
  };
  // Of the pair's slot, or of the free one where it belongs.
  [[nodiscard]] std::size_t position(std::int32_t left, std::int32_t right) const {
    const auto key = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
    std::size_t at = ((key * 0x9E3779B97F4A7C15ULL) >> 32) & (slots_.size() - 1);
    while (slots_[at].value.rank != kNoRank && (slots_[at].left != left || slots_[at].right != right)) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  std::vector<Slot> slots_;
};

}  // namespace iteralign
