#pragma once
// TruthfulQA, multiple choice (Lin, Hilton, Evans 2022), from mc_task.json as its authors publish it: of 2021, or of January 2025 with its
// binary choice, which TruthfulQA.csv of that edition has too.

#include <string>

#include "tasks/choice_task.h"
#include "tasks/variant.h"

namespace iteralign {

// mc0: is the best answer preferred to the best incorrect one? (2025) mc1: is the best choice the true one? mc2: the share of probability
// on the true ones. lm_eval: a primer of six questions, "Q: ...\nA: <choice>", summed log-likelihoods (truthfulqa_mc1 2.0,
// truthfulqa_mc2 3.0). fixed: each choice is put to the model as a true/false question (Dromedary's prompt); log P(true) - log P(false).
// paper: the same, but only the first half of the choices is compared, as there: the true one is always among them.
// Error data names the file and record of what is malformed.
// The empty choices of 2025's file (what stood behind a last semicolon) are left out.
// Error usage for a variant that there is not: the paper has MC1 alone.
void check_truthfulqa_variant(const std::string& task, Variant variant);

ChoiceTask truthfulqa_mc0(const std::string& path, Variant variant);
ChoiceTask truthfulqa_mc1(const std::string& path, Variant variant);
ChoiceTask truthfulqa_mc2(const std::string& path, Variant variant);

}  // namespace iteralign
