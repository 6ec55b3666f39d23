#pragma once
// A constitution with its evidence, for people and for programs.

#include <string>
#include <string_view>
#include <vector>

#include "iteralign/records.h"
#include "stages/effect.h"

namespace iteralign {

// `prompts` gives the evidence its words, shortened to a line. `effects`: what the principles did in context; those that were rejected come
// last.
std::string constitution_markdown(const Constitution& constitution, const std::vector<Prompt>& prompts,
                                  const std::vector<PrincipleEffect>& effects = {});

// {"version", "principles": [{"id", "text", "area", "iteration", "evidence": [{"id", "prompt"}], "effect"}], "rejected": [{"text",
// "reason", "effect"}]}
std::string constitution_json(const Constitution& constitution, const std::vector<Prompt>& prompts,
                              const std::vector<PrincipleEffect>& effects = {});

// The last turn of a prompt on one line of at most `bytes` bytes.
std::string prompt_line(const Prompt& prompt, std::size_t bytes = 160);

// Text of a model or a user on one line, in which nothing is markup.
std::string markdown_text(std::string_view text);

}  // namespace iteralign
