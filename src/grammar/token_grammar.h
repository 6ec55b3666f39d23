#pragma once
// Which tokens an answer may go on with, so that its bytes are of an automaton and it ends before its tokens are used up.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/token_texts.h"

namespace iteralign {

// An automaton read through a vocabulary. Safe from many threads.
class TokenGrammar {
 public:
  // Error data when no answer can be written with tokens of one byte: then none could be counted on to end.
  TokenGrammar(Automaton automaton, std::shared_ptr<const TokenTexts> texts);

  struct Allowed {
    TokenId id;
    int tokens_to_end;  // behind it
  };
  // Found once a state: a walk over the whole vocabulary.
  [[nodiscard]] const std::vector<Allowed>& allowed(Automaton::State state) const;
  [[nodiscard]] Automaton::State behind(Automaton::State state, TokenId token) const;
  [[nodiscard]] bool ends(Automaton::State state) const { return automaton_.ends(state); }
  // Tokens that an answer needs.
  [[nodiscard]] int shortest_answer() const { return tokens_to_end_[Automaton::kStart]; }

 private:
  [[nodiscard]] std::vector<Allowed> find_allowed(Automaton::State state) const;

  Automaton automaton_;
  std::shared_ptr<const TokenTexts> texts_;
  std::vector<int> tokens_to_end_;  // by state: so many of one byte each lead to an end for certain
  mutable std::mutex mutex_;        // of allowed_, whose entries stay where they are
  mutable std::map<Automaton::State, std::vector<Allowed>> allowed_;
};

// One answer that is being written. Not thread safe.
class GrammarWalk {
 public:
  explicit GrammarWalk(std::shared_ptr<const TokenGrammar> grammar) : grammar_(std::move(grammar)) {}

  // Minus infinity for every token that must not be next, where so many tokens are left, this one included.
  void mask(std::span<float> logits, std::int64_t tokens_left);
  // The token that was chosen. Error data for one that was masked: the logits of all others were no numbers.
  void add(TokenId token);
  // Nothing can follow.
  [[nodiscard]] bool complete() const { return grammar_->ends(state_); }

 private:
  std::shared_ptr<const TokenGrammar> grammar_;
  Automaton::State state_ = Automaton::kStart;
  std::vector<float> masked_;  // scratch
};

}  // namespace iteralign
