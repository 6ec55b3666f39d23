#include "grammar/automaton.h"

#include <algorithm>
#include <map>

namespace iteralign {
namespace {

using NodeSet = std::vector<Nfa::Node>;  // sorted

// With all that can be reached for nothing.
NodeSet reached(const Nfa& nfa, NodeSet nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const Nfa::Node free : nfa.nodes()[nodes[i]].epsilons)
      if (std::ranges::find(nodes, free) == nodes.end()) nodes.push_back(free);
  std::ranges::sort(nodes);
  return nodes;
}

NodeSet behind(const Nfa& nfa, const NodeSet& nodes, std::size_t byte) {
  NodeSet found;
  for (const Nfa::Node node : nodes)
    for (const auto& [bytes, to] : nfa.nodes()[node].edges)
      if (bytes[byte] && std::ranges::find(found, to) == found.end()) found.push_back(to);
  return reached(nfa, std::move(found));
}

}  // namespace

ByteSet bytes_between(std::uint8_t first, std::uint8_t last) {
  ByteSet bytes;
  for (std::size_t byte = first; byte <= last; ++byte) bytes.set(byte);
  return bytes;
}

Nfa::Node Nfa::add() {
  nodes_.emplace_back();
  return static_cast<Node>(nodes_.size() - 1);
}

Nfa::Node Nfa::add_literal(Node from, std::string_view text) {
  for (const char c : text) {
    const Node to = add();
    const auto byte = static_cast<std::uint8_t>(c);
    add_edge(from, bytes_between(byte, byte), to);
    from = to;
  }
  return from;
}

Automaton::Automaton(const Nfa& nfa, Nfa::Node end) {
  std::map<NodeSet, State> known;
  std::vector<NodeSet> sets;
  const auto state_of = [&](NodeSet set) {
    if (set.empty()) return kDead;
    const auto [at, is_new] = known.emplace(std::move(set), static_cast<State>(sets.size()));
    if (is_new) sets.push_back(at->first);
    return at->second;
  };
  state_of(reached(nfa, {0}));
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const NodeSet from = sets[i];
    std::array<State, 256>& next = next_.emplace_back();
    for (std::size_t byte = 0; byte < 256; ++byte) next[byte] = state_of(behind(nfa, from, byte));
    ends_.push_back(std::ranges::binary_search(from, end));
  }
}

// From the ends backwards.
std::vector<int> Automaton::bytes_to_end(const ByteSet& usable) const {
  std::vector<std::vector<State>> before(size());
  for (State state = 0; state < size(); ++state)
    for (std::size_t byte = 0; byte < 256; ++byte)
      if (const State next = next_[state][byte]; usable[byte] && next != kDead) before[next].push_back(state);
  std::vector<int> bytes(size(), kNever);
  std::vector<State> measured;
  for (State state = 0; state < size(); ++state) {
    if (!ends_[state]) continue;
    bytes[state] = 0;
    measured.push_back(state);
  }
  for (std::size_t i = 0; i < measured.size(); ++i)
    for (const State state : before[measured[i]]) {
      if (bytes[state] != kNever) continue;
      bytes[state] = bytes[measured[i]] + 1;
      measured.push_back(state);
    }
  return bytes;
}

}  // namespace iteralign
