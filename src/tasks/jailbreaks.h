#pragma once
// Harmful requests inside jailbreaks.

#include <optional>
#include <string>
#include <vector>

#include "tasks/judged_tasks.h"

namespace iteralign {

// `count` requests, each in a jailbreak of these folders: the families take turns, the jailbreaks of a family too. The groups are the
// families; the judge is told the request alone. Families with a jailbreak that is a near duplicate of something in `seen` are left out,
// and named in `notes`. Error data for a malformed template.
JudgedPrompts jailbroken(const std::vector<std::string>& folders, const std::vector<Prompt>& requests, std::size_t count,
                         const std::vector<Prompt>& seen, std::vector<std::string>& notes);

}  // namespace iteralign
