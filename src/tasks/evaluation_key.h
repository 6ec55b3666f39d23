#pragma once
// Under what the answers and verdicts of an evaluation are kept, so that a second question is never answered with what the first one got.

#include <string>

#include "asking/judge.h"
#include "iteralign/base_model.h"
#include "store/run_store.h"

namespace iteralign {

// What answers depend on: `model` says which weights, template, dtype and device; seeds count where tokens are drawn.
std::string answers_fingerprint(const std::string& model, const Sampling& sampling, std::uint64_t seed);

// What verdicts depend on: who judges, how often, and what is said to it.
std::string verdicts_fingerprint(const std::string& judge, const Judge& judge_of, int votes);

// The number that stands for both in this store, in the place of an iteration; from 1 on. Under a new one lie the answers that are there
// with the same answers' fingerprint, whoever judged them. What an older program kept under 0 is left aside: nobody knows whose it is.
int evaluation_key(RunStore& store, const std::string& answers, const std::string& verdicts);

}  // namespace iteralign
