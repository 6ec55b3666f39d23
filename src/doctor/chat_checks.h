#pragma once
// Does the chat template teach a model to end its turn, with tokens that this vocabulary has?

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "doctor/finding.h"
#include "text/renderer.h"

namespace iteralign {

// One token of an example, as training sees it.
struct ExampleToken {
  TokenId id = 0;
  std::string token;         // as in tokenizer.json
  bool learnt = false;       // a target of training
  bool end_of_turn = false;  // the token that ends the assistant's turn
};
std::vector<ExampleToken> example_tokens(const Renderer& renderer);

// What ends the assistant's turn in training: the first special token behind an answer, else EOS.
std::optional<TokenId> end_of_turn_id(const Renderer& renderer);

// The control tokens that the template writes, as it spells them.
std::vector<std::string> control_tokens(const Renderer& renderer);

// The first conversation that another template of the same model renders otherwise than `renderer`; empty when there is none.
std::string first_difference(const Renderer& renderer, const ChatTemplate& other);

void check_end_of_turn(const Renderer& renderer, Findings& findings);
void check_loss_mask(const Renderer& renderer, Findings& findings);
void check_bos(const Renderer& renderer, Findings& findings);
void check_control_tokens(const Renderer& renderer, Findings& findings);
// tokenizer_config.json and chat_template.jinja of the folder.
void check_template_files(const Renderer& renderer, const std::string& folder, Findings& findings);

}  // namespace iteralign
