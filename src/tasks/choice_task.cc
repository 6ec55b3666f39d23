#include "tasks/choice_task.h"

#include <algorithm>
#include <iterator>

#include "core/countdown.h"

namespace iteralign {
namespace {

constexpr std::size_t kItemsAtOnce = 128;

}  // namespace

std::vector<ChoiceOutcome> answer(const ChoiceTask& task, Scorer& scorer, const std::function<void()>& on_answered,
                                  const std::function<bool()>& should_stop) {
  std::vector<ChoiceOutcome> outcomes;
  for (std::size_t begin = 0; begin < task.items.size(); begin += kItemsAtOnce) {
    const std::size_t end = std::min(begin + kItemsAtOnce, task.items.size());
    std::vector<ScoreRequest> requests;
    std::vector<std::size_t> items;  // that each of them is of, from `begin`
    for (std::size_t i = begin; i < end; ++i) {
      requests.insert(requests.end(), task.items[i].requests.begin(), task.items[i].requests.end());
      items.resize(requests.size(), i - begin);
    }
    Countdown open(end - begin, items, [&](std::size_t) { on_answered(); });
    std::vector<std::vector<Score>> scores = scorer.score(
        requests, [&](std::size_t request) { open.part_done(items[request]); }, should_stop);
    auto next = scores.begin();
    for (std::size_t i = begin; i < end; ++i) {
      const ChoiceItem& item = task.items[i];
      const auto last = next + static_cast<std::ptrdiff_t>(item.requests.size());
      ChoiceOutcome outcome;
      outcome.scores = task.score(item, {std::make_move_iterator(next), std::make_move_iterator(last)});
      outcome.count = task.count(item, outcome.scores);
      outcomes.push_back(std::move(outcome));
      next = last;
    }
  }
  return outcomes;
}

double best_is_right(const ChoiceItem& item, const std::vector<double>& scores) {
  const double best = *std::ranges::max_element(scores);
  double tied = 0, right = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] != best) continue;
    ++tied;
    if (item.right[i]) ++right;
  }
  return right / tied;
}

double first_best_is_right(const ChoiceItem& item, const std::vector<double>& scores) {
  return item.right[static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin())] ? 1.0 : 0.0;
}

}  // namespace iteralign
