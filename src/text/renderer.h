#pragma once
// The one renderer: messages to token ids for generation, training and evaluation, so that the three can never differ.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "iteralign/records.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace iteralign {

// Immutable, cheap to copy, safe from many threads. Every method throws Error data that names the template when it refuses
// the messages. Control tokens in a message's content stay text. Roles are normalised (human: user; gpt, model, bot:
// assistant). Where a template refuses or drops the system message, it is put in front of the user turn: "S\n\nU".
class Renderer {
 public:
  // `date`: as in RenderOptions; the same for all that it renders.
  Renderer(std::shared_ptr<const Tokenizer> tokenizer, ChatTemplate chat_template, std::string date = template_time());

  // With the generation prompt. `prefill` is what the assistant's turn starts with; where the last message is an assistant's (a dialogue
  // that is shown to a judge) it stands behind the generation prompt as it is. BOS comes first exactly once when the
  // template writes it or the tokenizer adds it.
  [[nodiscard]] std::vector<TokenId> prompt(const Messages& messages, const std::string& prefill = {}) const;

  [[nodiscard]] static bool ends_answered(const Messages& messages);  // is the last message an assistant's?

  struct Example {
    std::vector<TokenId> ids;
    std::vector<std::uint8_t> loss;  // as long as ids; 1: the token is a target
    int epoch = -1;                  // as in TrainExample
  };
  // Targets are the completion and the end-of-turn token; ids end there. A template that ends a turn with no token gets EOS.
  // complete = false: the completion was cut, so it has no end of turn. What the template shows of a thought that the completion begins
  // with (core/thought.h) is no target, unless it is to be learnt.
  [[nodiscard]] Example example(const Messages& prompt, const std::string& completion, bool complete = true,
                                bool learn_thoughts = false) const;

  // What the generation prompt begins of a thought: "<think>\n". Empty for most templates.
  [[nodiscard]] const std::string& thought_opening() const { return thought_opening_; }

  // Text as it is: special tokens in it are recognised and the post-processor adds its own (BOS).
  [[nodiscard]] std::vector<TokenId> raw(std::string_view text) const;

  // Tokens that end an assistant's turn: the tokenizer's EOS and what the template writes after an answer.
  [[nodiscard]] const std::vector<TokenId>& stop_ids() const { return stop_ids_; }

  [[nodiscard]] std::string text(const Messages& messages, bool add_generation_prompt) const;
  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  [[nodiscard]] const ChatTemplate& chat_template() const { return chat_template_; }

 private:
  [[nodiscard]] Rendered render(const Messages& messages, bool add_generation_prompt) const;
  [[nodiscard]] std::vector<TokenId> encode(const Rendered& rendered) const;
  [[nodiscard]] bool shows_system() const;
  [[nodiscard]] std::vector<TokenId> find_stop_ids() const;
  [[nodiscard]] std::string find_thought_opening() const;
  [[nodiscard]] std::size_t tokens_of_thought(const Rendered& full, const std::vector<TokenId>& ids) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatTemplate chat_template_;
  Json variables_;  // the special tokens, for the template
  std::string date_;
  bool folds_system_ = false;
  std::vector<TokenId> stop_ids_;
  std::string thought_opening_;
};

}  // namespace iteralign
