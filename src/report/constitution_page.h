#pragma once
// A constitution with its evidence, for people and for programs.

#include <string>
#include <string_view>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

// `prompts` gives the evidence its words, shortened to a line.
std::string constitution_markdown(const Constitution& constitution, const std::vector<Prompt>& prompts);

// {"version", "principles": [{"id", "text", "area", "iteration", "evidence": [{"id", "prompt"}]}]}
std::string constitution_json(const Constitution& constitution, const std::vector<Prompt>& prompts);

// The last turn of a prompt on one line of at most `bytes` bytes.
std::string prompt_line(const Prompt& prompt, std::size_t bytes = 160);

// Text of a model or a user on one line, in which nothing is markup.
std::string markdown_text(std::string_view text);

}  // namespace iteralign
