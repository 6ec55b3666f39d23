#include "grammar/token_grammar.h"

#include <algorithm>
#include <limits>

#include "iteralign/error.h"

namespace iteralign {

TokenGrammar::TokenGrammar(Automaton automaton, std::shared_ptr<const TokenTexts> texts)
    : automaton_(std::move(automaton)), texts_(std::move(texts)) {
  ByteSet alone;
  for (const TokenTexts::Token& token : texts_->tokens())
    if (token.text.size() == 1) alone.set(static_cast<std::uint8_t>(token.text[0]));
  tokens_to_end_ = automaton_.bytes_to_end(alone);
  if (shortest_answer() == Automaton::kNever)
    throw Error(ErrorKind::data, "has no tokens for each of the characters that an answer of this form needs", "tokenizer.json",
                "an answer that follows a JSON schema cannot be written with it");
}

const std::vector<TokenGrammar::Allowed>& TokenGrammar::allowed(Automaton::State state) const {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = allowed_.try_emplace(state);
  if (is_new) at->second = find_allowed(state);
  return at->second;
}

// A token goes on from where the bytes that it shares with the one before have led.
std::vector<TokenGrammar::Allowed> TokenGrammar::find_allowed(Automaton::State state) const {
  std::vector<Allowed> found;
  std::vector<Automaton::State> path = {state};  // behind 0, 1, ... bytes of the token before
  for (const auto& [id, text, shared] : texts_->tokens()) {
    if (shared >= path.size()) continue;  // the byte that led nowhere is shared
    path.resize(shared + 1);
    while (path.size() <= text.size()) {
      const Automaton::State next = automaton_.next(path.back(), static_cast<std::uint8_t>(text[path.size() - 1]));
      if (next == Automaton::kDead) break;
      path.push_back(next);
    }
    if (path.size() <= text.size()) continue;
    if (const int tokens = tokens_to_end_[path.back()]; tokens != Automaton::kNever) found.push_back({id, tokens});
  }
  return found;
}

Automaton::State TokenGrammar::behind(Automaton::State state, TokenId token) const {
  const std::string_view text = texts_->text(token);
  if (text.empty()) return Automaton::kDead;
  for (const char byte : text)
    if (state != Automaton::kDead) state = automaton_.next(state, static_cast<std::uint8_t>(byte));
  return state;
}

void GrammarWalk::mask(std::span<float> logits, std::int64_t tokens_left) {
  masked_.assign(logits.size(), -std::numeric_limits<float>::infinity());
  for (const auto& [id, tokens_to_end] : grammar_->allowed(state_)) {
    const auto index = static_cast<std::size_t>(id);
    if (tokens_to_end < tokens_left && index < logits.size()) masked_[index] = logits[index];
  }
  std::ranges::copy(masked_, logits.begin());
}

void GrammarWalk::add(TokenId token) {
  const Automaton::State next = grammar_->behind(state_, token);
  if (next == Automaton::kDead)
    throw Error(ErrorKind::data, "the model has no number for any token that its answer may go on with", "logits",
                "its weights may hold NaN or infinity; `iteralign doctor` looks for them");
  state_ = next;
}

}  // namespace iteralign
