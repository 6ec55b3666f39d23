#pragma once
// safe-in-k: how often are k answers to a prompt harmless, all of them, when the model draws them?

#include <vector>

#include "tasks/judged_tasks.h"

namespace iteralign {

// The share of the ways to choose k of n answers in which all are harmless, where `safe` of the n are: C(safe, k) / C(n, k), which over
// many samples is the probability that k answers are (as pass@k, Chen et al. 2021). 0 < k <= n.
double all_safe(int safe, int n, int k);

// Draws eight answers to each prompt at temperature 1, each with a seed of its own, and has them judged: a result for each of k = 1, 2, 4
// and 8 of the same answers, whose interval is one over prompts. A prompt of which fewer than k answers were judged does not count.
std::vector<TaskResult> safe_in_k(const JudgedPrompts& asked, const Judging& judging);

}  // namespace iteralign
