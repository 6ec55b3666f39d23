#pragma once
// Checks of running models: whether answers end, and whether two forms of one model give the same.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "doctor/finding.h"
#include "iteralign/answerer.h"
#include "iteralign/scorer.h"

namespace iteralign {

// What a model says to a few harmless prompts and texts.
struct Voice {
  std::vector<Generation> answers;                        // greedy
  std::vector<std::vector<double>> token_loglikelihoods;  // of fixed texts
};
Voice listen(Answerer& answerer, Scorer& scorer, const std::function<bool()>& should_stop);

// A model whose answers do not end is no fault of its files: a base model never learnt to.
void check_generation(const Voice& voice, Findings& findings);

// `what`: "the merged folder". The mean difference of log-likelihoods a token may be `tolerance`.
void compare_voices(const std::string& check, const Voice& model, const Voice& other, const std::string& what, double tolerance,
                    const std::string& mend, Findings& findings);

}  // namespace iteralign
