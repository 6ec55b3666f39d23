#pragma once
// A set of byte strings as a deterministic automaton, and what it is built of. Std only.

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace iteralign {

using ByteSet = std::bitset<256>;
ByteSet bytes_between(std::uint8_t first, std::uint8_t last);

// A nondeterministic automaton (NFA) that is being drawn. Nodes are numbers; 0 is where a string begins.
class Nfa {
 public:
  using Node = std::uint32_t;
  struct Edges {
    std::vector<std::pair<ByteSet, Node>> edges;
    std::vector<Node> epsilons;  // edges that read nothing
  };

  Node add();
  void add_edge(Node from, const ByteSet& bytes, Node to) { nodes_[from].edges.emplace_back(bytes, to); }
  void add_epsilon(Node from, Node to) { nodes_[from].epsilons.push_back(to); }
  // New edges for the bytes of this text, one behind another; where they end.
  Node add_literal(Node from, std::string_view text);

  [[nodiscard]] const std::vector<Edges>& nodes() const { return nodes_; }

 private:
  std::vector<Edges> nodes_ = std::vector<Edges>(1);
};

// Immutable, safe from many threads.
class Automaton {
 public:
  using State = std::uint32_t;
  static constexpr State kStart = 0;
  static constexpr State kDead = UINT32_MAX;  // no string goes on from here

  // The strings that lead from node 0 to `end`.
  Automaton(const Nfa& nfa, Nfa::Node end);

  [[nodiscard]] State next(State state, std::uint8_t byte) const { return next_[state][byte]; }
  // A string may end here.
  [[nodiscard]] bool ends(State state) const { return ends_[state]; }
  [[nodiscard]] std::size_t size() const { return next_.size(); }

  static constexpr int kNever = INT32_MAX;
  // Of each state: how many bytes it takes to an end, at least, if there are only these bytes; kNever if they do not lead to one.
  [[nodiscard]] std::vector<int> bytes_to_end(const ByteSet& usable) const;

 private:
  std::vector<std::array<State, 256>> next_;
  std::vector<bool> ends_;
};

}  // namespace iteralign
