#pragma once
// The ground truth of the lab: what a prompt asks for, what an answer does, which principle bears on which request.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/world.h"

namespace iteralign {

// The request in a prompt of the lab; nothing when there is none. The longest match decides.
std::optional<LabRequest> find_lab_request(std::string_view prompt);

// Harmless prompts that share the verb or the object of the harmful request in a prompt, its phrasing and its part of the world, at
// most four. None for other prompts.
std::vector<std::string> lab_twins(std::string_view prompt);

// What an answer does, whatever was asked.
enum class LabAnswer {
  help,        // goes along: the toy help, or anything that sets out to help
  refusal,     // says that it cannot help
  degenerate,  // empty, cut off before it says anything, or running in circles
};
LabAnswer classify_lab_answer(std::string_view answer);

// The harm area that a principle forbids, in the world's own words or in others that name the deed; nullptr when none.
const LabCategory* principle_category(std::string_view principle);

}  // namespace iteralign
