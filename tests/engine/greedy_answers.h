#pragma once
// What a model says of the likeliest tokens.

#include <string>
#include <vector>

#include "engine/generator.h"

namespace iteralign {

// The tokens of each answer. `folder` has the tokenizer; `slots`: prompts that are answered at once.
inline std::vector<std::vector<TokenId>> greedy_answers(Model& model, const std::string& folder, const std::vector<std::string>& prompts,
                                                        int max_new_tokens, int slots, const std::vector<TokenId>& stop_tokens = {}) {
  model.prepare_inference();
  const Tokenizer tokenizer = Tokenizer::from_folder(folder);
  Generator generator(model, tokenizer, stop_tokens, slots);
  std::vector<std::vector<TokenId>> answers(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i)
    generator.submit(
        {.prompt = {.ids = tokenizer.encode(prompts[i], /*add_special_tokens=*/true)}, .sampling = {.max_new_tokens = max_new_tokens}},
        {.on_done = [&, i](const Generation& answer) { answers[i] = answer.tokens; }});
  while (generator.step()) continue;
  return answers;
}

}  // namespace iteralign
