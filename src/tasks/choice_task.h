#pragma once
// Multiple-choice benchmarks: a model chooses by log-likelihood, so no oracle is asked.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "iteralign/scorer.h"

namespace iteralign {

// One question. What is scored for it, and which of its choices are right.
struct ChoiceItem {
  std::string group;  // of the items that are reported together too ("harmless"); may be empty
  Json doc;           // as the file has it
  std::vector<std::string> choices;
  std::vector<bool> right;             // beside choices
  std::vector<ScoreRequest> requests;  // in the order that `score` expects
};

struct ChoiceTask {
  std::string name;          // "truthfulqa_mc1", "truthfulqa_mc1_paper": what --tasks and every table say
  std::string metric;        // "acc"
  int version = 0;           // of the definition; another number is not comparable
  std::string description;   // how a choice is scored, in a line
  std::string edition = {};  // which of the published versions of its file this is; empty where there is one
  std::vector<ChoiceItem> items;
  // A score for each choice of the item, made from the answers to its requests; larger is better.
  std::function<std::vector<double>(const ChoiceItem&, const std::vector<std::vector<Score>>&)> score;
  // How much of the item was right, 0 to 1, by the scores of its choices.
  std::function<double(const ChoiceItem&, const std::vector<double>&)> count;
};

// The result of an item.
struct ChoiceOutcome {
  std::vector<double> scores;  // of the choices
  double count = 0;
};

// Results in the order of the items. Several items are scored at a time, so that what they share is computed once. `on_answered` is called
// for each item; `should_stop` is asked in between: Error interrupted.
std::vector<ChoiceOutcome> answer(const ChoiceTask& task, Scorer& scorer, const std::function<void()>& on_answered,
                                  const std::function<bool()>& should_stop);

// 1 when the best choice is right, else 0. Where several are equally good, the share of right ones among them: what a guess would give.
double best_is_right(const ChoiceItem& item, const std::vector<double>& scores);
// The first of the best ones counts, as numpy's argmax has it.
double first_best_is_right(const ChoiceItem& item, const std::vector<double>& scores);

}  // namespace iteralign
