#pragma once
// Scoring that shows how far it is, and stops when the stage does.

#include <string>
#include <vector>

#include "stages/stage.h"

namespace iteralign {

// `what`: as Progress shows it; nothing is shown of what is soon done.
std::vector<std::vector<Score>> score_answers(const Stage& stage, const std::string& what, const std::vector<ScoreRequest>& requests);

}  // namespace iteralign
