#pragma once
// The prompts with which the paper's evaluation scripts (Dromedary) ask a model to be examined: a body of their own, the
// assistant's turn begun for it, and one of a few short answers. They are rendered with the model's own chat template.

#include <string>
#include <vector>

#include "iteralign/scorer.h"

namespace iteralign {

// `body` in a user's turn behind an introduction of the assistant; scored are `answers` behind `opening`.
ScoreRequest exam_request(const std::string& body, const std::string& opening, std::vector<std::string> answers);

}  // namespace iteralign
