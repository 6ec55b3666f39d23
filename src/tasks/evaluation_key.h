#pragma once
// The key that an evaluation's answers and verdicts are kept under, so that no question gets the answer to another one.

#include <string>

#include "asking/judge.h"
#include "iteralign/answerer.h"
#include "store/run_store.h"

namespace iteralign {

// What answers depend on: `model` says which weights, template, dtype and device; seeds count where tokens are drawn.
std::string answers_fingerprint(const std::string& model, const Sampling& sampling, std::uint64_t seed);

// What verdicts depend on: who judges, how often, and what is said to it.
std::string verdicts_fingerprint(const std::string& judge, const Judge& judge_of, int votes);

// The number for both in this store, used in the place of an iteration; from 1 on. A new number begins with the kept answers of the same
// fingerprint, whoever judged them. Answers that an older program kept under 0 are not used: nobody knows which model gave them.
int evaluation_key(RunStore& store, const std::string& answers, const std::string& verdicts);

}  // namespace iteralign
